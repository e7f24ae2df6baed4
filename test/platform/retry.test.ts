import assert from 'node:assert/strict';
import test from 'node:test';
import { readRetryAfter, retryOnce } from '../../src/platform/retry.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

// [header, milliseconds to wait]
const headers: readonly (readonly [string | null, number | null])[] = [
  [null, null],
  ['', null],
  ['0', 0],
  ['120', 120_000],
  [' 5 ', 5000],
  ['-1', null],
  ['1.5', null],
  ['1e9', null],
  ['9999999999', null],
  ['soon', null],
  ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
  ['Saturday, 21-Nov-26 12:00:30 GMT', 30_000],
  ['Sat Nov 21 12:00:30 2026 GMT', 30_000],
  ['Fri, 20 Nov 2026 12:00:00 GMT', 0],
];

for (const [header, expected] of headers) {
  test(`Retry-After ${JSON.stringify(header)} is ${expected} ms`, () => {
    assert.equal(readRetryAfter(header, NOW), expected);
  });
}

const always = new AbortController().signal;

test('a passing failure is tried once more, and only once', async () => {
  let tries = 0;
  const failing = async () => {
    tries += 1;
    throw new Error(`try ${tries}`);
  };
  await assert.rejects(
    retryOnce(failing, () => true, always),
    /try 2/,
  );
});

test('another failure is not tried again', async () => {
  let tries = 0;
  const failing = async () => {
    tries += 1;
    throw new Error('no');
  };
  await assert.rejects(
    retryOnce(failing, () => false, always),
    /no/,
  );
  assert.equal(tries, 1);
});

test('the second try may succeed', async () => {
  let tries = 0;
  const recovering = async () => {
    tries += 1;
    if (tries === 1) throw new Error('no');
    return tries;
  };
  assert.equal(await retryOnce(recovering, () => true, always), 2);
});
