import type { VerifyEntry } from '../signature/verification.ts';
import type { FollowedImage } from '../target/application.ts';
import type { TrackedSettings, WriteBack } from '../target/settings.ts';
import { isWritten } from '../target/value/list-edit.ts';
import type { Located } from '../target/value/locate.ts';
import { type ProposedValues, proposedValues } from '../target/value/values.ts';
import type { Hold, PassedOver, SweepOutcome, SweepReason } from './change.ts';
import { choose, holdOfChoice, notesOf } from './choice/choose.ts';
import type { SweepAnswers } from './choice/questions.ts';
import { selectionOf } from './choice/selection.ts';
import { explainDifference, shortText } from './guard/drift.ts';
import { heldByAge, heldByAttempts, heldByDowngrade, heldByInterval, heldByParent } from './guard/guard.ts';
import { type ImageState, withBefore } from './state.ts';
import { type ImageValue, isSameValue, NO_VALUE, valueText, valueTextOrNull } from './value.ts';

/** Everything that one image is decided by. */
export interface ImageFacts {
  readonly writeBack: WriteBack;
  readonly state: ImageState;
  /** Who wrote its sources last, where that was not tagpin and is known. */
  readonly changedBy: string | null;
  /** When its registry was asked last, in milliseconds since 1970; null where that is not known. */
  readonly lastAsked: number | null;
  readonly answers: SweepAnswers;
  /** All entries of the policy. */
  readonly verify: readonly VerifyEntry[];
  readonly now: number;
}

/** What is to be written. */
export interface PlannedWrite {
  readonly tracked: TrackedSettings;
  readonly located: Located;
  readonly value: ImageValue;
  readonly proposed: ProposedValues;
}

/** What is decided of one image. */
export interface ImagePlan {
  readonly from: string | null;
  readonly to: string | null;
  readonly outcome: Exclude<SweepOutcome, 'written'>;
  readonly reason: SweepReason;
  readonly message: string;
  readonly passedOver: readonly PassedOver[];
  /** With `planned`, and only there. */
  readonly write: PlannedWrite | null;
  /** What is to be remembered before anything is written. */
  readonly now: ImageState;
  /** What is to be remembered once it is written. */
  readonly done: ImageState;
}

/** What of one image is known before its registry is asked: why it is left alone; null where it has to be asked. */
export function holdImage(image: FollowedImage, facts: Omit<ImageFacts, 'answers'>): Hold | null {
  if (image.located === null) return heldByPlace(image);
  return heldByParent(image.revertedBy, facts.writeBack) ?? heldByInterval(image.tracked, facts.lastAsked, facts.now);
}

/** Why an image without a place is left alone: one that may run one day waits for that, everything else is for people to mend. */
function heldByPlace({ reason, problem: message }: FollowedImage & { readonly located: null }): Hold {
  return reason === 'NotRunning' ? { outcome: 'waiting', reason, message } : { outcome: 'refused', reason, message };
}

/** The plan of an image that is left alone. */
export function heldPlan(
  image: FollowedImage,
  hold: Hold,
  state: ImageState,
  wanted: ImageValue | null = null,
): ImagePlan {
  const from = image.located === null ? NO_VALUE : image.located.current;
  return {
    ...hold,
    from: valueTextOrNull(from),
    to: wanted === null ? null : valueTextOrNull(wanted),
    passedOver: [],
    write: null,
    now: state,
    done: state,
  };
}

/** Decides one image by what the registries said. Nothing is held that `holdImage` would hold. */
export function planImage(image: FollowedImage, facts: ImageFacts): ImagePlan {
  const { state, answers } = facts;
  const { tracked, located } = image;
  if (located === null) return heldPlan(image, heldByPlace(image), state);
  const choice = choose(selectionOf(tracked, facts.verify), answers);
  if (choice.kind !== 'chosen') return heldPlan(image, holdOfChoice(choice), state);
  const plan = planValue(image, located, choice.value, facts);
  return { ...plan, message: plan.message + notesOf(choice), passedOver: choice.passedOver };
}

