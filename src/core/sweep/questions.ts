import type { Digest } from '../image/digest.ts';
import type { Platform } from '../image/platform.ts';
import { canonicalName, canonicalText, type ImageReference, withTag } from '../image/reference.ts';
import type { ResolutionFailureCode } from '../image/resolution.ts';
import type { PullSecretSource, TrackedSettings } from '../target/settings.ts';
import { needsDigest } from '../target/values.ts';
import { type ImageFacts, needsFacts, selectTag } from '../version/select.ts';
import type { ImageValue } from './value.ts';

/** What a cycle asks a registry; each once, however many targets want to know it. */
export type SweepQuestion = {
  readonly reference: ImageReference;
  readonly secret: PullSecretSource | null;
} & (
  | { readonly kind: 'tags' }
  | { readonly kind: 'digest' }
  | { readonly kind: 'inspect'; readonly platforms: readonly Platform[] }
);

/** What a registry said. */
export type SweepAnswer =
  | { readonly kind: 'tags'; readonly tags: readonly string[] }
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'inspected'; readonly digest: Digest; readonly built: number | null; readonly fits: boolean }
  | LookupFailure;

/** Why it said nothing. */
export interface LookupFailure {
  readonly kind: 'failed';
  readonly code: ResolutionFailureCode;
  readonly message: string;
}

/** Answers by `questionKey`. */
export type SweepAnswers = ReadonlyMap<string, SweepAnswer>;

/** What an image's rule comes to, as far as the answers go. */
export type Choice =
  | { readonly kind: 'ask'; readonly questions: readonly SweepQuestion[] }
  | { readonly kind: 'chosen'; readonly value: ImageValue & { readonly tag: string } }
  /** No tag fits; why, half a sentence. */
  | { readonly kind: 'none'; readonly problem: string }
  | LookupFailure;

/** Equal for questions that mean the same: canonical reference, credential, and platforms. */
export function questionKey(question: SweepQuestion): string {
  const { kind, reference, secret } = question;
  const { registry, repository } = reference;
  const what = kind === 'tags' ? `${registry}/${repository}` : canonicalText(reference);
  const platforms = kind === 'inspect' ? question.platforms.map(platformText).toSorted().join(',') : '';
  return JSON.stringify([kind, what, secretText(secret), platforms]);
}

/**
 * Chooses a tag by the image's rule, and finds its digest where that is written: asks for as little as there is to know, step by
 * step, until the answers are enough.
 */
export function choose(tracked: TrackedSettings, answers: SweepAnswers): Choice {
  const remembered = CHOICES.get(answers);
  const known =
    remembered?.size === answers.size ? remembered : { size: answers.size, choices: new Map<string, Choice>() };
  if (known !== remembered) CHOICES.set(answers, known);
  const key = choiceKey(tracked);
  const choice = known.choices.get(key) ?? new Chooser(tracked, answers).choose();
  known.choices.set(key, choice);
  return choice;
}

/** Thousands of targets may follow one image by the same rule: its tags are sorted once for all of them. Answers are only added to. */
const CHOICES = new WeakMap<SweepAnswers, { readonly size: number; readonly choices: Map<string, Choice> }>();

function choiceKey(tracked: TrackedSettings): string {
  const { image, rule, platforms, pullSecret } = tracked;
  const what = [canonicalName(image.repository), secretText(pullSecret), ...platforms.map(platformText)];
  return JSON.stringify([what, rule.text, rule.versionParts, needsDigest(tracked)]);
}

/** One image's rule against the answers. */
class Chooser {
  readonly #tracked: TrackedSettings;
  readonly #answers: SweepAnswers;

  constructor(tracked: TrackedSettings, answers: SweepAnswers) {
    this.#tracked = tracked;
    this.#answers = answers;
  }

  choose(): Choice {
    const { rule, image } = this.#tracked;
    if (rule.strategy === 'digest') return this.#follow(rule.constraint ?? '');
    const listing: SweepQuestion = { kind: 'tags', reference: image.repository, secret: this.#tracked.pullSecret };
    const listed = this.#answers.get(questionKey(listing));
    if (listed === undefined) return { kind: 'ask', questions: [listing] };
    if (listed.kind === 'failed') return listed;
    return this.#select(listed.kind === 'tags' ? listed.tags : []);
  }

  /** The strategy `digest`: a tag that is known from the start. */
  #follow(tag: string): Choice {
    const selection = selectTag([tag], this.#tracked.rule);
    if (selection.selected === null) {
      return { kind: 'none', problem: `${JSON.stringify(tag)} is kept out by the filters` };
    }
    return this.#digestOf(tag);
  }

  #select(tags: readonly string[]): Choice {
    const { rule, platforms } = this.#tracked;
    const built = new Map<string, number>();
    const unfit = new Set<string>();
    const facts: ImageFacts = { built, unfit };
    const isByTime = rule.strategy === 'newest-build';
    if (isByTime) {
      const looked = this.#look(needsFacts(tags, rule), facts);
      if (looked !== null) return looked;
    }
    for (;;) {
      const { selected, candidates } = selectTag(tags, rule, facts);
      if (selected === null) return { kind: 'none', problem: noneProblem(tags.length, candidates.length) };
      if (isByTime || platforms.length === 0) return this.#digestOf(selected);
      // The best that runs there: usually the first that is looked into.
      const looked = this.#look([selected], facts);
      if (looked !== null) return looked;
      if (!unfit.has(selected)) return this.#digestOf(selected);
    }
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

  #digestOf(tag: string): Choice {
    const tracked = this.#tracked;
    const isWanted = needsDigest(tracked);
    if (!isWanted && tracked.rule.strategy !== 'digest') return { kind: 'chosen', value: { tag, digest: null } };
    const isLookedInto = tracked.platforms.length > 0 || tracked.rule.strategy === 'newest-build';
    const question: SweepQuestion = isLookedInto
      ? this.#inspection(tag)
      : {
          kind: 'digest',
          reference: withTag(tracked.image.repository, tag),
          secret: tracked.pullSecret,
        };
    const answer = this.#answers.get(questionKey(question));
    if (answer === undefined) return { kind: 'ask', questions: [question] };
    switch (answer.kind) {
      case 'failed':
        return answer;
      case 'tags':
        return { kind: 'none', problem: 'tags are no digest' };
      case 'inspected':
        if (!answer.fits) return { kind: 'none', problem: `${JSON.stringify(tag)} runs on none of the platforms` };
        return { kind: 'chosen', value: { tag, digest: isWanted ? answer.digest : null } };
      case 'digest':
        return { kind: 'chosen', value: { tag, digest: isWanted ? answer.digest : null } };
    }
  }

  #inspection(tag: string): SweepQuestion {
    const { image, pullSecret: secret, platforms } = this.#tracked;
    return { kind: 'inspect', reference: withTag(image.repository, tag), secret, platforms };
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

function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === null ? [] : [variant])].join('/');
}

function secretText(secret: PullSecretSource | null): string {
  if (secret === null) return '';
  const place = `${secret.kind}:${secret.namespace}/${secret.name}`;
  return secret.kind === 'secret' ? `${place}#${secret.field}` : place;
}
