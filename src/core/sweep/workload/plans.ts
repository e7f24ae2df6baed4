import type { Rollout } from '../../target/workload/rollout.ts';
import type { FollowedByWorkload } from '../../target/workload.ts';
import type { Hold, PassedOver, SweepOutcome, SweepReason } from '../change.ts';
import type { ImageState } from '../state.ts';
import type { ImageValue } from '../value.ts';
import { foundValue } from './found.ts';
import { hasRollout } from './rollout.ts';

/** Why there is a look: `rollouts`, seconds apart, are about those alone that writes of ours began. */
export type LookPurpose = 'sweep' | 'rollouts';

/** Everything that one image of a workload is decided by, besides what its registry says. */
export interface WorkloadImageFacts {
  readonly state: ImageState;
  readonly rollout: Rollout;
  /** A rollout that a write of ours began is under way, of this image or of another one of the workload. */
  readonly isRollingOurs: boolean;
  /** Another image of the workload is written in this cycle. */
  readonly isGoing: boolean;
  /** What the template says of the last restart. */
  readonly restartedAt: string | null;
  /** Who wrote the template last, where that was not tagpin and is known. */
  readonly changedBy: string | null;
  /** When its registry was asked last, in milliseconds since 1970; null where that is not known. */
  readonly lastAsked: number | null;
  /** How many other workloads follow something. */
  readonly others: number;
  readonly purpose: LookPurpose;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What is decided of one image. */
export interface WorkloadImagePlan {
  readonly image: FollowedByWorkload;
  readonly from: ImageValue;
  readonly to: ImageValue | null;
  readonly outcome: Exclude<SweepOutcome, 'written'>;
  readonly reason: SweepReason;
  readonly message: string;
  readonly passedOver: readonly PassedOver[];
  /** With `planned`, and only there: what is written, and whether it was there before and is only rolled out again. */
  readonly write: { readonly value: ImageValue; readonly isAgain: boolean } | null;
  /** What became healthy; null where nothing did. */
  readonly healthy: ImageValue | null;
  /** What is to be remembered before anything is written. */
  readonly now: ImageState;
  /** What is to be remembered where nothing came of it. */
  readonly before: ImageState;
}

/** What all plans of an image that is left alone have in common. */
export function leave(image: FollowedByWorkload, state: ImageState, to: ImageValue | null) {
  const from = foundValue(image);
  return { image, from, to, passedOver: [], write: null, healthy: null, now: state, before: state };
}

/** The plan of an image that is left alone. */
export function hold(
  image: FollowedByWorkload,
  state: ImageState,
  held: Hold,
  to: ImageValue | null = null,
): WorkloadImagePlan {
  return { ...leave(image, state, to), ...held };
}

/** What is remembered of a value that runs. */
export function rolledOut(image: FollowedByWorkload, state: ImageState, value: ImageValue): ImageState {
  const observed = image.action === 'restart' ? true : null;
  return { ...state, written: value, attempt: null, rollout: null, observed, waited: null };
}

/** What is remembered of a value that was written just now. */
export function afterWrite(
  { image, now }: WorkloadImagePlan,
  { value, isAgain }: NonNullable<WorkloadImagePlan['write']>,
  rollout: Rollout,
): ImageState {
  if (!hasRollout(rollout)) return rolledOut(image, now, value);
  // What could not be written at first has not failed to become healthy.
  const attempt = isAgain || now.attempt === null ? now.attempt : { ...now.attempt, count: 1 };
  return { ...now, attempt, rollout: { progress: 0, failed: false } };
}
