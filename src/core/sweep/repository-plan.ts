import { canonicalName } from '../image/reference.ts';
import { entriesFor } from '../signature/entries.ts';
import type { VerifyEntry } from '../signature/verification.ts';
import { accessOf } from '../target/connection.ts';
import type { OciRepositoryTarget } from '../target/oci-repository.ts';
import { selectTag } from '../version/select.ts';
import type { Change, Hold, SweepOutcome, SweepReason, TargetName } from './change.ts';
import { choose, holdOfChoice, notesOf } from './choice/choose.ts';
import type { SweepAnswers, SweepQuestion } from './choice/questions.ts';
import type { Selection } from './choice/selection.ts';
import { explainDifference, shortText } from './guard/drift.ts';
import {
  heldByAge,
  heldByAttempts,
  heldByDeletion,
  heldByDowngrade,
  heldByInterval,
  heldByPause,
} from './guard/guard.ts';
import { heldByProtection, type KnownLabels, type ProtectEntry } from './guard/protection.ts';
import { asAttempted, asWritten, withFirst } from './image-plan.ts';
import { type ImageState, NEW_IMAGE, PROBLEMS, type TargetState } from './state.ts';
import { type ImageValue, isSameValue, valueText, valueTextOrNull } from './value.ts';

/** Everything that one OCIRepository is decided by, besides what registries say. */
export interface RepositoryFacts {
  readonly repository: OciRepositoryTarget;
  /** All entries of the policy. */
  readonly verify: readonly VerifyEntry[];
  /** What its own `spec.verify` asks, with what the Secrets hold that it names; null where there is none. */
  readonly ownVerify:
    | { readonly kind: 'entry'; readonly entry: VerifyEntry }
    | { readonly kind: 'held'; readonly hold: Hold }
    | null;
  /** Null where nothing is remembered of it. */
  readonly state: TargetState | null;
  /** When its registry was asked last, in milliseconds since 1970; null where that is not known. */
  readonly lastAsked: number | null;
  readonly protect: readonly ProtectEntry[];
  readonly labels: KnownLabels;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** One operation of a JSON Patch (RFC 6902) for an OCIRepository. */
export interface RepositoryOperation {
  readonly op: 'test' | 'add';
  readonly path: string;
  readonly value: unknown;
}

/** What is decided of one OCIRepository. */
export interface RepositoryPlan {
  readonly change: Change;
  /** With `planned`, and only there. */
  readonly write: { readonly value: ImageValue; readonly patch: readonly RepositoryOperation[] } | null;
  /** What is to be remembered before anything is written. */
  readonly now: TargetState;
  /** What is to be remembered once it is written. */
  readonly done: TargetState;
}

/** Under which key it is remembered and reported. */
export function repositoryKey({ repository }: Pick<OciRepositoryTarget, 'repository'>): string {
  return canonicalName(repository);
}

/** What is still to be asked for it. */
export function repositoryQuestions(facts: RepositoryFacts, answers: SweepAnswers): readonly SweepQuestion[] {
  if (holdRepository(facts) !== null) return [];
  const choice = choose(selectionOf(facts), answers);
  return choice.kind === 'ask' ? choice.questions : [];
}

/** Why it is left alone before its registry is asked; null where it has to be asked. */
export function holdRepository(facts: RepositoryFacts): Hold | null {
  const { repository, ownVerify, lastAsked, protect, labels, now } = facts;
  const subject = { kind: 'OCIRepository', namespace: repository.namespace, project: null, destination: null } as const;
  return (
    heldByPause(repository) ??
    heldByDeletion(repository) ??
    heldByProtection(subject, [], protect, labels) ??
    heldBySuspension(repository) ??
    heldByApply(repository) ??
    (ownVerify?.kind === 'held' ? ownVerify.hold : null) ??
    heldByInterval(repository, lastAsked, now)
  );
}

/** Decides one OCIRepository. */
export function planRepository(facts: RepositoryFacts, answers: SweepAnswers): RepositoryPlan {
  const key = repositoryKey(facts.repository);
  const state = facts.state?.images.get(key) ?? NEW_IMAGE;
  const hold = holdRepository(facts);
  if (hold !== null) return left(facts, hold, state, null);
  const choice = choose(selectionOf(facts), answers);
  if (choice.kind !== 'chosen') {
    const plan = left(facts, holdOfChoice(choice), state, null);
    return choice.kind === 'unverified' ? { ...plan, change: { ...plan.change, passedOver: choice.passedOver } } : plan;
  }
  const plan = planValue(facts, choice.value, state);
  const { change } = plan;
  return { ...plan, change: { ...change, message: change.message + notesOf(choice), passedOver: choice.passedOver } };
}

function selectionOf({ repository, verify, ownVerify }: RepositoryFacts): Selection {
  const own = ownVerify?.kind === 'entry' ? [ownVerify.entry] : [];
  return {
    repository: repository.repository,
    rule: repository.rule,
    platforms: [],
    pullSecret: accessOf(repository.connection),
    digest: 'wanted',
    // Both have to hold: the policy's and its own.
    verify: [...entriesFor(verify, repository.repository), ...own],
  };
}

function planValue(facts: RepositoryFacts, wanted: ImageValue, before: ImageState): RepositoryPlan {
  const { repository, now } = facts;
  const { current } = repository;
  const state = withFirst(before, wanted, now);
  if (isSameValue(current, wanted)) {
    const upToDate = { outcome: 'unchanged', reason: 'UpToDate', message: 'it says so already' } as const;
    return left(facts, upToDate, asWritten(state, wanted), wanted);
  }
  const { changedBy } = repository;
  const says = (value: ImageValue): boolean => isSameValue(current, value);
  const found = ranAs(state, current, wanted) ?? current;
  const drift = explainDifference({ state, found, wanted, says, changedBy });
  if (drift.kind === 'contested') {
    const { reason, message, by } = drift;
    return left(facts, { outcome: 'waiting', reason, message }, { ...state, contested: { wanted, by } }, wanted);
  }
  const hold =
    (isInRange(repository) ? heldByDowngrade(repository, current, wanted) : null) ??
    heldByAge(repository, state.first?.at ?? now, now) ??
    heldByAttempts(state, wanted, now);
  if (hold !== null) return left(facts, hold, state, wanted);

  const begun = asAttempted(state, { found: current, wanted, now, why: drift.kind });
  const isRepair = drift.kind === 'drifted';
  const from = valueText(current) === '' ? 'nothing' : shortText(current);
  const why = isRepair ? ', which somebody had changed; that is undone once' : '';
  const result = {
    outcome: 'planned',
    reason: isRepair ? 'Repaired' : 'Moved',
    message: `from ${from} to ${shortText(wanted)}${why}`,
  } as const;
  return {
    change: changeOf(facts, result, wanted),
    write: { value: wanted, patch: patchOf(repository, wanted) },
    now: withImage(facts, begun),
    done: withImage(facts, asWritten(begun, wanted)),
  };
}

/** What ran before with the digest that stands there: Flux takes that alone, so that who goes back may leave the tag. */
function ranAs({ before }: ImageState, { digest }: ImageValue, wanted: ImageValue): ImageValue | null {
  if (digest === null || digest === wanted.digest) return null;
  return before.findLast((value) => value.digest === digest) ?? null;
}

/** Where the range was changed so that it leaves out what stands there, the lower version is what was asked for. */
function isInRange({ current, rule }: OciRepositoryTarget): boolean {
  return current.tag !== null && selectTag([current.tag], rule).selected !== null;
}

/** The digest decides for Flux; the tag is for people, and for who compares versions. */
function patchOf(
  { uid, generation, url, ref }: OciRepositoryTarget,
  value: ImageValue,
): readonly RepositoryOperation[] {
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    ...(generation === null ? [] : [{ op: 'test', path: '/metadata/generation', value: generation } as const]),
    { op: 'test', path: '/spec/url', value: url },
    { op: 'test', path: '/spec/ref', value: ref },
    { op: 'add', path: '/spec/ref/tag', value: value.tag },
    { op: 'add', path: '/spec/ref/digest', value: value.digest },
  ];
}

