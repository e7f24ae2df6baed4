import type { Path } from '../policy/yaml/problem.ts';

/** What kind of thing was found, as a constant that tests and reports share. */
export type LintCode =
  /** A rule that no image reaches: one before it matches all that it matches. */
  | 'Shadowed'
  /** Conditions that contradict each other, or name what is never looked at. */
  | 'MatchesNothing'
  /** A setting that has no effect where it stands. */
  | 'NoEffect'
  /** No registry of it may be asked. */
  | 'NotAllowed'
  /** An identity that is wider than it reads, or that nobody has. */
  | 'Identity'
  /** A signature is asked for and what runs need not be what was signed. */
  | 'NotPinned'
  /** Rules that deny are only reported for people, too. */
  | 'SystemUsers'
  /** Nothing in the cluster is what it names. */
  | 'NothingThere'
  /** A key that nothing reads. */
  | 'UnknownKey'
  /** A key that is read on another object, or as a label instead of an annotation. */
  | 'Misplaced'
  /** A value that can't be read, or says what can't be done. */
  | 'BadValue'
  /** Nobody who would act on it sees it. */
  | 'Unseen'
  /** What is followed is not there. */
  | 'NotFound'
  /** It moves by itself, and nobody checks who signed what it moves to. */
  | 'NotVerified';

/** Something of a policy that is valid and never acts, or does more than it says. */
export interface PolicyFinding {
  readonly code: LintCode;
  /** The way to what it is about. */
  readonly path: Path;
  /** What is so and what to do, a sentence without its full stop. */
  readonly message: string;
}

/** Something that is configured on an object and never acts, or is dangerous. */
export interface ObjectFinding {
  readonly code: LintCode;
  /** The key of an annotation or label, or a field. */
  readonly where: string;
  /** What is so and what to do, a sentence without its full stop. */
  readonly message: string;
}
