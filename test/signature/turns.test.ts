import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { QueueFull } from '../../src/platform/limiter.ts';
import { createTurns } from '../../src/signature/turns.ts';

const PATIENT = new AbortController().signal;

/** Turns, and tasks that run until they are told to end. */
function start() {
  const turns = createTurns({ ofOne: 2, ofAll: 3, waiting: 2, now: () => performance.now() });
  const running: string[] = [];
  const ends: (() => void)[] = [];
  const run = (of: string, signal = PATIENT) =>
    turns.run(
      of,
      async () => {
        running.push(of);
        await new Promise<void>((end) => ends.push(end));
        running.splice(running.indexOf(of), 1);
      },
      signal,
    );
  const endFirst = async () => {
    ends.shift()?.();
    await settled();
  };
  return { run, running, endFirst };
}

test('of one two run at once, and another does not wait behind the rest of them', async () => {
  const { run, running, endFirst } = start();
  const asked = [run('shop'), run('shop'), run('shop'), run('other')];
  await settled();
  assert.deepEqual(running, ['shop', 'shop', 'other']);
  await endFirst();
  assert.deepEqual(running, ['shop', 'other', 'shop']);
  for (let left = 0; left < 3; left += 1) await endFirst();
  await Promise.all(asked);
  assert.deepEqual(running, []);
});

test('of all three run at once', async () => {
  const { run, running, endFirst } = start();
  const asked = ['a', 'b', 'c', 'd'].map((of) => run(of));
  await settled();
  assert.deepEqual(running, ['a', 'b', 'c']);
  for (let left = 0; left < 4; left += 1) await endFirst();
  await Promise.all(asked);
});

test('where too many of one wait already, one more is sent away at once', async () => {
  const { run, endFirst } = start();
  const asked = Array.from({ length: 4 }, () => run('shop'));
  await settled();
  await assert.rejects(run('shop'), QueueFull);
  for (let left = 0; left < 4; left += 1) await endFirst();
  await Promise.all(asked);
});

test('who has given up meanwhile never runs', async () => {
  const { run, running, endFirst } = start();
  const asked = [run('shop'), run('shop')];
  const impatient = new AbortController();
  const late = assert.rejects(run('shop', impatient.signal), /enough/);
  impatient.abort(new Error('enough'));
  await settled();
  for (let left = 0; left < 2; left += 1) await endFirst();
  await late;
  await Promise.all(asked);
  assert.deepEqual(running, []);
});
