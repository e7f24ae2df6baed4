import type { Digest } from '../image/digest.ts';

/** What became of one image. */
export type Outcome = 'pinned' | 'kept' | 'skipped' | 'unresolved';

/** What one `verify` entry came to for one image. */
export interface VerificationRecord {
  /** The entry's name. */
  readonly entry: string;
  /** `failed`: it could not be found out; `floating`: the image has no digest, so that there is nothing to verify. */
  readonly result: 'verified' | 'unverified' | 'failed' | 'floating';
  /** Who signed; otherwise why it is not verified, half a sentence. One line of at most 300 characters. */
  readonly detail: string;
}

/** One image of an audit line. */
export interface ImageRecord {
  /** `containers/NAME`, `initContainers/NAME`, `ephemeralContainers/NAME` or `volumes/NAME`. */
  readonly container: string;
  /** What was submitted. */
  readonly ref: string;
  /** What the image is after the answer; null where it floats. */
  readonly digest: Digest | null;
  readonly outcome: Outcome;
  /** Where the digest comes from, or why there is none: a `Source` of `outcome.ts`. */
  readonly source: string;
  readonly rule: string | null;
  /** Only where it is true: a rule or a `verify` entry denies the image, which is reported and not enforced. */
  readonly reported?: true;
  /** What signatures say; only where `verify` entries speak of the image, and the request was not refused before they were looked at. */
  readonly verified?: readonly VerificationRecord[];
}

/** One admission decision, the audit line without its `msg` and `ms`. */
export interface AdmissionRecord {
  readonly uid: string;
  readonly user: string;
  readonly operation: string;
  readonly namespace: string;
  readonly kind: string;
  /** The object's name, or its `generateName`. */
  readonly name: string;
  readonly decision: 'allowed' | 'patched' | 'denied';
  readonly images: readonly ImageRecord[];
}
