import type { Digest } from '../../image/digest.ts';
import type { Platform } from '../../image/platform.ts';
import { canonicalText, type ImageReference } from '../../image/reference.ts';
import type { ResolutionFailureCode } from '../../image/resolution.ts';
import type { Verification, VerifyEntry } from '../../signature/verification.ts';
import type { RegistryAccess } from '../../target/connection.ts';
import { entryNumber, platformText, secretText } from './selection.ts';

/** What a cycle asks a registry; each once, however many targets want to know it. */
export type SweepQuestion = {
  readonly reference: ImageReference;
  readonly secret: RegistryAccess | null;
} & (
  | { readonly kind: 'tags' }
  | { readonly kind: 'digest' }
  | { readonly kind: 'inspect'; readonly platforms: readonly Platform[] }
  /** The reference has a digest then. */
  | { readonly kind: 'verify'; readonly entries: readonly VerifyEntry[] }
);

/** What a registry said. */
export type SweepAnswer =
  | { readonly kind: 'tags'; readonly tags: readonly string[] }
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'inspected'; readonly digest: Digest; readonly built: number | null; readonly fits: boolean }
  | { readonly kind: 'verification'; readonly verification: Verification }
  | LookupFailure;

/** Why it said nothing. */
export interface LookupFailure {
  readonly kind: 'failed';
  readonly code: ResolutionFailureCode;
  readonly message: string;
}

/** Answers by `questionKey`. */
export type SweepAnswers = ReadonlyMap<string, SweepAnswer>;

/** Equal for questions that mean the same: canonical reference, credential, platforms and entries. */
export function questionKey(question: SweepQuestion): string {
  const { kind, reference, secret } = question;
  const { registry, repository } = reference;
  const what = kind === 'tags' ? `${registry}/${repository}` : canonicalText(reference);
  return JSON.stringify([kind, what, secretText(secret), detailOf(question)]);
}

function detailOf(question: SweepQuestion): string {
  switch (question.kind) {
    case 'inspect':
      return question.platforms.map(platformText).toSorted().join(',');
    case 'verify':
      return question.entries.map(entryNumber).join(',');
    case 'tags':
    case 'digest':
      return '';
  }
}
