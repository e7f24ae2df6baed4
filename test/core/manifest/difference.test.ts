import assert from 'node:assert/strict';
import test from 'node:test';
import { findDifferences } from '../../../src/core/manifest/difference.ts';

// [before, after, where they differ]
const cases: readonly (readonly [unknown, unknown, readonly (readonly (string | number)[])[]])[] = [
  [{ a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, []],
  [{ a: 1 }, { a: '1' }, [['a']]],
  [{ a: [1, 2], b: 'x' }, { a: [1, 3], b: 'y' }, [['a', 1], ['b']]],
  [{ a: { b: 1 } }, { a: { c: 1 } }, [['a']]],
  [{ a: { b: 1 } }, { a: { b: 1, c: 1 } }, [['a']]],
  [[1], [1, 2], [[]]],
  [[], {}, [[]]],
  [null, {}, [[]]],
  [undefined, null, [[]]],
  [Number.NaN, Number.NaN, []],
  [{ toString: 1 }, { x: 1 }, [[]]],
];

for (const [before, after, differences] of cases) {
  test(`${JSON.stringify(before)} and ${JSON.stringify(after)} differ at ${JSON.stringify(differences)}`, () => {
    assert.deepEqual(findDifferences(before, after, 100), differences);
  });
}

test('values that stand for too many values are not compared to the end', () => {
  const grow = (): unknown => {
    let value: unknown = 'lol';
    for (let level = 0; level < 30; level += 1) value = [value, value];
    return value;
  };
  assert.equal(findDifferences(grow(), grow(), 10_000), null);
});
