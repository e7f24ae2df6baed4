import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeComparator, meets, type Operator } from '../../../src/core/version/comparator.ts';
import { parseVersion } from '../../../src/core/version/version.ts';

function comparator(operator: Operator, text: string, ...captured: readonly string[]) {
  return makeComparator(operator, text, captured) ?? assert.fail(text);
}

// Each row is a branch of its own; whole ranges are asked in constraint.test.ts.
const rows: readonly (readonly [string, ReturnType<typeof comparator>, string, boolean])[] = [
  ['an exact version', comparator('=', '1.2.3', '1', '.2', '.3'), '1.2.3', true],
  ['an open patch holds the minor', comparator('', '1.2', '1', '.2'), '1.2.9', true],
  ['an open minor holds the major', comparator('', '1.x', '1', '.x'), '2.0.0', false],
  ['above a whole major', comparator('>', '1', '1'), '1.9.9', false],
  ['above a whole minor', comparator('>', '1.2', '1', '.2'), '1.3.0', true],
  ['up to a whole minor', comparator('<=', '1.2', '1', '.2'), '1.2.9', true],
  ['a wildcard with a pre-release', comparator('>=', '1.x-0', '1', '.x', '', '-0'), '1.0.0-0', true],
  ['the quirk of ~0.0.0', comparator('~', '0.0.0', '0', '.0', '.0'), '5.0.0', true],
  ['the quirk of ^x', comparator('^', 'x', 'x'), '1.0.0', false],
  ['the quirk of >x', comparator('>', 'x', 'x'), '0.0.0', false],
];

for (const [name, made, text, expected] of rows) {
  test(`${name}: ${text} is ${expected ? 'in' : 'out'}`, () => {
    assert.equal(meets(made, parseVersion(text) ?? assert.fail(text)), expected);
  });
}

test('a comparator knows the first part that was left out', () => {
  assert.equal(comparator('', '1.2.3', '1', '.2', '.3').open, null);
  assert.equal(comparator('', '1.2', '1', '.2').open, 'patch');
  assert.equal(comparator('', '1.X.3', '1', '.X', '.3').open, 'minor');
  assert.equal(comparator('', '*', '*').open, 'major');
});

test('what Masterminds lets through its expression and cannot read is no comparator', () => {
  assert.equal(makeComparator('', '1|2', ['1|2']), null);
  assert.equal(makeComparator('', 'xx', ['xx']), null);
  assert.equal(makeComparator('', '1.0.18446744073709551616', ['1', '.0', '.18446744073709551616']), null);
});
