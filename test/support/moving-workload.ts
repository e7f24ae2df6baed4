import assert from 'node:assert/strict';
import { digestOf } from './planned-target.ts';
import { PlannedWorkload, pinned, type WantedPlan } from './planned-workload.ts';

export const [A, B, C, D] = [digestOf('a'), digestOf('b'), digestOf('c'), digestOf('d')];
export const API = 'ghcr.io/acme/api:main';
export const MINUTE = 60_000;
/** Two images that float. */
export const TWO = {
  containers: { api: API, web: 'ghcr.io/acme/web:main' },
  follow: [{ container: 'api' }, { container: 'web' }],
};

/** A workload whose `api` was pinned to A. */
export function pinnedWorkload(more: WantedPlan = {}): PlannedWorkload {
  const workload = new PlannedWorkload({
    containers: { api: `ghcr.io/acme/api@${A}` },
    ...more,
    annotations: { ...(pinned({ api: [API, A] }) as Record<string, string>), ...more.annotations },
  });
  workload.tags = { [API]: A };
  return workload;
}

/** The same, moved to B, whose rollout is under way. */
export function movingWorkload(more: WantedPlan = {}): PlannedWorkload {
  const workload = pinnedWorkload(more);
  workload.look();
  workload.tags = { [API]: B };
  assert.deepEqual(workload.look(), ['api written Moved']);
  return workload;
}

/** `workload` after its rollout has ended well, and that is on record. */
export function settledWorkload(workload: PlannedWorkload): PlannedWorkload {
  workload.rolls('settled');
  workload.look();
  return workload;
}
