import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/core/duration.ts';

// [what is written, milliseconds]; null is no duration
const durations: readonly (readonly [string, number | null])[] = [
  ['10s', 10_000],
  ['0', 0],
  ['0s', 0],
  ['-0s', 0],
  ['1m30s', 90_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['1.s', 1000],
  ['250ms', 250],
  ['1us', 0.001],
  ['1µs', 0.001],
  ['1μs', 0.001],
  ['1h1h', 7_200_000],
  ['7d', 604_800_000],
  ['1d12h', 129_600_000],
  ['-5s', -5000],
  ['+5s', 5000],
  ['292y', null],
  ['106752d', null],
  ['9'.repeat(400).concat('h'), null],
  ['', null],
  ['10', null],
  ['s', null],
  ['.s', null],
  ['10 s', null],
  [' 10s', null],
  ['10S', null],
  ['10s ', null],
  ['1e3s', null],
  ['1m-30s', null],
  ['--1s', null],
  ['1w', null],
  ['٣s', null],
];

for (const [text, milliseconds] of durations) {
  test(`${JSON.stringify(text.slice(0, 20))} is ${milliseconds === null ? 'no duration' : `${milliseconds} ms`}`, () => {
    assert.equal(parseDuration(text), milliseconds);
  });
}

// [milliseconds, text]
const texts: readonly (readonly [number, string])[] = [
  [0, '0s'],
  [250, '250ms'],
  [1000, '1s'],
  [1500, '1.5s'],
  [60_000, '1m'],
  [90_000, '1m30s'],
  [3_600_000, '1h'],
  [129_600_000, '1d12h'],
  [-1000, '-1s'],
];

for (const [milliseconds, text] of texts) {
  test(`${milliseconds} ms are written ${text}`, () => {
    assert.equal(formatDuration(milliseconds), text);
  });
}

test('what is written is read as the same duration', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (milliseconds) => {
      assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds);
    }),
    { seed: 1, numRuns: 1000 },
  );
});
