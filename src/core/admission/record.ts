import type { Digest } from '../image/digest.ts';

/** What became of one image. */
export type Outcome = 'pinned' | 'kept' | 'skipped' | 'unresolved';

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
  /** Only where it is true: a rule denies the image, which is reported and not enforced. */
  readonly reported?: true;
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
