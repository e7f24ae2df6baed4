import { type Change, type SweepOutcome, type TargetName, targetKey } from '../core/sweep/change.ts';
import { worstOutcome } from '../core/sweep/report.ts';
import type { Metrics } from '../platform/metrics.ts';

/** What is counted of sweeps. */
export interface SweepMetrics {
  /** A cycle that came to its end. */
  swept(report: { readonly changes: readonly Change[]; readonly seconds: number; readonly at: number }): void;
  /** A look at some targets alone. */
  lookedAfter(changes: readonly Change[]): void;
  /** A cycle that could not be done. */
  failed(): void;
  leads(isLeader: boolean): void;
}

const SECONDS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const STATES = ['failed', 'refused', 'waiting', 'written', 'planned', 'unchanged'] as const satisfies SweepOutcome[];
/** A series for each costs memory here and in Prometheus: others are in `tagpin_targets` alone. */
const MOST_TARGETS = 500;

/** Registers what is counted (product.md, section 9). */
export function createSweepMetrics(metrics: Metrics): SweepMetrics {
  const duration = metrics.histogram({
    name: 'tagpin_sweep_duration_seconds',
    help: 'How long a sweep took, from listing the targets to the last record.',
    labels: [],
    buckets: SECONDS,
  });
  const lastSuccess = metrics.gauge({
    name: 'tagpin_sweep_last_success_timestamp_seconds',
    help: 'When a sweep came to its end last, whatever came of its targets.',
    labels: [],
  });
  const failures = metrics.counter({
    name: 'tagpin_sweep_failures_total',
    help: 'Sweeps that could not be done: the policy, the targets or the state could not be read.',
    labels: [],
  });
  const leader = metrics.gauge({ name: 'tagpin_sweep_leader', help: '1 where this replica sweeps.', labels: [] });
  const targets = metrics.gauge({
    name: 'tagpin_targets',
    help: 'Targets by the worst that came of their images in the last sweep.',
    labels: ['state'],
  });
  const outcomes = metrics.counter({
    name: 'tagpin_sweep_changes_total',
    help: 'Images by what came of them, and why.',
    labels: ['outcome', 'reason'],
  });
  const settled = metrics.gauge({
    name: 'tagpin_target_last_success_timestamp_seconds',
    help: 'When a target said last what it should, or was made to; of the first 500 targets.',
    labels: ['kind', 'namespace', 'name'],
  });
  const unsettled = metrics.gauge({
    name: 'tagpin_target_unsettled_seconds',
    help: 'For how long a target has not said what it should, as far as this process saw; of the first 500 targets.',
    labels: ['kind', 'namespace', 'name'],
  });
  /** Since when each does not say what it should; null where it does. */
  const since = new Map<string, { readonly target: TargetName; readonly start: number | null }>();
  leader({}, 0);
  const count = (changes: readonly Change[]): void => {
    for (const { outcome, reason } of changes) if (outcome !== 'unchanged') outcomes({ outcome, reason });
  };

  return {
    swept({ changes, seconds, at }) {
      duration({}, seconds);
      lastSuccess({}, at / 1000);
      const states = new Map<string, number>(STATES.map((state) => [state, 0]));
      const groups = Map.groupBy(changes, ({ target }) => targetKey(target));
      // What is not there any more has nothing left to say, and nobody is to be woken by it.
      for (const [key, { target }] of since) {
        if (groups.has(key)) continue;
        unsettled({ ...target }, 0);
        since.delete(key);
      }
      for (const [key, own] of groups) {
        const state = worstOutcome(own);
        states.set(state, (states.get(state) ?? 0) + 1);
        const target = own[0]?.target;
        // What is not due was not looked at: it is as it was.
        if (own.every(({ reason }) => reason === 'NotDue')) continue;
        if (target === undefined || (!since.has(key) && since.size >= MOST_TARGETS)) continue;
        const isSettled = state === 'written' || state === 'unchanged';
        const start = isSettled ? null : (since.get(key)?.start ?? at);
        since.set(key, { target, start });
        const labels = { ...target };
        if (isSettled) settled(labels, at / 1000);
        unsettled(labels, start === null ? 0 : (at - start) / 1000);
      }
      for (const [state, count] of states) targets({ state }, count);
      count(changes);
    },
    lookedAfter: count,
    failed: () => failures({}),
    leads: (isLeader) => leader({}, isLeader ? 1 : 0),
  };
}
