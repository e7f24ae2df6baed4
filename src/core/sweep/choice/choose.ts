import { type Digest, shortDigest } from '../../image/digest.ts';
import { byDigest, withTag } from '../../image/reference.ts';
import type { ResolutionFailureCode } from '../../image/resolution.ts';
import { denyingVerdict } from '../../signature/verification.ts';
import { type ImageFacts, needsFacts, selectTag } from '../../version/select.ts';
import type { Hold, PassedOver } from '../change.ts';
import type { ImageValue } from '../value.ts';
import { type LookupFailure, questionKey, type SweepAnswers, type SweepQuestion } from './questions.ts';
import { rankTags, rankTagsOnce } from './ranking.ts';
import { type Selection, selectionKey } from './selection.ts';

/** What an image's rule comes to, as far as the answers go. */
export type Choice =
  | { readonly kind: 'ask'; readonly questions: readonly SweepQuestion[] }
  | {
      readonly kind: 'chosen';
      readonly value: ImageValue & { readonly tag: string };
      /** Better ones that do not verify, the best first. */
      readonly passedOver: readonly PassedOver[];
      /** What entries that only warn say of it, and what they can't, each half a sentence. */
      readonly warnings: readonly string[];
    }
  /** Some fit, and none of them verifies: the best first, at most `MOST_PASSED_OVER`. */
  | { readonly kind: 'unverified'; readonly passedOver: readonly PassedOver[] }
  /** No tag fits; why, half a sentence. */
  | { readonly kind: 'none'; readonly problem: string }
  | LookupFailure;

/** Each costs a registry some requests: who signs nothing any more has to hear of it, not to be searched for years. */
const MOST_PASSED_OVER = 20;

/**
 * Chooses a tag by a rule: the best that runs where it must and verifies as it must, with its digest where that is wanted. It asks
 * for as little as there is to know, step by step, until the answers are enough.
 */
export function choose(selection: Selection, answers: SweepAnswers): Choice {
  const remembered = CHOICES.get(answers);
  const known =
    remembered?.size === answers.size ? remembered : { size: answers.size, choices: new Map<string, Choice>() };
  if (known !== remembered) CHOICES.set(answers, known);
  const key = selectionKey(selection);
  const choice = known.choices.get(key) ?? new Chooser(selection, answers).choose();
  known.choices.set(key, choice);
  return choice;
}

/** Why an image is left alone for which nothing was chosen. */
export function holdOfChoice(choice: Exclude<Choice, { readonly kind: 'chosen' }>): Hold {
  switch (choice.kind) {
    case 'ask':
      return { outcome: 'failed', reason: 'LookupFailed', message: 'nobody asked the registry' };
    case 'failed':
      return { outcome: 'failed', reason: 'LookupFailed', message: `${choice.code}: ${choice.message}` };
    case 'none':
      return { outcome: 'waiting', reason: 'NoTag', message: choice.problem };
    case 'unverified': {
      const { passedOver } = choice;
      const what = passedOver.length < MOST_PASSED_OVER ? 'nothing' : `of the best ${MOST_PASSED_OVER} nothing`;
      const message = `${what} that verifies is left: ${describePassedOver(passedOver)}`;
      return { outcome: 'refused', reason: 'NotVerified', message };
    }
  }
}

/** What there is to say of a choice besides its value, to be put behind a sentence; empty where that is nothing. */
export function notesOf({ passedOver, warnings }: Extract<Choice, { readonly kind: 'chosen' }>): string {
  const notes = [...(passedOver.length > 0 ? [`passed over ${describePassedOver(passedOver)}`] : []), ...warnings];
  return notes.map((note) => `; ${note}`).join('');
}

const MOST_TOLD = 3;

