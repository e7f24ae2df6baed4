import assert from 'node:assert/strict';
import test from 'node:test';
import { createLimiter, QueueFull } from '../../src/platform/limiter.ts';

const now = (): number => performance.now();
const always = new AbortController().signal;

test('no more than so many run at once, and no more than so many wait', async () => {
  const limiter = createLimiter({ concurrency: 2, waiting: 3, perSecond: null, now });
  const gate = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  const task = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await gate.promise;
    running -= 1;
  };
  const asked = Array.from({ length: 5 }, () => limiter.run(task, always));
  await new Promise(setImmediate);
  await assert.rejects(limiter.run(task, always), QueueFull);
  gate.resolve();
  await Promise.all(asked);
  assert.equal(most, 2);
});

test('who gave up while waiting is not run', async () => {
  const limiter = createLimiter({ concurrency: 1, waiting: 3, perSecond: null, now });
  const gate = Promise.withResolvers<void>();
  const ending = new AbortController();
  let isRun = false;
  const first = limiter.run(() => gate.promise, always);
  const second = limiter.run(async () => {
    isRun = true;
  }, ending.signal);
  ending.abort(new Error('enough'));
  gate.resolve();
  await first;
  await assert.rejects(second, /enough/);
  assert.equal(isRun, false);
});

test('tasks start at their rate after a burst of one second', async () => {
  const limiter = createLimiter({ concurrency: 8, waiting: 100, perSecond: 20, now });
  const started: number[] = [];
  const begin = now();
  const task = async (): Promise<void> => void started.push(now() - begin);
  await Promise.all(Array.from({ length: 24 }, () => limiter.run(task, always)));
  const earliest = [49, 99, 149, 199];
  for (const [index, time] of earliest.entries()) {
    assert.ok((started[20 + index] ?? 0) >= time, `${started.slice(20).join(' ')} after twenty at once`);
  }
});

test('waiting for the rate ends with the signal', async () => {
  const limiter = createLimiter({ concurrency: 8, waiting: 100, perSecond: 0.01, now });
  await limiter.run(async () => {}, always);
  await assert.rejects(
    limiter.run(async () => {}, AbortSignal.timeout(20)),
    /abort/i,
  );
});
