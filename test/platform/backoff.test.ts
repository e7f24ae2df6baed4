import assert from 'node:assert/strict';
import test from 'node:test';
import { createBackoff } from '../../src/platform/backoff.ts';

test('the wait is by chance up to a bound that doubles up to the last one', () => {
  const highest = createBackoff(500, 30_000, () => 1);
  const waits = Array.from({ length: 8 }, () => highest.next(null));
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(createBackoff(500, 30_000, () => 0.5).next(null), 250);
});

test('the first bound holds again after things went well', () => {
  const backoff = createBackoff(500, 30_000, () => 1);
  backoff.next(null);
  backoff.next(null);
  backoff.reset();
  assert.equal(backoff.next(null), 500);
});

test('what the other side asks for is waited at least, but not for ever', () => {
  const backoff = createBackoff(500, 30_000, () => 1);
  assert.equal(backoff.next(7000), 7500);
  assert.equal(backoff.next(1e12), 5 * 60_000 + 1000);
});