function describePassedOver(passedOver: readonly PassedOver[]): string {
  const told = passedOver
    .slice(0, MOST_TOLD)
    .map(({ tag, digest, reason }) => `${tag}@${shortDigest(digest)} (${reason})`);
  const more = passedOver.length - told.length;
  return `${told.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Thousands of targets may follow one image by the same rule: its tags are sorted once for all of them. Answers are only added to. */
const CHOICES = new WeakMap<SweepAnswers, { readonly size: number; readonly choices: Map<string, Choice> }>();

const UNBOUND = 'written as a tag alone (a format with digests binds it), which is verified as';

/** One rule against the answers. */
class Chooser {
  readonly #selection: Selection;
  readonly #answers: SweepAnswers;

  constructor(selection: Selection, answers: SweepAnswers) {
    this.#selection = selection;
    this.#answers = answers;
  }

  choose(): Choice {
    const { rule, repository, pullSecret: secret } = this.#selection;
    if (rule.strategy === 'digest') return this.#follow(rule.constraint ?? '');
    const listing: SweepQuestion = { kind: 'tags', reference: repository, secret };
    const listed = this.#answers.get(questionKey(listing));
    if (listed === undefined) return { kind: 'ask', questions: [listing] };
    if (listed.kind === 'failed') return listed;
    return this.#select(listed.kind === 'tags' ? listed.tags : []);
  }

  /** The strategy `digest`: a tag that is known from the start. */
  #follow(tag: string): Choice {
    const selected = selectTag([tag], this.#selection.rule).selected;
    if (selected === null) return { kind: 'none', problem: `${JSON.stringify(tag)} is kept out by the filters` };
    return this.#take(tag);
  }

  #select(tags: readonly string[]): Choice {
    const { rule, platforms } = this.#selection;
    const built = new Map<string, number>();
    const unfit = new Set<string>();
    const facts: ImageFacts = { built, unfit };
    const passedOver: PassedOver[] = [];
    const isByTime = rule.strategy === 'newest-build';
    if (isByTime) {
      const looked = this.#look(needsFacts(tags, rule), facts);
      if (looked !== null) return looked;
    }
    const { judged, best } = isByTime ? rankTags(tags, rule, facts) : rankTagsOnce(tags, rule);
    for (const tag of best) {
      if (!isByTime && platforms.length > 0) {
        // The best that runs there: usually the first that is looked into.
        const looked = this.#look([tag], facts);
        if (looked !== null) return looked;
        if (unfit.has(tag)) continue;
      }
      const taken = this.#take(tag);
      if (taken.kind !== 'unverified') return taken.kind === 'chosen' ? { ...taken, passedOver } : taken;
      passedOver.push(...taken.passedOver);
      if (passedOver.length === MOST_PASSED_OVER) break;
    }
    if (passedOver.length > 0) return { kind: 'unverified', passedOver };
    return { kind: 'none', problem: noneProblem(tags.length, judged) };
  }

  /** Takes facts about images into `facts`; a question or a failure where they are not known. */
  #look(tags: readonly string[], facts: ImageFacts): Choice | null {
    const questions: SweepQuestion[] = [];
    for (const tag of tags) {
      const question = this.#inspection(tag);
      const answer = this.#answers.get(questionKey(question));
      if (answer === undefined) questions.push(question);
      else if (answer.kind === 'failed') {
        // It might be the best: to choose another would be to go back and forth with the registry's health.
        if (!BROKEN.has(answer.code)) return answer;
        (facts.unfit as Set<string>).add(tag);
      } else if (answer.kind === 'inspected') {
        if (!answer.fits) (facts.unfit as Set<string>).add(tag);
        else if (answer.built !== null) (facts.built as Map<string, number>).set(tag, answer.built);
      }
    }
    return questions.length === 0 ? null : { kind: 'ask', questions };
  }

  /** A tag that was selected: its digest where that matters, and whether that verifies. */
  #take(tag: string): Choice {
    const { rule, digest: wanted, verify } = this.#selection;
    const chosen = (digest: Digest | null, warnings: readonly string[] = []): Choice => ({
      kind: 'chosen',
      value: { tag, digest: wanted === 'wanted' ? digest : null },
      passedOver: [],
      warnings,
    });
    if (wanted === 'unwanted' && rule.strategy !== 'digest' && verify.length === 0) return chosen(null);
    const found = this.#digestOf(tag);
    if (typeof found === 'object') return found;
    return verify.length === 0 ? chosen(found) : this.#verified(tag, found, chosen);
  }

  #digestOf(tag: string): Digest | Choice {
    const { rule, platforms, repository, pullSecret: secret } = this.#selection;
    const isLookedInto = platforms.length > 0 || rule.strategy === 'newest-build';
    const question: SweepQuestion = isLookedInto
      ? this.#inspection(tag)
      : { kind: 'digest', reference: withTag(repository, tag), secret };
    const answer = this.#answers.get(questionKey(question));
    if (answer === undefined) return { kind: 'ask', questions: [question] };
    switch (answer.kind) {
      case 'failed':
        return answer;
      case 'tags':
      case 'verification':
        return { kind: 'none', problem: 'what was asked was its digest' };
      case 'inspected':
        if (!answer.fits) return { kind: 'none', problem: `${JSON.stringify(tag)} runs on none of the platforms` };
        return answer.digest;
      case 'digest':
        return answer.digest;
    }
  }

  #verified(tag: string, digest: Digest, chosen: (digest: Digest, warnings: readonly string[]) => Choice): Choice {
    const { repository, pullSecret: secret, verify: entries, digest: wanted } = this.#selection;
    const question: SweepQuestion = { kind: 'verify', reference: byDigest(repository, digest), secret, entries };
    const answer = this.#answers.get(questionKey(question));
    if (answer === undefined) return { kind: 'ask', questions: [question] };
    if (answer.kind !== 'verification') {
      return answer.kind === 'failed' ? answer : { kind: 'none', problem: 'what was asked was who signed it' };
    }
    const denying = denyingVerdict(answer.verification);
    // Where it can't be found out it might be the best: nothing is passed over for a registry's bad day.
    if (denying?.kind === 'failed') return denying;
    if (denying !== null) return { kind: 'unverified', passedOver: [{ tag, digest, reason: denying.reason }] };
    const warnings = answer.verification.verdicts.flatMap(({ entry, verdict }) => {
      if (verdict.kind === 'verified') return [];
      return [`verify entry ${entry.name}: ${verdict.kind === 'failed' ? verdict.message : verdict.reason}`];
    });
    // Whoever moves the tag afterwards decides what runs.
    const unbound = wanted === 'wanted' ? [] : [`${UNBOUND} ${shortDigest(digest)}`];
    return chosen(digest, [...warnings, ...unbound]);
  }

  #inspection(tag: string): SweepQuestion {
    const { repository, pullSecret: secret, platforms } = this.#selection;
    return { kind: 'inspect', reference: withTag(repository, tag), secret, platforms };
  }
}

/** What is wrong with the image, and not with the registry or the way to it. */
const BROKEN: ReadonlySet<ResolutionFailureCode> = new Set(['NotFound', 'InvalidResponse', 'NoMatchingPlatform']);

function noneProblem(tags: number, judged: number): string {
  if (tags === 0) return 'the repository has no tags';
  return judged < tags
    ? 'of no tag that fits it is known when it was built'
    : 'no tag fits the constraint and the filters';
}
