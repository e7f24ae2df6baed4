import type { Digest } from '../../image/digest.ts';
import { effectiveTag } from '../../image/reference.ts';
import { restartMark } from '../../target/workload/place.ts';
import type { FollowedByWorkload } from '../../target/workload.ts';
import { type Drift, explainDifference } from '../guard/drift.ts';
import type { ImageState } from '../state.ts';
import { type ImageValue, isSameValue, NO_VALUE } from '../value.ts';

/** What is remembered of an image, and what its workload says of the last restart and of who wrote it last. */
export interface StandingFacts {
  readonly state: ImageState;
  readonly restartedAt: string | null;
  readonly changedBy: string | null;
}

/** Does what was attempted stand there? */
export function stands(image: FollowedByWorkload, { state, restartedAt }: StandingFacts): boolean {
  const { attempt, rollout } = state;
  if (attempt === null) return false;
  if (image.action === 'restart') return rollout !== null || restartedAt === restartMark(attempt.at);
  return shownDigest(image) === attempt.digest;
}

/** What stands there is a digest of ours, also where its record was lost: `isByHand` is asked first. */
function shownDigest({ found }: Pick<FollowedByWorkload, 'found'>): Digest | null {
  if (found.kind === 'digest') return found.value.digest;
  return found.kind === 'by hand' ? found.digest : null;
}

/** Does what is there say a value? What shows none says what was recorded of it. */
export function saysValue(
  { found }: FollowedByWorkload,
  { written, observed }: ImageState,
  value: ImageValue,
): boolean {
  if (found.kind === 'floating') return observed === true && isSameValue(written, value);
  return value.digest !== null && shownDigest({ found }) === value.digest;
}

/** A digest that somebody wrote, and that was not written by us nor recorded by who updated it before. */
export function isByHand({ found, action, adopted }: FollowedByWorkload, state: ImageState): boolean {
  if (found.kind !== 'by hand') return false;
  if (action !== 'set-image') return true;
  const known = [state.written, state.attempt, ...state.before].map((value) => value?.digest);
  return !known.includes(found.digest) && !(adopted.kind === 'digest' && adopted.digest === found.digest);
}

/** What stands there, as far as it shows. */
export function foundValue({ found, followed }: FollowedByWorkload): ImageValue {
  switch (found.kind) {
    case 'digest':
      return found.value;
    case 'by hand':
      return { tag: effectiveTag(followed), digest: found.digest };
    case 'floating':
      return { tag: effectiveTag(followed), digest: null };
    case 'empty':
    case 'text':
      return NO_VALUE;
  }
}

/** Why does it not say what is wanted? Called where it does not. */
export function explain(image: FollowedByWorkload, { state, changedBy }: StandingFacts, wanted: ImageValue): Drift {
  const found = foundValue(image);
  const known = { ...state, ...asWrittenOnce(state) };
  const says = (value: ImageValue): boolean => saysValue(image, state, value);
  // Its own tag was taken back to one that it ran before, whatever that tag means today: `rollout undo`.
  const isUndone =
    known.written !== null &&
    known.written.tag !== wanted.tag &&
    known.contested === null &&
    image.found.kind === 'digest' &&
    !says(known.written) &&
    known.before.some((value) => isSameValue(value, found));
  const meant = isUndone ? { ...known, written: wanted } : known;
  return explainDifference({ state: meant, found, wanted, says, changedBy });
}

/** What stood there, and is not known to have become healthy, was written all the same. */
export function asWrittenOnce(state: ImageState): Partial<ImageState> {
  const { attempt, rollout } = state;
  if (attempt === null || rollout === null) return {};
  return { written: { tag: attempt.tag, digest: attempt.digest }, attempt: null, rollout: null, observed: null };
}
