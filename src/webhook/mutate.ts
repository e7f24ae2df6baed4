import type { AdmissionRecord } from '../core/admission/record.ts';

/** What one call of `/mutate` is answered with. */
export interface MutateResult {
  /** 400 where the body is no review that could be read; a review is answered all the same. */
  readonly status: 200 | 400;
  /** The AdmissionReview to send. */
  readonly review: object;
  /** The audit line; null for a dry run, and for a body that was no review. */
  readonly record: AdmissionRecord | null;
  /** The namespace asked about, null where it could not be read. */
  readonly namespace: string | null;
}

/**
 * Answers one AdmissionReview.
 *
 * @param body the request's body, at most 8 MiB.
 * @param budget how long registries may be asked: aborted when the answer has to go out.
 */
export type Mutate = (body: Buffer, budget: AbortSignal) => Promise<MutateResult>;
