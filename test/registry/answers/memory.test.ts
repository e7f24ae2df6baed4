import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDigest } from '../../../src/core/image/digest.ts';
import { createMemory } from '../../../src/registry/answers/memory.ts';
import { type FailureReason, RegistryError } from '../../../src/registry/error.ts';

const DIGEST = parseDigest(`sha256:${'a'.repeat(64)}`) ?? assert.fail();
const described = { kind: 'described', digest: DIGEST, mediaType: 'm' } as const;
const HOUR = 3_600_000;

function setUp() {
  let time = 1000;
  const memory = createMemory(() => time);
  const pass = (milliseconds: number): number => (time += milliseconds);
  return { memory, pass, now: () => time };
}

const fail = (reason: FailureReason, retryAfterMilliseconds: number | null = null) =>
  new RegistryError(reason, { host: 'a.io' }, { retryAfterMilliseconds });

test('a digest is as old as its question, and fresh for as long as each asker says', () => {
  const { memory, pass, now } = setUp();
  const asked = now();
  pass(3000);
  memory.remember('a', described, asked);
  assert.equal(memory.find('a', 3000).result, 'hit');
  assert.equal(memory.find('a', 2999).result, 'stale');
  assert.equal(memory.find('a', 0).result, 'stale');
  assert.equal(memory.find('b', 3000).result, 'miss');
});

test('the last digest is kept for a day, also through failures', () => {
  const { memory, pass, now } = setUp();
  memory.remember('a', described, now());
  for (let hour = 0; hour < 23; hour += 1) {
    pass(HOUR);
    memory.remember('a', fail('NoConnection'), now());
  }
  assert.equal(memory.lastKnown('a')?.digest, DIGEST);
  pass(HOUR);
  assert.equal(memory.lastKnown('a')?.digest, DIGEST);
  pass(1);
  assert.equal(memory.lastKnown('a'), null);
});

// [reason, what the registry asked for, seconds it is remembered]
const lives: readonly (readonly [FailureReason, number | null, number])[] = [
  ['Unknown', null, 5],
  ['SignInRefused', null, 10],
  ['Forbidden', null, 10],
  ['NoConnection', null, 5],
  ['TimedOut', null, 5],
  ['NoManifest', null, 10],
  ['TooManyRequests', null, 5],
  ['TooManyRequests', 1000, 5],
  ['TooManyRequests', 20_000, 20],
  ['TooManyRequests', 3_600_000, 30],
];

for (const [reason, retryAfter, seconds] of lives) {
  test(`${reason} with Retry-After ${retryAfter} is remembered for ${seconds} s`, () => {
    const { memory, pass, now } = setUp();
    memory.remember('a', fail(reason, retryAfter), now());
    pass(seconds * 1000 - 1);
    assert.equal(memory.find('a', 10_000).result, 'negative');
    assert.equal(memory.find('a', 0).outcome, null, 'past the memory');
    pass(1);
    assert.equal(memory.find('a', 10_000).result, 'miss');
  });
}

test('a failure hides a digest that would still be fresh, and a digest ends the failure', () => {
  const { memory, pass, now } = setUp();
  memory.remember('a', described, now());
  memory.remember('a', fail('Unknown'), now());
  assert.equal(memory.find('a', 10_000).result, 'negative');
  pass(5000);
  assert.equal(memory.find('a', 10_000).result, 'stale', 'it is not known whether it is there again');
  memory.remember('a', described, now());
  assert.equal(memory.find('a', 10_000).result, 'hit');
});

test('our own overload is not remembered as the registry said', () => {
  const { memory, now } = setUp();
  memory.remember('a', fail('QueueFull'), now());
  assert.equal(memory.find('a', 10_000).result, 'miss');
});