function planValue(image: FollowedImage, located: Located, wanted: ImageValue, facts: ImageFacts): ImagePlan {
  const { tracked } = image;
  const { now } = facts;
  const state = withFirst(facts.state, wanted, now);
  const held = (hold: Hold, after: ImageState = state): ImagePlan => heldPlan(image, hold, after, wanted);
  const proposed = proposedValues(tracked, located.place, wanted);
  if (proposed === null) {
    const message = `the format ${tracked.format} has no place for ${shortText(wanted)}`;
    return held({ outcome: 'refused', reason: 'NothingToWrite', message });
  }
  const settled = standsAlready(located, proposed, wanted, facts);
  if (settled !== null) {
    const after = settled === 'UpToDate' ? asWritten(state, wanted) : state;
    const isCommitted =
      settled === 'UpToDate' && facts.writeBack.kind === 'git' && !isSameValue(pick(located.current), wanted);
    const message = isCommitted
      ? COMMITTED
      : settled === 'UpToDate'
        ? 'it says so already'
        : 'it comes to that by itself';
    return { ...held(NOTHING, after), outcome: 'unchanged', reason: settled, message };
  }

  const found: ImageValue = located.current.from === 'spec' ? located.current : NO_VALUE;
  const says = (value: ImageValue): boolean => {
    const values = proposedValues(tracked, located.place, value);
    return values !== null && isWritten(located.source.raw, values);
  };
  // What stands in git is seen when it is written: a commit that was taken back stays so, since what was written is remembered.
  const drift =
    facts.writeBack.kind === 'git'
      ? ({ kind: 'moved' } as const)
      : explainDifference({ state, found, wanted, says, changedBy: facts.changedBy });
  if (drift.kind === 'contested') {
    const contested = { wanted, by: drift.by };
    return held({ outcome: 'waiting', reason: drift.reason, message: drift.message }, { ...state, contested });
  }
  const hold =
    heldByDowngrade(tracked, located.current, wanted) ??
    heldByAge(tracked, state.first?.at ?? now, now) ??
    heldByAttempts(state, wanted, now);
  if (hold !== null) return held(hold);

  const isRepair = drift.kind === 'drifted';
  const begun = asAttempted(state, { found, wanted, now, why: drift.kind });
  return {
    from: valueTextOrNull(located.current),
    to: valueTextOrNull(wanted),
    outcome: 'planned',
    reason: isRepair ? 'Repaired' : 'Moved',
    message: sentence(located, wanted, isRepair),
    passedOver: [],
    write: { tracked, located, value: wanted, proposed },
    now: begun,
    done: asWritten(begun, wanted),
  };
}

/** Files are only looked into when there is something to write. */
const COMMITTED = 'it was committed before, and is not committed again: where somebody took it back it stays so';
/** What is remembered before it is written. @param attempt what stands there, and why that is written over. */
export function asAttempted(
  state: ImageState,
  attempt: {
    readonly found: ImageValue;
    readonly wanted: ImageValue;
    readonly now: number;
    readonly why: 'moved' | 'drifted';
  },
): ImageState {
  const { found, wanted, now, why } = attempt;
  const count = isSameValue(state.attempt, wanted) ? (state.attempt?.count ?? 0) + 1 : 1;
  return {
    ...state,
    attempt: { ...pick(wanted), at: now, count },
    before: withBefore(state.before, pick(found)),
    repaired: why === 'drifted' ? pick(wanted) : state.repaired,
    contested: null,
  };
}

const NOTHING: Hold = { outcome: 'waiting', reason: 'NotDue', message: '' };

/** Does the target say it already, or come to it without being told? */
function standsAlready(
  located: Located,
  proposed: ProposedValues,
  wanted: ImageValue,
  { writeBack, state }: ImageFacts,
): 'UpToDate' | 'AlreadyRunning' | null {
  if (writeBack.kind === 'git') {
    if (isSameValue(state.written, wanted)) return 'UpToDate';
  } else if (isWritten(located.source.raw, proposed)) return 'UpToDate';
  const { current } = located;
  const isFirst = state.written === null && current.from === 'live';
  return isFirst && current.tag === wanted.tag && current.digest === wanted.digest ? 'AlreadyRunning' : null;
}

/** What is remembered once it stands there. What was taken back once stays contested until the tag means a third thing. */
export function asWritten(state: ImageState, value: ImageValue): ImageState {
  const isTakenBack = state.contested !== null && state.before.some((each) => isSameValue(each, value));
  return { ...state, written: pick(value), attempt: null, contested: isTakenBack ? state.contested : null };
}

/** Remembers since when it is wanted. */
export function withFirst(state: ImageState, wanted: ImageValue, now: number): ImageState {
  return isSameValue(state.first, wanted) ? state : { ...state, first: { ...pick(wanted), at: now } };
}

function sentence(located: Located, wanted: ImageValue, isRepair: boolean): string {
  const current = valueText(located.current) === '' ? 'nothing' : shortText(located.current);
  const why = isRepair ? ', which somebody had changed; that is undone once' : '';
  return `from ${current} to ${shortText(wanted)}${why}`;
}

function pick({ tag, digest }: ImageValue): ImageValue {
  return { tag, digest };
}
