import { canonicalName } from '../../image/reference.ts';
import type { FollowedByWorkload } from '../../target/workload.ts';
import type { Hold } from '../change.ts';
import { type Choice, holdOfChoice, notesOf } from '../choice/choose.ts';
import { shortText } from '../guard/drift.ts';
import { heldByAge, heldByAttempts, heldByInterval } from '../guard/guard.ts';
import { type ImageState, inPlace, MOST_COUNTED, withBefore } from '../state.ts';
import { type ImageValue, isSameValue, valueText } from '../value.ts';
import { begin, unsettled } from './baseline.ts';
import { asWrittenOnce, explain, foundValue, isByHand, saysValue, stands } from './found.ts';
import { hold, leave, type WorkloadImageFacts, type WorkloadImagePlan } from './plans.ts';
import { holdUnsettled, MOST_ATTEMPTS, NOTHING_TRIED, watchRollout } from './rollout.ts';

/** The state of an image, as far as it is of what it follows now. */
export function stateInPlace(image: FollowedByWorkload, known: ImageState): ImageState {
  return inPlace(known, `${image.action} ${canonicalName(image.followed)}`);
}

/** What of an image is known before its registry is asked; null where it has to be asked. */
export function planUnasked(image: FollowedByWorkload, facts: WorkloadImageFacts): WorkloadImagePlan | null {
  const { state } = facts;
  if (isByHand(image, state)) {
    const message = 'its digest was written by hand, which is left alone; write its tag to have it followed';
    return { ...leave(image, state, null), outcome: 'unchanged', reason: 'PinnedByHand', message };
  }
  if (image.appliedBy !== null) {
    const what = image.action === 'set-env' ? `the variable ${image.env ?? ''}` : 'the image';
    const way =
      image.action === 'set-env'
        ? 'take the variable out of what it applies'
        : 'write action: refresh, or take the image out of what it applies';
    const message = `the field manager ${JSON.stringify(image.appliedBy)} applies ${what}, and would meet a conflict or put it back: ${way}`;
    return hold(image, state, { outcome: 'refused', reason: 'OwnedByApply', message });
  }
  const watched = watch(image, facts);
  if (watched !== null) return watched;
  const notDue = facts.purpose === 'rollouts' ? LATER : heldByInterval(image, facts.lastAsked, facts.now);
  if (notDue === null) return null;
  const failed = state.rollout?.failed === true ? gaveUp(image, facts) : null;
  return failed ?? hold(image, state, notDue);
}

/** Decides one image by what its registry said. Nothing is decided here that `planUnasked` decides. */
export function planAsked(image: FollowedByWorkload, facts: WorkloadImageFacts, choice: Choice): WorkloadImagePlan {
  const state = countLookup(facts.state, choice);
  if (choice.kind !== 'chosen') {
    const held = holdOfChoice(choice);
    const again = state.lookups !== null && state.lookups > 1 ? ` (${state.lookups} times in a row)` : '';
    return hold(image, state, { ...held, message: `${held.message}${again}` });
  }
  const wanted: ImageValue = { tag: choice.value.tag, digest: choice.value.digest };
  const first = isSameValue(state.first, wanted) ? state.first : { ...wanted, at: facts.now };
  const plan = planValue(image, { ...facts, state: { ...state, first } }, wanted);
  const message = plan.outcome === 'planned' || plan.outcome === 'unchanged' ? notesOf(choice) : '';
  return { ...plan, message: `${plan.message}${message}`, passedOver: choice.passedOver };
}

function planValue(image: FollowedByWorkload, facts: WorkloadImageFacts, wanted: ImageValue): WorkloadImagePlan {
  const begun = begin(image, facts, wanted);
  if ('outcome' in begun) return begun;
  const { state } = begun;
  const at = { ...facts, state };

  if (state.rollout?.failed === true && isSameValue(state.attempt, wanted) && stands(image, at)) {
    const given = gaveUp(image, at);
    if (given !== null) return given;
    return paused(image, at, wanted) ?? write(image, at, wanted, 'again');
  }
  const says = (value: ImageValue): boolean => saysValue(image, state, value);
  if (says(wanted)) return upToDate(image, at, wanted);

  const drift = explain(image, at, wanted);
  if (drift.kind === 'contested') {
    const contested = { wanted, by: drift.by };
    const left: ImageState = { ...state, ...asWrittenOnce(state), contested, waited: null };
    return hold(image, left, { outcome: 'waiting', reason: drift.reason, message: drift.message }, wanted);
  }
  const held = heldByAge(image, state.first?.at ?? facts.now, facts.now) ?? heldByAttempts(state, wanted, facts.now);
  if (held !== null) return hold(image, state, held, wanted);
  const isOwnFailure = state.rollout?.failed === true && stands(image, at);
  // Without it the application answers nothing, so that its rollout may never end.
  const isUrgent = image.found.kind === 'empty' && !facts.isRollingOurs;
  const wait = isOwnFailure || isUrgent || facts.isGoing ? paused(image, at, wanted) : unsettled(image, at, wanted);
  if (wait !== null) return wait;
  return write(image, at, wanted, drift.kind === 'drifted' ? 'repair' : 'move');
}

