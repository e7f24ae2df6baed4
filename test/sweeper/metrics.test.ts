import assert from 'node:assert/strict';
import test from 'node:test';
import type { Change, SweepOutcome, SweepReason } from '../../src/core/sweep/change.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { createSweepMetrics } from '../../src/sweeper/metrics.ts';

function change(name: string, outcome: SweepOutcome, reason: SweepReason): Change {
  const target = { kind: 'Deployment', namespace: 'shop', name } as const;
  return {
    target,
    uid: name,
    alias: 'api',
    image: 'x',
    from: null,
    to: null,
    outcome,
    reason,
    message: '',
    passedOver: [],
  };
}

test('a target is unsettled for as long as it does not say what it should, and no longer than it is there', async () => {
  const metrics = createMetrics();
  const sweeps = createSweepMetrics(metrics);
  const unsettled = async (name: string): Promise<string | undefined> => {
    const { body } = await metrics.text();
    return new RegExp(`^tagpin_target_unsettled_seconds\\{[^}]*name="${name}"[^}]*\\} (\\S+)$`, 'm').exec(body)?.[1];
  };
  const sweep = (at: number, ...changes: readonly Change[]) => sweeps.swept({ changes, seconds: 1, at });
  sweep(0, change('web', 'failed', 'GaveUp'), change('api', 'unchanged', 'UpToDate'));
  sweep(60_000, change('web', 'failed', 'GaveUp'), change('api', 'waiting', 'NotDue'));
  assert.deepEqual([await unsettled('web'), await unsettled('api')], ['60', '0']);
  sweep(120_000, change('web', 'waiting', 'NotDue'), change('api', 'waiting', 'NotDue'));
  assert.deepEqual([await unsettled('web'), await unsettled('api')], ['60', '0'], 'what is not due is as it was');
  sweep(180_000, change('api', 'unchanged', 'UpToDate'));
  assert.equal(await unsettled('web'), '0', 'it was deleted');
  sweep(240_000, change('web', 'failed', 'GaveUp'));
  assert.equal(await unsettled('web'), '0', 'another of its name begins anew');
});
