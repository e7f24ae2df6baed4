import type { Change, SweepOutcome, SweepReason } from './change.ts';
import { shortText } from './guard/drift.ts';
import { type ImageState, LONGEST_TEXT, NEW_IMAGE, PROBLEMS, type TargetState } from './state.ts';
import { parseValue } from './value.ts';
import { sumOf } from './write-place.ts';

/** How many changes came to what. */
export type OutcomeCounts = Readonly<Record<SweepOutcome, number>>;

/** An Event that tells people of a change. */
export interface ChangeEvent {
  readonly type: 'Normal' | 'Warning';
  /** Why, in one CamelCase word. */
  readonly reason: string;
  readonly note: string;
}

/** The worst first. */
const OUTCOMES = ['failed', 'refused', 'waiting', 'written', 'planned', 'unchanged'] as const satisfies SweepOutcome[];

/** One object of `tagpin sweep --output json`. */
export function reportLine(change: Change): object {
  const { target, alias, image, from, to, outcome, reason, message, passedOver } = change;
  const more = passedOver.length === 0 ? {} : { passedOver };
  return { target, alias, image, from, to, outcome, reason, message, ...more };
}

export function countOutcomes(changes: readonly Pick<Change, 'outcome'>[]): OutcomeCounts {
  const counts = { failed: 0, refused: 0, waiting: 0, written: 0, planned: 0, unchanged: 0 };
  for (const { outcome } of changes) counts[outcome] += 1;
  return counts;
}

/** The worst that came of a target's images: its state in metrics. */
export function worstOutcome(changes: readonly Pick<Change, 'outcome'>[]): SweepOutcome {
  return OUTCOMES.find((outcome) => changes.some((change) => change.outcome === outcome)) ?? 'unchanged';
}

/** What lasts for minutes, or is told by something else. */
const UNTOLD: ReadonlySet<SweepReason> = new Set([
  'Deleting',
  'OperationRunning',
  'NotDue',
  'Outrun',
  'Retrying',
  'RollingOut',
]);

/**
 * Finds out what is new: each success, failure and waiting is told once.
 *
 * @returns the changes to tell, and the state that remembers it.
 */
export function news(
  changes: readonly Change[],
  state: TargetState,
): { readonly told: readonly Change[]; readonly state: TargetState } {
  const told: Change[] = [];
  const others = changes.filter((change) => !isProblem(change));
  const problems = changes.filter(isProblem);
  const named = new Set(changes.map((change) => (isProblem(change) ? PROBLEMS : change.alias)));
  // What is not heard of any more is over.
  const images = new Map([...state.images].map(([alias, image]) => [alias, named.has(alias) ? image : untold(image)]));
  const hear = (alias: string, now: Pick<ImageState, 'told' | 'problem'>, heard: readonly Change[]): void => {
    const image = images.get(alias) ?? NEW_IMAGE;
    const { problem } = now;
    const text = now.told?.slice(0, LONGEST_TEXT) ?? null;
    if (text !== image.told && text !== null) told.push(...heard);
    if (text !== image.told || problem !== image.problem) images.set(alias, { ...image, told: text, problem });
  };
  for (const change of others) {
    const image = images.get(change.alias) ?? NEW_IMAGE;
    const [before, problem] = [image.told, problemAfter(change, image.problem)];
    hear(change.alias, { told: toldAfter(change, before), problem }, [change]);
  }
  // One image may have several, and a slip that is mended may make room for the next one.
  if (problems.length > 0) hear(PROBLEMS, { told: problemsText(problems), problem: null }, problems);
  return { told, state: { ...state, images } };
}

/** Why an attempt could not be written is said as long as it is not tried again. */
function problemAfter({ reason, message }: Change, before: string | null): string | null {
  if (reason === 'WriteFailed' || reason === 'NoWebhook') return message;
  return UNTOLD.has(reason) ? before : null;
}

function isProblem({ reason }: Change): boolean {
  return reason === 'InvalidSettings';
}

function problemsText(problems: readonly Change[]): string {
  return `refused InvalidSettings ${sumOf(problems.map(({ message }) => message).join('\n'))}`;
}

function untold(image: ImageState): ImageState {
  return image.told === null ? image : { ...image, told: null };
}

function toldAfter({ outcome, reason, to, passedOver }: Change, before: string | null): string | null {
  if (UNTOLD.has(reason) || outcome === 'planned') return before;
  if (outcome === 'unchanged' && passedOver.length > 0) {
    return `passed over ${passedOver.map(({ digest }) => digest.slice(-8)).join('')}`;
  }
  // What was wrong is over: when it comes again it is new.
  if (outcome === 'unchanged' && reason !== 'RolledOut') return before?.startsWith('written') === true ? before : null;
  return [outcome, reason, ...(to === null ? [] : [to])].join(' ');
}

/** The Event of a change that is told. */
export function changeEvent(change: Change): ChangeEvent {
  const { alias, image, outcome, reason, message, passedOver } = change;
  const isPassedOver = outcome === 'unchanged' && passedOver.length > 0;
  const isAlarming = isPassedOver || outcome === 'failed' || outcome === 'refused' || reason === 'Contested';
  const own = image === '' || alias === image ? alias : `${alias} (${image})`;
  const name = own === PROBLEMS ? '' : `${own}: `;
  return {
    type: isAlarming ? 'Warning' : 'Normal',
    reason: outcome === 'written' ? 'Updated' : isPassedOver ? 'PassedOver' : reason,
    note: `${name}${outcome === 'written' || outcome === 'unchanged' ? '' : `${outcome}: `}${message}`,
  };
}

/** One line for people. */
export function describeChange(change: Change): string {
  const { target, alias, from, to, outcome, reason, message } = change;
  const short = (text: string | null): string => {
    const value = text === null ? null : parseValue(text);
    return value === null ? '-' : shortText(value);
  };
  const values = to === null ? short(from) : `${short(from)} -> ${short(to)}`;
  return `${outcome} ${reason} ${target.kind}/${target.namespace}/${target.name} ${alias} ${values}: ${message}`;
}
