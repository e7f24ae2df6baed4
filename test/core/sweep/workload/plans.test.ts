import assert from 'node:assert/strict';
import test from 'node:test';
import { NEW_IMAGE } from '../../../../src/core/sweep/state.ts';
import { afterWrite, hold, leave, rolledOut } from '../../../../src/core/sweep/workload/plans.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { readTarget, workloadObject } from '../../../support/planned-workload.ts';

const image = readTarget(workloadObject()).images[0] ?? assert.fail();
const value = { tag: 'main', digest: digestOf('a') };
const begun = { ...NEW_IMAGE, attempt: { ...value, at: 0, count: 1 } };

test('what is left alone is told with what stands there', () => {
  const left = leave(image, NEW_IMAGE, value);
  assert.deepEqual(
    [left.from, left.to, left.write, left.healthy, left.now],
    [{ tag: 'main', digest: null }, value, null, null, NEW_IMAGE],
  );
  const held = hold(image, NEW_IMAGE, { outcome: 'waiting', reason: 'Paused', message: 'm' });
  assert.deepEqual([held.outcome, held.reason, held.message, held.to], ['waiting', 'Paused', 'm', null]);
});

test('a write is a success where there is nothing to wait for, else when it is healthy', () => {
  const plan = { ...leave(image, begun, value), outcome: 'planned', reason: 'Moved', message: '' } as const;
  const write = { value, isAgain: false };
  const waiting = afterWrite(plan, write, { kind: 'settled' });
  assert.deepEqual(
    [waiting.written, waiting.attempt, waiting.rollout],
    [null, begun.attempt, { progress: 0, failed: false }],
  );
  const done = afterWrite(plan, write, { kind: 'none', why: '' });
  assert.deepEqual(done, rolledOut(image, waiting, value));
  assert.deepEqual([done.written, done.attempt, done.rollout, done.observed], [value, null, null, null]);
});

test('what could not be written at first has all of its attempts, and one more attempt is counted', () => {
  const tried = { ...begun, attempt: { ...begun.attempt, count: 2 } };
  const plan = { ...leave(image, tried, value), outcome: 'planned', reason: 'Moved', message: '' } as const;
  const countOf = (isAgain: boolean) => afterWrite(plan, { value, isAgain }, { kind: 'settled' }).attempt?.count;
  assert.deepEqual([countOf(false), countOf(true)], [1, 2]);
});
