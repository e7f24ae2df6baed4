import assert from 'node:assert/strict';
import test from 'node:test';
import { isSameValue, NO_VALUE, parseValue, valueText } from '../../../src/core/sweep/value.ts';
import { digestOf } from '../../support/planned-target.ts';

const A = digestOf('a');

test('a value is a text that says tag and digest, and can be read again', () => {
  const rows = [
    [{ tag: '1.2.3', digest: null }, '1.2.3'],
    [{ tag: 'main', digest: A }, `main@${A}`],
    [{ tag: null, digest: A }, `@${A}`],
    [NO_VALUE, ''],
  ] as const;
  for (const [value, text] of rows) {
    assert.equal(valueText(value), text);
    assert.deepEqual(parseValue(text), value);
  }
});

test('what is no value is not read as one', () => {
  for (const text of ['a b', '.hidden', 'main@sha256:1', `main@${A}@${A}`, '1\n2', 'x'.repeat(129)]) {
    assert.equal(parseValue(text), null, text);
  }
});

test('values are the same where both parts are', () => {
  const value = { tag: 'main', digest: A };
  assert.ok(isSameValue(value, { ...value }));
  assert.ok(isSameValue(null, null));
  for (const other of [null, NO_VALUE, { tag: 'main', digest: null }, { tag: 'other', digest: A }]) {
    assert.equal(isSameValue(value, other), false);
  }
});
