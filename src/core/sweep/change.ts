import type { Digest } from '../image/digest.ts';
import type { TARGET_KINDS } from '../policy/sections/sweep.ts';
import type { LocateReason } from '../target/value/locate.ts';

/** A tag that would have been chosen, had its digest been signed as it must. */
export interface PassedOver {
  readonly tag: string;
  readonly digest: Digest;
  /** Half a sentence. */
  readonly reason: string;
}

/** What came of one image of one target in a cycle. Part of the command line's contract. */
export type SweepOutcome = 'written' | 'planned' | 'unchanged' | 'waiting' | 'refused' | 'failed';

/** Why, as a constant that reports, logs, metrics, Events and tests share. */
export type SweepReason =
  /** `written`, `planned`: the tag means something else, or another tag is chosen. */
  | 'Moved'
  /** `written`, `planned`: somebody had put something else there, which is undone once. */
  | 'Repaired'
  /** `written`, `planned`: nothing was there, and what reads it can't do without. */
  | 'Filled'
  /** `unchanged`: it says so already. */
  | 'UpToDate'
  /** `unchanged`: nothing is set, and what it comes to by itself is what would be set. */
  | 'AlreadyRunning'
  /** `unchanged`: seen for the first time, and taken for where it begins. */
  | 'Recorded'
  /** `unchanged`: what it runs was pinned by hand. */
  | 'PinnedByHand'
  /** `unchanged`: what was written at an earlier look is healthy now. */
  | 'RolledOut'
  | WaitReason
  | RefuseReason
  | FailReason;

export type WaitReason =
  | 'Paused'
  | 'Deleting'
  | 'OperationRunning'
  | 'ImageUpdaterRunning'
  | 'TooYoung'
  | 'NotDue'
  | 'Contested'
  | 'NoTag'
  /** It is listed for many Applications, and this one runs none of it. */
  | 'NotRunning'
  /** Somebody else wrote it or its state meanwhile, more than once. */
  | 'Outrun'
  /** What was written, or what somebody else changed, is being rolled out. */
  | 'RollingOut'
  /** Its own `spec.paused`. */
  | 'RolloutPaused'
  /** Its own `spec.suspend`. */
  | 'Suspended';

export type RefuseReason =
  | 'Protected'
  | 'RevertedByParent'
  | 'Downgrade'
  | 'InvalidSettings'
  /** There is no place for it in its sources. */
  | LocateReason
  | 'NothingToWrite'
  /** It was named, and is nothing to follow. */
  | 'NotFollowed'
  | 'CommitRefused'
  /** Of all that fits nothing verifies as the policy wants it. */
  | 'NotVerified'
  /** Somebody applies the field that would be written, and would put it back or meet a conflict. */
  | 'OwnedByApply';

export type FailReason =
  | 'LookupFailed'
  | 'WriteFailed'
  | 'StateNotStored'
  /** It was named, and is not there. */
  | 'NotFound'
  /** It failed before, and is tried again later. */
  | 'Retrying'
  /** What was written did not become healthy in its time. */
  | 'RolloutFailed'
  /** It failed as often as it may: nothing is tried before its tag means something else. */
  | 'GaveUp'
  /** It was rolling at every look for too long, so that nothing could be written. */
  | 'NotSettling'
  /** It was asked to be pinned anew, and no webhook heard of it. */
  | 'NoWebhook';

export type TargetKind = (typeof TARGET_KINDS)[number];

/** A target, as `--target` names it. */
export interface TargetName {
  readonly kind: TargetKind;
  readonly namespace: string;
  readonly name: string;
}

/** What came of one image of one target, or shall: log, dry run, Event, commit message and report are printed from it. */
export interface Change {
  readonly target: TargetName;
  readonly uid: string;
  /** The key of its settings: its alias, or its canonical name. */
  readonly alias: string;
  /** As the user wrote the repository. */
  readonly image: string;
  /** What stands there now, as `valueText` has it; null where that is nothing. */
  readonly from: string | null;
  /** What is wanted; null where that is not known. */
  readonly to: string | null;
  readonly outcome: SweepOutcome;
  readonly reason: SweepReason;
  /** A sentence without its full stop: why, and what to do where somebody must. */
  readonly message: string;
  /** What would have been better and does not verify, the best first. */
  readonly passedOver: readonly PassedOver[];
}

/** Why an image, or all of a target's, is left as it is. */
export type Hold =
  | { readonly outcome: 'waiting'; readonly reason: WaitReason; readonly message: string }
  | { readonly outcome: 'refused'; readonly reason: RefuseReason; readonly message: string }
  | { readonly outcome: 'failed'; readonly reason: FailReason; readonly message: string };

/** `Application/argocd/shop`, as `--target` takes it. */
export function targetKey({ kind, namespace, name }: TargetName): string {
  return `${kind}/${namespace}/${name}`;
}
