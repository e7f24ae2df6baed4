import { shortDigest } from '../../image/digest.ts';
import type { ImageReference } from '../../image/reference.ts';
import type { ResolutionFailureCode } from '../../image/resolution.ts';
import type { Verdict, VerifyEntry } from '../../signature/verification.ts';
import type { VerificationRecord } from '../record.ts';
import { type Denial, place, problem, type SlotOutcome, type Source, type Warning } from './outcome.ts';
import { isNoAnswer, REASONS } from './tag-slot.ts';

/** What one `verify` entry makes of one image. */
export interface Finding {
  readonly record: VerificationRecord;
  /** Null where the entry lets the image pass. */
  readonly denial: Denial | null;
  readonly warning: Warning | null;
}

/** Texts from certificates and registries are bounded, and one line. */
const LONGEST_DETAIL = 300;
/** Beside an image and a reason in a warning. */
const LONGEST_ENTRY = 24;
const LONGEST_REASON = 48;

/** What entries make of an image that has no digest, so that nothing can be said of what will run. */
export function floatingFindings(
  outcome: SlotOutcome,
  { reference, entries }: { readonly reference: ImageReference; readonly entries: readonly VerifyEntry[] },
): readonly Finding[] {
  const { slot, source } = outcome;
  const { why, advice } = whyFloating(source);
  return entries.map(({ name, action }) => {
    const record = { entry: name, result: 'floating', detail: why } as const;
    if (action === 'warn') {
      const text = `has no digest to verify (${shortened(name, LONGEST_ENTRY)})`;
      return { record, denial: null, warning: problem(slot, text, reference) };
    }
    const message = `${place(slot)} has no digest that ${entryText(name)} could verify: ${why}. ${advice}`;
    return { record, denial: { code: isOpen(source) ? 503 : 403, message }, warning: null };
  });
}

/** The verdicts on the digest of an image. */
export interface JudgedSlot {
  /** By digest. */
  readonly reference: ImageReference;
  readonly verdicts: readonly { readonly entry: VerifyEntry; readonly verdict: Verdict }[];
  /** Is the digest new in its slot? Nobody is refused for want of an answer about what ran before. */
  readonly standing: 'new' | 'unchanged';
}

/** What the verdicts on an image's digest come to. */
export function verdictFindings(outcome: SlotOutcome, judged: JudgedSlot): readonly Finding[] {
  return judged.verdicts.map(({ entry, verdict }) => verdictFinding(outcome, judged, entry, verdict));
}

function verdictFinding(
  { slot }: SlotOutcome,
  { reference, standing }: JudgedSlot,
  { name, action }: VerifyEntry,
  verdict: Verdict,
): Finding {
  const short = shortened(name, LONGEST_ENTRY);
  switch (verdict.kind) {
    case 'verified':
      return {
        record: { entry: name, result: 'verified', detail: oneLine(verdict.signer) },
        denial: null,
        warning: null,
      };
    case 'unverified': {
      const detail = oneLine(verdict.reason);
      const record = { entry: name, result: 'unverified', detail } as const;
      if (action === 'warn') {
        const text = `is not verified (${short}): ${shortened(detail, LONGEST_REASON)}`;
        return { record, denial: null, warning: problem(slot, text, shown(reference)) };
      }
      const advice = 'Sign that digest, or use an image that is signed.';
      const message = `${place(slot)} is denied by ${entryText(name)}: ${reference.digest} is not verified: ${detail}. ${advice}`;
      return { record, denial: { code: 403, message }, warning: null };
    }
    case 'failed': {
      const record = { entry: name, result: 'failed', detail: oneLine(`${verdict.code}: ${verdict.message}`) } as const;
      if (action === 'warn' || standing === 'unchanged') {
        const text = `could not be verified (${short}): ${verdict.code}`;
        return { record, denial: null, warning: problem(slot, text, shown(reference)) };
      }
      const advice = isNoAnswer(verdict.code)
        ? 'Try again; see the log of the tagpin webhook if this goes on.'
        : 'Mend that, or ask who keeps the ConfigMap tagpin-policy.';
      const message = `${place(slot)} could not be verified by ${entryText(name)}: ${reference.digest}: ${oneLine(verdict.message)} (${verdict.code}). ${advice}`;
      return { record, denial: { code: 503, message }, warning: null };
    }
  }
}

/** An outcome with what entries make of it. @param enforced for Kubernetes' own controllers denials are only reported. */
export function withFindings(
  outcome: SlotOutcome,
  findings: readonly Finding[],
  enforced: 'enforced' | 'reported',
): SlotOutcome {
  const denials = findings.flatMap(({ denial }) => denial ?? []);
  // What is certain goes before what could not be found out.
  const denial = denials.find(({ code }) => code === 403) ?? denials[0] ?? null;
  return {
    ...outcome,
    warnings: [...findings.flatMap(({ warning }) => warning ?? []), ...outcome.warnings],
    denial: enforced === 'enforced' ? denial : null,
    reported: outcome.reported || (enforced === 'reported' && denial !== null),
    verified: findings.map(({ record }) => record),
  };
}

/** With its digest cut as in all warnings. */
function shown(reference: ImageReference): ImageReference {
  const { name, digest } = reference;
  return digest === null ? reference : { ...reference, text: `${name}@${shortDigest(digest)}` };
}

interface Floating {
  readonly why: string;
  readonly advice: string;
}

const BY_RULE: Floating = { why: 'a rule of the policy leaves its tag', advice: 'Name a signed digest.' };

/** Why an image has no digest, and what to do about that. */
const FLOATING: Readonly<Partial<Record<Source, Floating>>> = {
  skip: {
    why: 'tagpin.dev/skip leaves its tag',
    advice: 'Take it out of tagpin.dev/skip, or name a signed digest.',
  },
  ignore: BY_RULE,
  warn: BY_RULE,
  denied: BY_RULE,
  'pull-policy': { why: 'its pull policy is Never, so that its tag is left', advice: 'Name a signed digest.' },
  unchanged: {
    why: 'it floats as before',
    advice: 'Annotate tagpin.dev/refresh=floating in the same change, or name a signed digest.',
  },
  controller: { why: 'its owner wrote a tag', advice: 'Name a signed digest in the template of its owner.' },
  job: { why: "a Job's images never change", advice: 'Make a new Job.' },
};

function whyFloating(source: Source): Floating {
  const known = FLOATING[source];
  if (known !== undefined) return known;
  const code = conditionOf(source);
  if (code === null) return { why: 'its tag is left', advice: 'Name a signed digest.' };
  return { why: REASONS[code], advice: 'Try again when the registry tells its digest.' };
}

/** Did the registry leave it open what the tag means? */
function isOpen(source: Source): boolean {
  const code = conditionOf(source);
  return code !== null && isNoAnswer(code);
}

function conditionOf(source: Source): ResolutionFailureCode | null {
  const code = source.startsWith('registry:') ? source.slice('registry:'.length) : '';
  return Object.hasOwn(REASONS, code) ? (code as ResolutionFailureCode) : null;
}

function entryText(name: string): string {
  return `the verify entry ${JSON.stringify(name)} of the tagpin policy`;
}

/** Whoever signs chooses names in certificates: nothing of them may move a terminal's cursor. */
function oneLine(text: string): string {
  return shortened(text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' '), LONGEST_DETAIL);
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
