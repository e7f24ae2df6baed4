import type { VerifyEntry } from '../signature/verification.ts';
import type { ApplicationTarget, FollowedImage } from '../target/application.ts';
import { proposedValues } from '../target/value/values.ts';
import type { Change, FailReason, Hold, WaitReason } from './change.ts';
import { choose } from './choice/choose.ts';
import type { SweepAnswers, SweepQuestion } from './choice/questions.ts';
import { selectionOf } from './choice/selection.ts';
import { heldByDeletion, heldByImageUpdater, heldByOperation, heldByPause } from './guard/guard.ts';
import {
  applicationSubject,
  heldByProtection,
  type KnownLabels,
  type ProtectEntry,
  placesOf,
} from './guard/protection.ts';
import { heldPlan, holdImage, type ImagePlan, type PlannedWrite, planImage } from './image-plan.ts';
import { type ImageState, inPlace, isKnown, NEW_IMAGE, type TargetState } from './state.ts';
import { isSameValue } from './value.ts';
import { writePlace } from './write-place.ts';

/** Everything that one target is decided by, besides what registries say. */
export interface TargetFacts {
  readonly application: ApplicationTarget;
  /** Null where nothing is remembered of it. */
  readonly state: TargetState | null;
  /** The field manager that wrote its sources last; null where that is not known, or was tagpin. */
  readonly changedBy: string | null;
  /** By the image's key: when its registry was asked last, in milliseconds since 1970; null where that is not known. */
  readonly lastAsked: (key: string) => number | null;
  readonly guard: GuardFacts;
  /** All entries of the policy. */
  readonly verify: readonly VerifyEntry[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What the guard rails of a whole target go by. */
export interface GuardFacts {
  readonly protect: readonly ProtectEntry[];
  readonly labels: KnownLabels;
  /** Has it settings that Image Updater reads, too, and is that running? */
  readonly imageUpdater: { readonly isTheirs: boolean; readonly isRunning: boolean };
}

/** What is decided of one target: a value, of which everything that is told or done is made. */
export interface TargetPlan {
  readonly application: ApplicationTarget;
  readonly changes: readonly Change[];
  /** What `planned` changes write, all at once or not at all; by alias. */
  readonly writes: readonly PlannedWrite[];
  /** What was committed before and does not run yet: a branch that is made anew still has to say it. */
  readonly standing: readonly PlannedWrite[];
  /** What is to be remembered before anything is written; the same as before where nothing new is known. */
  readonly now: TargetState;
  /** What is to be remembered once it is written. */
  readonly done: TargetState;
}

/** What came of a target's writes. */
export type WriteResult =
  | { readonly kind: 'written' }
  /** What was to be written is there already; for git. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'waiting'; readonly reason: WaitReason; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'failed'; readonly reason: FailReason; readonly message: string };

/** What is still to be asked for a target, by image: equal images have the same list, as one object. */
export function openQuestions(facts: TargetFacts, answers: SweepAnswers): readonly (readonly SweepQuestion[])[] {
  if (holdTarget(facts) !== null) return [];
  return facts.application.images.flatMap((image) => {
    if (holdImage(image, imageFacts(image, facts)) !== null) return [];
    const choice = choose(selectionOf(image.tracked, facts.verify), answers);
    return choice.kind === 'ask' ? [choice.questions] : [];
  });
}

/** Which images' registries were asked: those that nothing held back. */
export function askedKeys(facts: TargetFacts): readonly string[] {
  if (holdTarget(facts) !== null) return [];
  const { images } = facts.application;
  return images
    .filter((image) => holdImage(image, imageFacts(image, facts)) === null)
    .map(({ tracked }) => tracked.key);
}

/** Decides one target. */
export function planTarget(facts: TargetFacts, answers: SweepAnswers): TargetPlan {
  const { application } = facts;
  const hold = holdTarget(facts);
  const plans = application.images.map((image) => {
    const known = imageFacts(image, facts);
    const held = hold ?? holdImage(image, known);
    const plan = held === null ? planImage(image, { ...known, answers }) : heldPlan(image, held, known.state);
    return { image, plan };
  });
  const target = `Application ${application.namespace}/${application.name}`;
  const before = facts.state?.images ?? new Map<string, ImageState>();
  const stateOf = (pick: (plan: ImagePlan) => ImageState): TargetState => ({
    target,
    gone: null,
    images: new Map(
      [...before, ...plans.map(({ image, plan }) => [image.tracked.key, pick(plan)] as const)].filter(([, image]) =>
        isKnown(image),
      ),
    ),
  });
  return {
    application,
    changes: [...problemsOf(application), ...plans.map(({ image, plan }) => changeOf(application, image, plan))],
    writes: plans.map(({ plan }) => plan.write).filter((write) => write !== null),
    standing: hold === null ? standingOf(plans, facts) : [],
    now: stateOf(({ now }) => now),
    done: stateOf(({ done }) => done),
  };
}

function standingOf(
  plans: readonly { readonly image: FollowedImage; readonly plan: ImagePlan }[],
  facts: TargetFacts,
): readonly PlannedWrite[] {
  if (facts.application.writeBack.kind !== 'git') return [];
  return plans.flatMap(({ image, plan }) => {
    const { tracked, located } = image;
    const value = imageFacts(image, facts).state.written;
    if (plan.write !== null || located === null || value === null || isSameValue(value, located.current)) return [];
    const proposed = proposedValues(tracked, located.place, value);
    return proposed === null ? [] : [{ tracked, located, value, proposed }];
  });
}

/** The changes of a target after its writes, and what is to be remembered. */
export function settle(plan: TargetPlan, result: WriteResult): Pick<TargetPlan, 'changes' | 'now'> {
  const isDone = result.kind === 'written' || result.kind === 'unchanged';
  return { changes: settleChanges(plan.changes, result), now: isDone ? plan.done : plan.now };
}

/** What was planned after it was tried; for targets of all kinds. */
export function settleChanges(changes: readonly Change[], result: WriteResult): readonly Change[] {
  return changes.map((change) => (change.outcome === 'planned' ? settled(change, result) : change));
}

function settled(change: Change, result: WriteResult): Change {
  switch (result.kind) {
    case 'written':
      return { ...change, outcome: 'written' };
    case 'unchanged':
      return { ...change, outcome: 'unchanged', reason: 'UpToDate', message: 'it says so already' };
    case 'waiting':
    case 'failed':
      return { ...change, outcome: result.kind, reason: result.reason, message: result.message };
    case 'refused':
      return { ...change, outcome: 'refused', reason: 'CommitRefused', message: result.message };
  }
}

/** Why a target as a whole is left alone. */
function holdTarget({ application, guard }: TargetFacts): Hold | null {
  return (
    heldByDeletion(application) ??
    heldByPause(application) ??
    heldByProtection(applicationSubject(application), placesOf(application), guard.protect, guard.labels) ??
    heldByImageUpdater(guard.imageUpdater) ??
    heldByOperation(application)
  );
}

function imageFacts({ tracked, located }: FollowedImage, facts: TargetFacts) {
  const { application, state, changedBy, lastAsked, verify, now } = facts;
  const { writeBack } = application;
  const known = state?.images.get(tracked.key) ?? NEW_IMAGE;
  return {
    writeBack,
    state: located === null ? known : inPlace(known, writePlace(writeBack, located.committed, tracked)),
    changedBy,
    lastAsked: lastAsked(tracked.key),
    verify,
    now,
  };
}

function changeOf(application: ApplicationTarget, { tracked }: FollowedImage, plan: ImagePlan): Change {
  const { from, to, outcome, reason, message, passedOver } = plan;
  return {
    ...subject(application),
    alias: tracked.key,
    image: tracked.image.repository.name,
    from,
    to,
    outcome,
    reason,
    message,
    passedOver,
  };
}

/** What is wrong with the settings stops one image, or all where it is about none of them. */
function problemsOf(application: ApplicationTarget): readonly Change[] {
  return application.problems
    .filter(({ kind }) => kind === 'error')
    .map(({ key, image, problem }) => ({
      ...subject(application),
      alias: image ?? '*',
      image: image ?? '',
      from: null,
      to: null,
      outcome: 'refused',
      reason: 'InvalidSettings',
      message: `${key}: ${problem}`,
      passedOver: [],
    }));
}

function subject({ namespace, name, uid }: ApplicationTarget): Pick<Change, 'target' | 'uid'> {
  return { target: { kind: 'Application', namespace, name }, uid };
}
