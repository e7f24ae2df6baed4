import type { ResolutionFailureCode } from '../image/resolution.ts';
import type { Policy } from '../policy/schema.ts';

type PolicyEntry = Policy['verify'][number];

/** One of a policy's `verify` entries, or one that was read elsewhere in the same words. */
export type VerifyEntry = Omit<PolicyEntry, 'trustRoot'> & {
  /** `text`: the JSON of a `trusted_root.json`, where that was read already. */
  readonly trustRoot: PolicyEntry['trustRoot'] | { readonly text: string };
};

/** What one entry says of one digest. */
export type Verdict =
  /** A signature holds in everything that the entry asks. */
  | { readonly kind: 'verified'; readonly signer: string }
  /** Whatever was found, no signature holds; why, half a sentence. */
  | { readonly kind: 'unverified'; readonly reason: string }
  /** It could not be found out. */
  | { readonly kind: 'failed'; readonly code: ResolutionFailureCode; readonly message: string };

/** What one check of one signature came to. */
export interface SignatureCheck {
  /** In a few words, such as `payload digest`, `identity`, `transparency log`. */
  readonly name: string;
  readonly ok: boolean;
  /** Why, where that needs a word; null otherwise. */
  readonly reason: string | null;
}

/** A signature that was found, and what of it holds. */
export interface FoundSignature {
  readonly format: 'bundle' | 'legacy';
  /** Where: the digest of its manifest, or `.sig` and that of its payload, both short. */
  readonly place: string;
  /** The name of the entry that it was checked by; empty where it could not be read. */
  readonly entry: string;
  /** Who made it, as far as that is known: a key's fingerprint, or `IDENTITY (ISSUER)`. */
  readonly signer: string;
  readonly checks: readonly SignatureCheck[];
}

/** What all entries say of one digest. */
export interface Verification {
  /** In the order of the entries that were asked about. */
  readonly verdicts: readonly { readonly entry: VerifyEntry; readonly verdict: Verdict }[];
  /** What was found; empty where nothing is signed, and where the verdicts were remembered. */
  readonly signatures: readonly FoundSignature[];
}

/**
 * What the entries come to together: every entry with the action `deny` has to hold; the first that does not decides. One with the
 * action `warn` never stops anything.
 */
export function denyingVerdict({ verdicts }: Verification): Exclude<Verdict, { kind: 'verified' }> | null {
  for (const { entry, verdict } of verdicts) {
    if (entry.action === 'deny' && verdict.kind !== 'verified') return verdict;
  }
  return null;
}
