import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Budget, budgetOf } from '../../src/webhook/budget.ts';

const CASES: readonly (readonly [string, number, string])[] = [
  ['/mutate', 9000, 'without a timeout, as with 10 s'],
  ['/mutate?timeout=10s', 9000, 'less a second'],
  ['/mutate?timeout=30s', 29_000, 'the longest'],
  ['/mutate?timeout=5s', 4000, 'a second is a fifth of 5 s'],
  ['/mutate?timeout=1s', 800, 'less a fifth'],
  ['/mutate?timeout=500ms', 400, 'less a fifth'],
  ['/mutate?timeout=1m', 29_000, 'no API server waits longer than 30 s'],
  ['/mutate?timeout=1.5s', 1200, 'fractions'],
  ['/mutate?a=b&timeout=2s', 1600, 'among others'],
  ['/mutate?timeout=2s&timeout=20s', 1600, 'the first counts'],
  ['/mutate?timeout=500000%C2%B5s', 400, 'in its encoded form'],
  ['/mutate?timeout=', 9000, 'empty'],
  ['/mutate?timeout=10', 9000, 'without a unit'],
  ['/mutate?timeout=soon', 9000, 'no duration'],
  ['/mutate?timeout=-5s', 9000, 'negative'],
  ['/mutate?timeout=0s', 9000, 'nothing'],
  ['/mutate?timeout=%zz', 9000, 'badly encoded'],
  [`/mutate?timeout=${'1h'.repeat(10_000)}`, 9000, 'longer than anybody writes'],
  ['/mutate?xtimeout=2s', 9000, 'another parameter'],
];

for (const [url, milliseconds, why] of CASES) {
  test(`the budget of ${url.slice(0, 60)} is ${milliseconds} ms: ${why}`, () => {
    assert.equal(budgetOf(url), milliseconds);
  });
}

test('a budget aborts its signal at its end, and then does what is to be done', async () => {
  const budget = new Budget(20);
  const seen: boolean[] = [];
  budget.onEnd(() => seen.push(budget.signal.aborted));
  await sleep(60);
  assert.deepEqual(seen, [true]);
  assert.equal((budget.signal.reason as DOMException).name, 'TimeoutError');
});

test('a budget that is closed does not end', async () => {
  const budget = new Budget(20);
  budget.onEnd(() => assert.fail('it ended'));
  budget.close();
  await sleep(60);
  assert.equal(budget.signal.aborted, false);
});

test('what is done before the timeout comes between the budget and the timeout, unless the request is answered', async () => {
  const started = performance.now();
  const { promise, resolve } = Promise.withResolvers<number>();
  const budget = new Budget(80);
  budget.onEnd(() => budget.beforeTimeout(() => resolve(performance.now() - started)));
  const passed = await promise;
  assert.ok(passed >= 88, `${passed} ms`);
  const answered = new Budget(20);
  answered.onEnd(() => answered.beforeTimeout(() => assert.fail('it was answered')));
  await sleep(21);
  answered.close();
  await sleep(40);
});
