import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';
import { withSignal } from '../../src/platform/deadline.ts';

test('what comes in time is given', async () => {
  assert.equal(await withSignal(Promise.resolve(1), new AbortController().signal), 1);
});

test('an abort rejects with its reason and leaves the work alone', async () => {
  const ending = new AbortController();
  const work = Promise.withResolvers<string>();
  const waiting = withSignal(work.promise, ending.signal);
  ending.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  work.resolve('done');
  assert.equal(await work.promise, 'done');
});

test('a signal that is aborted already rejects, and the work may fail unheard', async () => {
  await assert.rejects(withSignal(Promise.reject(new Error('late')), AbortSignal.abort(new Error('enough'))), /enough/);
});

test('no listener stays on the signal', async () => {
  const { signal } = new AbortController();
  await withSignal(Promise.resolve(), signal);
  await withSignal(Promise.reject(new Error('no')), signal).catch(() => {});
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});