/** Flux would not look at it: the write would come into force at some other time. */
function heldBySuspension({ suspended }: OciRepositoryTarget): Hold | null {
  if (!suspended) return null;
  return { outcome: 'waiting', reason: 'Suspended', message: 'its spec.suspend is set: flux resume source oci' };
}

function heldByApply({ appliedBy }: OciRepositoryTarget): Hold | null {
  if (appliedBy === null) return null;
  return {
    outcome: 'refused',
    reason: 'OwnedByApply',
    message:
      `spec.ref.tag or spec.ref.digest is applied by ${JSON.stringify(appliedBy)}, which would put its own value back: ` +
      'take both out of the manifest that it applies, and leave spec.ref.semver there',
  };
}

function left(
  facts: RepositoryFacts,
  result: {
    readonly outcome: Exclude<SweepOutcome, 'written' | 'planned'>;
    readonly reason: SweepReason;
    readonly message: string;
  },
  state: ImageState,
  wanted: ImageValue | null,
): RepositoryPlan {
  const remembered = withImage(facts, state);
  return { change: changeOf(facts, result, wanted), write: null, now: remembered, done: remembered };
}

function changeOf(
  { repository }: RepositoryFacts,
  result: { readonly outcome: SweepOutcome; readonly reason: SweepReason; readonly message: string },
  wanted: ImageValue | null,
): Change {
  const { uid, current } = repository;
  return {
    target: repositoryName(repository),
    uid,
    alias: repositoryKey(repository),
    image: repository.repository.name,
    from: valueTextOrNull(current),
    to: wanted === null ? null : valueTextOrNull(wanted),
    passedOver: [],
    ...result,
  };
}

/** As `--target` takes it. */
export function repositoryName({ namespace, name }: Pick<OciRepositoryTarget, 'namespace' | 'name'>): TargetName {
  return { kind: 'OCIRepository', namespace, name };
}

function withImage({ repository, state }: RepositoryFacts, image: ImageState): TargetState {
  const { namespace, name } = repository;
  // Of what nothing is known there is nothing to keep, nor of what its URL was before: there would be no end of it.
  const images = image === NEW_IMAGE ? [] : [[repositoryKey(repository), image] as const];
  const problems = state?.images.get(PROBLEMS);
  const told = problems === undefined ? [] : [[PROBLEMS, problems] as const];
  return { target: `OCIRepository ${namespace}/${name}`, gone: null, images: new Map([...told, ...images]) };
}
