import type { ImageReference } from '../core/image/reference.ts';
import type { Policy } from '../core/policy/schema.ts';
import type { Change, TargetName } from '../core/sweep/change.ts';
import type { SweepAnswers, SweepQuestion } from '../core/sweep/choice/questions.ts';
import type { TargetState } from '../core/sweep/state.ts';
import type { LookPurpose } from '../core/sweep/workload/plans.ts';
import type { SelectionRule } from '../core/version/select.ts';

/** What is known of a Namespace. */
export interface NamespaceFacts {
  readonly labels: Readonly<Record<string, string>>;
  /** `tagpin.dev/pause` is set on it. */
  readonly isPaused: boolean;
}

/** What all targets of a cycle are decided by. */
export interface CycleFacts {
  readonly policy: Policy;
  /** Null: all that there are. */
  readonly names: readonly TargetName[] | null;
  readonly purpose: LookPurpose;
  readonly namespaces: ReadonlyMap<string, NamespaceFacts>;
  /** What is remembered of a target; null where that is nothing. */
  readonly stateOf: (uid: string) => TargetState | null;
  /**
   * When the registry of a target's image was asked last, in milliseconds since 1970; null where that is not known, and where
   * something was pushed there since.
   */
  readonly lastAsked: (uid: string, key: string, followed: Followed) => number | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What an image is followed by. */
export interface Followed {
  readonly repository: ImageReference;
  readonly rule: SelectionRule;
}

/** One target of any kind, with everything that it is decided by. */
export interface SweptTarget {
  readonly target: TargetName;
  readonly uid: string;
  /** The keys of those images whose registries are asked: nothing holds them back. */
  askedKeys(): readonly string[];
  /** What is still to be asked, by image: equal images may have the same list, as one object. */
  openQuestions(answers: SweepAnswers): readonly (readonly SweepQuestion[])[];
  plan(answers: SweepAnswers): SweptPlan;
}

/** What is decided of one target. */
export interface SweptPlan {
  readonly target: TargetName;
  readonly uid: string;
  readonly changes: readonly Change[];
  /** What is to be remembered before anything is written. */
  readonly now: TargetState;
  /** How its planned changes are written: by itself, or with others of its kind (`writeTogether`); null where there are none. */
  readonly writing: WriteAlone | 'together' | null;
}

/** Writes the planned changes of one target. Throws only `signal.reason`. */
export type WriteAlone = (signal: AbortSignal) => Promise<Settled>;

/** What came of a target's writes, and what is to be remembered of it then. */
export interface Settled {
  readonly changes: readonly Change[];
  readonly now: TargetState;
}

/** The targets of one kind. */
export interface FoundTargets {
  readonly targets: readonly SweptTarget[];
  /** What could not be read, and what was named and is not there. */
  readonly problems: readonly Change[];
  /**
   * Writes those of the plans that say `together`; what came of each, by uid. Throws only `signal.reason`. Null where no plan of
   * the kind says so.
   */
  readonly writeTogether:
    | ((ready: ReadonlySet<string>, signal: AbortSignal) => Promise<ReadonlyMap<string, Settled>>)
    | null;
}

/** Finds the targets of one kind. @throws `signal.reason`, and where they can't be known. */
export type FindTargets = (facts: CycleFacts, signal: AbortSignal) => Promise<FoundTargets>;
