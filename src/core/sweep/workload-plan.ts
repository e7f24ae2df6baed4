import { imageName } from '../target/workload/follow.ts';
import type { PlannedImage } from '../target/workload/patch.ts';
import { restartedAt } from '../target/workload/place.ts';
import type { FollowedByWorkload, WorkloadTarget } from '../target/workload.ts';
import type { Change, FailReason, Hold, TargetName } from './change.ts';
import type { Choice } from './choice/choose.ts';
import { heldByDeletion, heldByPause } from './guard/guard.ts';
import { type ImageState, isKnown, NEW_IMAGE, type TargetState } from './state.ts';
import { type ImageValue, valueTextOrNull } from './value.ts';
import { stands } from './workload/found.ts';
import { planAsked, planUnasked, stateInPlace } from './workload/image-plan.ts';
import {
  afterWrite,
  hold,
  type LookPurpose,
  rolledOut,
  type WorkloadImageFacts,
  type WorkloadImagePlan,
} from './workload/plans.ts';
import { hasRollout } from './workload/rollout.ts';

/** Everything that one workload is decided by, besides what registries say. */
export interface WorkloadFacts {
  readonly workload: WorkloadTarget;
  /** Null where nothing is remembered of it. */
  readonly state: TargetState | null;
  /** By the image's key: when its registry was asked last, in milliseconds since 1970; null where that is not known. */
  readonly lastAsked: (key: string) => number | null;
  /** Why the policy does not want it written; null where it may be. */
  readonly protection: Hold | null;
  /** What the policy says of workloads that operators own. */
  readonly customControllers: 'skip' | 'pin';
  /** How many other workloads follow something. */
  readonly others: number;
  readonly purpose: LookPurpose;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What is decided of one workload: a value, of which everything that is told or done is made. */
export interface WorkloadPlan {
  readonly workload: WorkloadTarget;
  readonly changes: readonly Change[];
  /** All in one patch, so that it is one rollout. */
  readonly writes: readonly PlannedImage[];
  /** What became healthy, by key: it is written down for people. */
  readonly healthy: ReadonlyMap<string, ImageValue>;
  readonly images: readonly WorkloadImagePlan[];
  /** What is to be remembered before anything is written. */
  readonly now: TargetState;
}

/** What came of what was written, for each image by its key. */
export type WrittenImage =
  | { readonly kind: 'written' }
  /** Nothing was written: it is not what it was any more. */
  | { readonly kind: 'outrun'; readonly message: string }
  | { readonly kind: 'failed'; readonly reason: FailReason; readonly message: string };

/** The images whose registries are asked: nothing holds them back. */
export function askedImages(facts: WorkloadFacts): readonly FollowedByWorkload[] {
  if (holdWorkload(facts) !== null) return [];
  return factsOfImages(facts)
    .filter(({ image, known }) => planUnasked(image, known) === null)
    .map(({ image }) => image);
}

/** Decides one workload. */
export function planWorkload(facts: WorkloadFacts, choose: (image: FollowedByWorkload) => Choice): WorkloadPlan {
  const held = holdWorkload(facts);
  const decide = (isGoing: boolean): readonly WorkloadImagePlan[] =>
    factsOfImages(facts).map(({ image, known }) => {
      if (held !== null) return hold(image, known.state, held);
      return planUnasked(image, known) ?? planAsked(image, { ...known, isGoing }, choose(image));
    });
  const decided = decide(false);
  // Where a rollout begins anyway, what waited for the end of another goes along.
  const images = withinOneRequest(decided.some(({ write }) => write !== null) ? decide(true) : decided);
  const { workload } = facts;
  return {
    workload,
    changes: [...problemsOf(workload), ...images.map((plan) => changeOf(workload, plan))],
    writes: images.flatMap(({ image, write, now }) =>
      write === null ? [] : [{ image, ...write, at: now.attempt?.at ?? facts.now, count: now.attempt?.count ?? 1 }],
    ),
    healthy: new Map(images.flatMap(({ image, healthy }) => (healthy === null ? [] : [[image.key, healthy] as const]))),
    images,
    now: stateOf(facts, new Map(images.map((plan) => [plan.image.key, plan.now]))),
  };
}

/** The changes of a workload after its writes, and what is to be remembered. */
export function settleWorkload(
  facts: WorkloadFacts,
  plan: WorkloadPlan,
  written: ReadonlyMap<string, WrittenImage>,
): { readonly changes: readonly Change[]; readonly now: TargetState } {
  const { workload } = plan;
  const states = new Map<string, ImageState>();
  const changes = plan.images.map((image): Change => {
    const change = changeOf(workload, image);
    const { key } = image.image;
    const { healthy } = image;
    states.set(key, healthy === null ? image.now : rolledOut(image.image, image.now, healthy));
    const result = image.write === null ? undefined : written.get(key);
    if (image.write === null || result === undefined) return change;
    // What stands there was not rolled out once more, and so has not failed once more.
    if (result.kind !== 'written' && image.write.isAgain) states.set(key, image.before);
    switch (result.kind) {
      case 'written':
        states.set(key, afterWrite(image, image.write, workload.rollout));
        return { ...change, outcome: 'written' };
      case 'outrun':
        return { ...change, outcome: 'waiting', reason: 'Outrun', message: result.message };
      case 'failed':
        return { ...change, outcome: 'failed', reason: result.reason, message: result.message };
    }
  });
  return { changes: [...problemsOf(workload), ...changes], now: stateOf(facts, states) };
}

/** What is written for people once it runs: the digest last moved to, and when. */
export function lastRefresh(images: ReadonlyMap<string, ImageValue>, now: number): string {
  const moved = [...images].map(([key, { digest }]) => `${key}=${digest ?? ''}`);
  return `${new Date(now).toISOString().replace(/\.\d+Z$/, 'Z')} ${moved.toSorted().join(',')}`;
}

/** How messages and Events name it. */
export function workloadName({ kind, namespace, name }: WorkloadTarget): TargetName {
  return { kind, namespace, name };
}

/** Is the rollout of a workload something that can be waited for? */
export function isAwaited({ rollout }: WorkloadTarget): boolean {
  return hasRollout(rollout);
}

/** Why a workload as a whole is left alone. */
function holdWorkload({ workload, protection, customControllers }: WorkloadFacts): Hold | null {
  return (
    heldByDeletion(workload) ?? heldByPause(workload) ?? protection ?? heldByController(workload, customControllers)
  );
}

/** An operator would put back what is written, and the webhook leaves it alone. */
function heldByController(
  { controller }: WorkloadTarget,
  customControllers: WorkloadFacts['customControllers'],
): Hold | null {
  if (controller === null || customControllers === 'pin') return null;
  const message = `${controller.kind}/${controller.name} owns it and decides about its images: have that follow, or set customControllers: pin in the policy`;
  return { outcome: 'refused', reason: 'RevertedByParent', message };
}

function factsOfImages(facts: WorkloadFacts) {
  const { workload, state, lastAsked, others, purpose, now } = facts;
  const mark = restartedAt(workload.kind, workload.object);
  const known = workload.images.map((image) => {
    const own = stateInPlace(image, state?.images.get(image.key) ?? NEW_IMAGE);
    return { image, own, isRunning: isRunning(image, own, mark) };
  });
  const isRollingOurs = known.some((each) => each.isRunning);
  return known.map(({ image, own }): { readonly image: FollowedByWorkload; readonly known: WorkloadImageFacts } => ({
    image,
    known: {
      state: own,
      rollout: workload.rollout,
      isRollingOurs,
      isGoing: false,
      restartedAt: mark,
      changedBy: workload.changedBy,
      lastAsked: lastAsked(image.key),
      others,
      purpose,
      now,
    },
  }));
}

function isRunning(image: FollowedByWorkload, state: ImageState, mark: string | null): boolean {
  return state.rollout?.failed !== true && stands(image, { state, restartedAt: mark, changedBy: null });
}

/** A refresh names no more images than its value has room for: what is left goes with the next one. */
function withinOneRequest(plans: readonly WorkloadImagePlan[]): readonly WorkloadImagePlan[] {
  let room = LONGEST_TARGETS;
  return plans.map((plan) => {
    if (plan.write === null || plan.image.action !== 'refresh') return plan;
    room -= plan.image.key.length + (plan.write.value.digest?.length ?? 0) + 2;
    if (room >= 0) return plan;
    const message = 'one refresh names no more images than these: it goes with the next';
    return hold(plan.image, plan.before, { outcome: 'waiting', reason: 'RollingOut', message }, plan.to);
  });
}

/** The webhook takes 1024 characters, and what tells one request from the next needs some of them. */
const LONGEST_TARGETS = 940;

function stateOf({ workload, state }: WorkloadFacts, own: ReadonlyMap<string, ImageState>): TargetState {
  const { kind, namespace, name } = workload;
  const images = [...(state?.images ?? []), ...own].filter(([, image]) => isKnown(image));
  return { target: `${kind} ${namespace}/${name}`, gone: null, images: new Map(images) };
}

function changeOf(workload: WorkloadTarget, plan: WorkloadImagePlan): Change {
  const { image, from, to, outcome, reason, message, passedOver } = plan;
  return {
    target: workloadName(workload),
    uid: workload.uid,
    alias: image.key,
    image: imageName(image.followed),
    from: valueTextOrNull(from),
    to: to === null ? null : valueTextOrNull(to),
    outcome,
    reason,
    message,
    passedOver,
  };
}

function problemsOf(workload: WorkloadTarget): readonly Change[] {
  return workload.problems.map(({ name, problem }) => ({
    target: workloadName(workload),
    uid: workload.uid,
    alias: name,
    image: '',
    from: null,
    to: null,
    outcome: 'refused',
    reason: 'InvalidSettings',
    message: problem,
    passedOver: [],
  }));
}