function upToDate(image: FollowedByWorkload, facts: WorkloadImageFacts, wanted: ImageValue): WorkloadImagePlan {
  const { state, rollout } = facts;
  const isTakenBack = state.contested !== null && state.before.some((each) => isSameValue(each, wanted));
  const wasOther = state.written !== null && !isSameValue(state.written, wanted);
  const now: ImageState = {
    ...state,
    written: wanted,
    attempt: null,
    rollout: null,
    observed: image.found.kind === 'floating' ? true : null,
    before: wasOther && state.written !== null ? withBefore(state.before, state.written) : state.before,
    contested: isTakenBack ? state.contested : null,
    waited: null,
  };
  if (rollout.kind === 'stuck') {
    const message = `it says so already, and its rollout does not get on: ${rollout.why}`;
    return hold(image, now, { outcome: 'failed', reason: 'RolloutFailed', message }, wanted);
  }
  // Who carries a digest in a variable has no other way to tell that its Pods do not come up.
  const wait = image.action === 'set-env' ? holdUnsettled({ ...facts, state }) : null;
  if (wait?.hold.outcome === 'failed') return hold(image, { ...now, waited: wait.waited }, wait.hold, wanted);
  const message =
    rollout.kind === 'rolling' ? `it says so already, and is rolling: ${rollout.why}` : 'it says so already';
  const waited = wait?.waited ?? null;
  return { ...leave(image, { ...now, waited }, wanted), outcome: 'unchanged', reason: 'UpToDate', message };
}

function write(
  image: FollowedByWorkload,
  facts: WorkloadImageFacts,
  wanted: ImageValue,
  why: 'move' | 'repair' | 'again',
): WorkloadImagePlan {
  const { state, now } = facts;
  const found = foundValue(image);
  const count = isSameValue(state.attempt, wanted) ? (state.attempt?.count ?? 0) + 1 : 1;
  const isShown = valueText(found) !== '' && why !== 'again' && image.action !== 'restart';
  const begun: ImageState = {
    ...state,
    attempt: { ...wanted, at: now, count },
    before: isShown ? withBefore(state.before, found) : state.before,
    repaired: why === 'repair' ? wanted : state.repaired,
    contested: null,
    rollout: null,
    waited: null,
  };
  const reason = why === 'repair' ? 'Repaired' : image.found.kind === 'empty' ? 'Filled' : 'Moved';
  const from = valueText(found) === '' ? 'nothing' : shortText(found);
  const notes = {
    move: '',
    repair: ', which somebody had changed; that is undone once',
    again: `, once more (${count})`,
  };
  return {
    ...leave(image, begun, wanted),
    outcome: 'planned',
    reason,
    message: `from ${from} to ${shortText(wanted)}${notes[why]}`,
    write: { value: wanted, isAgain: why === 'again' },
    before: state,
  };
}

/** A rollout that a write of this image began: null where none is under way. */
function watch(image: FollowedByWorkload, facts: WorkloadImageFacts): WorkloadImagePlan | null {
  const { state } = facts;
  const { attempt } = state;
  if (attempt === null || !stands(image, facts)) return null;
  const value: ImageValue = { tag: attempt.tag, digest: attempt.digest };
  const watched = watchRollout({ ...facts, attempt });
  switch (watched.kind) {
    case 'healthy':
      return {
        ...leave(image, state, value),
        outcome: 'unchanged',
        reason: 'RolledOut',
        message: `${shortText(value)} has been rolled out and is healthy`,
        healthy: value,
      };
    case 'held':
      return hold(image, watched.state, watched.hold, value);
    case 'failed':
      return null;
  }
}

/** Where what stands there failed as often as it may; null where it may be tried again. */
function gaveUp(image: FollowedByWorkload, { state, rollout }: WorkloadImageFacts): WorkloadImagePlan | null {
  const { attempt } = state;
  if (attempt === null || attempt.count < MOST_ATTEMPTS) return null;
  const value: ImageValue = { tag: attempt.tag, digest: attempt.digest };
  const why = rollout.kind === 'stuck' || rollout.kind === 'rolling' ? `: ${rollout.why}` : '';
  const message = `${shortText(value)} did not become healthy in ${attempt.count} attempts${why}: ${NOTHING_TRIED}`;
  return hold(image, state, { outcome: 'failed', reason: 'GaveUp', message }, value);
}

function countLookup(state: ImageState, choice: Choice): ImageState {
  const isFailed = choice.kind === 'failed';
  return { ...state, lookups: isFailed ? Math.min(MOST_COUNTED, (state.lookups ?? 0) + 1) : null };
}

function paused(image: FollowedByWorkload, { rollout, state }: WorkloadImageFacts, wanted: ImageValue) {
  return rollout.kind === 'paused' ? hold(image, state, PAUSED, wanted) : null;
}

const LATER: Hold = { outcome: 'waiting', reason: 'NotDue', message: 'only rollouts are looked after now' };
const PAUSED: Hold = { outcome: 'waiting', reason: 'RolloutPaused', message: 'its spec.paused is set' };
