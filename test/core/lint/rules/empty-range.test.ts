import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEmptyRange } from '../../../../src/core/lint/rules/empty-range.ts';
import { parseConstraint } from '../../../../src/core/version/constraint.ts';

const EMPTY = [
  '>2 <1',
  '>=2.0.0, <2.0.0',
  '1.0.0 2.0.0',
  '~1.2 >=1.3',
  '^1 ^2',
  '>1.2.3 <1.2.4',
  '1.x 2.x',
  '=1.0.0 !=1.0.0',
  '<0.0.0',
];
const FULL = [
  '*',
  '',
  '>=1.0.0 <2',
  '>1.0.0-alpha <1.0.0-beta',
  '>=1.0.0-0 <1.0.0',
  '>1.x',
  '>1.2',
  '!=1.x',
  '>1.0.0 !=1.0.1',
  '<1.0.0-1',
  '>2 <1 || 3.x',
  '>=1.0.0 <1.0.1',
  '0.0.0',
  '<=0.0.0',
  '>1.2.3-rc.1 <=1.2.3-rc.2',
  '>=1.0, !=1.0.0, <1.1',
];

for (const [ranges, expected] of [
  [EMPTY, true],
  [FULL, false],
] as const) {
  for (const range of ranges) {
    test(`${JSON.stringify(range)} is ${expected ? 'empty' : 'a range of something'}`, () => {
      const parsed = parseConstraint(range);
      assert.ok(parsed.ok, range);
      assert.equal(isEmptyRange(parsed.constraint), expected);
    });
  }
}
