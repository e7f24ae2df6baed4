import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readDer } from '../../../../src/core/policy/grammar/der.ts';

// [bytes, tag and content, rest]
const rows: readonly (readonly [readonly number[], readonly number[] | null, readonly number[]])[] = [
  [[], null, []],
  [[0x30], null, []],
  [[0x30, 0], [0x30], []],
  [[0x02, 1, 7, 8], [0x02, 7], [8]],
  [[0x02, 0x81, 1, 7], [0x02, 7], []],
  [[0x02, 2, 7], null, []],
  [[0x30, 0x80, 0, 0], null, []],
  [[0x30, 0x82, 1], null, []],
  [[0x30, 0x84, 0, 0, 0, 0], null, []],
];

for (const [bytes, value, rest] of rows) {
  test(`${JSON.stringify(bytes)} ${value === null ? 'is no value' : 'is one value and its rest'}`, () => {
    const read = readDer(Uint8Array.from(bytes));
    assert.deepEqual(read === null ? null : [read.tag, ...read.content], value);
    assert.deepEqual([...(read?.rest ?? [])], rest);
  });
}

test('of no bytes more is read than there are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const read = readDer(bytes);
      assert.ok(read === null || read.content.length + read.rest.length <= bytes.length - 2);
    }),
    { seed: 3, numRuns: 2000 },
  );
});
