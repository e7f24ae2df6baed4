import assert from 'node:assert/strict';
import test from 'node:test';
import { NEW_IMAGE } from '../../../../src/core/sweep/state.ts';
import { hasRollout, holdUnsettled, MOST_ATTEMPTS, watchRollout } from '../../../../src/core/sweep/workload/rollout.ts';
import type { Rollout } from '../../../../src/core/target/workload/rollout.ts';
import { digestOf } from '../../../support/planned-target.ts';

const attempt = { tag: 'main', digest: digestOf('a'), at: 0, count: 1 };
const rolling: Rollout = { kind: 'rolling', why: 'it is at it', progress: 2, patience: 600_000 };
const facts = { isRollingOurs: false, others: 1, now: 0 };

function watched(rollout: Rollout, now: number, own: { progress: number; failed: boolean } | null, count = 1): string {
  const made = { ...attempt, count };
  const result = watchRollout({
    ...facts,
    rollout,
    now,
    state: { ...NEW_IMAGE, attempt: made, rollout: own },
    attempt: made,
  });
  if (result.kind !== 'held') return result.kind;
  return `${result.hold.reason} ${result.state.attempt?.at} ${result.state.rollout?.progress} ${result.state.rollout?.failed}`;
}

test('a rollout has its time since it got on last', () => {
  assert.equal(watched(rolling, 600_000, { progress: 2, failed: false }), 'RollingOut 0 2 false');
  assert.equal(watched(rolling, 600_001, { progress: 1, failed: false }), 'RollingOut 600001 2 false');
  assert.equal(watched(rolling, 600_001, { progress: 2, failed: false }), 'RolloutFailed 0 2 true');
  assert.equal(watched(rolling, 600_001, { progress: 5, failed: false }, MOST_ATTEMPTS), 'GaveUp 0 5 true');
});

test('what failed is told once, and then it is decided what to do; a healthy one is a success at any time', () => {
  const stuck: Rollout = { kind: 'stuck', why: 'x' };
  assert.deepEqual(
    [watched(stuck, 0, null), watched(stuck, 0, { progress: 0, failed: true })],
    ['RolloutFailed 0 0 true', 'failed'],
  );
  assert.deepEqual(
    [
      watched(rolling, 0, { progress: 0, failed: true }),
      watched({ kind: 'settled' }, 0, { progress: 0, failed: true }),
    ],
    ['failed', 'healthy'],
  );
  assert.equal(watched({ kind: 'paused' }, 7, null), 'RolloutPaused 7 0 false');
});

test('others’ rollouts are waited for, and counted but for our own and for pauses', () => {
  const held = (rollout: Rollout, waited: number, more: object = {}): string => {
    const hold = holdUnsettled({ ...facts, rollout, state: { ...NEW_IMAGE, waited }, ...more });
    return hold === null ? 'free' : `${hold.hold.reason} ${hold.waited}`;
  };
  assert.deepEqual([held({ kind: 'settled' }, 3), held({ kind: 'none', why: '' }, 3)], ['free', 'free']);
  assert.deepEqual([held(rolling, 6), held(rolling, 7)], ['RollingOut 7', 'NotSettling 8']);
  assert.equal(held(rolling, 7, { isRollingOurs: true }), 'RollingOut 7');
  assert.equal(held({ kind: 'paused' }, 7), 'RolloutPaused null');
  assert.deepEqual([hasRollout({ kind: 'none', why: '' }), hasRollout({ kind: 'paused' })], [false, true]);
});
