import type { Change, TargetKind, TargetName } from '../core/sweep/change.ts';
import { targetKey } from '../core/sweep/change.ts';

/** When which targets are looked at next. */
export interface Pace {
  /** Of the next cycle: null for all, else those alone that were rolling out. */
  readonly names: readonly TargetName[] | null;
  /** From the end of the last cycle, in milliseconds. */
  readonly wait: number;
}

/** A sync is Argo CD's, a release Flux's, and the next Job of a CronJob may be a month away. */
const WITHOUT_ROLLOUT: ReadonlySet<TargetKind> = new Set(['Application', 'CronJob', 'OCIRepository']);
/** Somebody waits for the end of a rollout, and a look at a few objects costs little. */
const ROLLING_MILLISECONDS = 10_000;

/**
 * Decides what comes after a cycle: rollouts that it began, or found under way, are looked after by themselves until the next
 * whole cycle is due.
 *
 * @param changes what came of the last cycle.
 * @param due when the next whole cycle is due, in milliseconds from now; less than 0 where it should have been.
 */
export function paceAfter(changes: readonly Change[], due: number): Pace {
  const rolling = new Map(changes.filter(isRolling).map(({ target }) => [targetKey(target), target]));
  if (rolling.size === 0 || due <= ROLLING_MILLISECONDS) return { names: null, wait: Math.max(0, due) };
  return { names: [...rolling.values()], wait: ROLLING_MILLISECONDS };
}

function isRolling({ target, outcome, reason }: Change): boolean {
  if (reason === 'RollingOut') return true;
  return outcome === 'written' && !WITHOUT_ROLLOUT.has(target.kind);
}
