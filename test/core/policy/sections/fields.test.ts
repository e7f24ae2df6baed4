import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { labels, mapping, objectName, optional, title } from '../../../../src/core/policy/sections/fields.ts';

test('a key that is absent is null, and one that is written as null is refused', () => {
  const schema = mapping({ a: optional(z.string()) });
  assert.deepEqual(schema.parse({}), { a: null });
  assert.deepEqual(schema.parse({ a: 'x' }), { a: 'x' });
  assert.equal(schema.safeParse({ a: null }).success, false);
});

test('an unknown key is an issue that lists the known ones', () => {
  const issue = mapping({ a: optional(z.string()), b: z.string() }).safeParse({ b: '', c: 1 }).error?.issues[0];
  assert.deepEqual([issue?.code, issue?.message], ['unrecognized_keys', 'a b']);
});

// [text, is it a name?]
const names: readonly (readonly [string, boolean])[] = [
  ['a', true],
  ['registry-internal', true],
  ['a.b-c.d1', true],
  ['a'.repeat(253), true],
  ['a'.repeat(254), false],
  ['A', false],
  ['-a', false],
  ['a-', false],
  ['a..b', false],
  ['a_b', false],
  ['', false],
  ['a/b', false],
];

for (const [text, expected] of names) {
  test(`${JSON.stringify(text.slice(0, 30))} is ${expected ? 'a' : 'no'} name of an object`, () => {
    assert.equal(objectName.safeParse(text).success, expected);
  });
}

// [key, value, are they a label?]
const pairs: readonly (readonly [string, string, boolean])[] = [
  ['env', 'production', true],
  ['kubernetes.io/metadata.name', 'shop', true],
  ['a', '', true],
  ['a', 'x'.repeat(63), true],
  ['a', 'x'.repeat(64), false],
  ['a', 'x y', false],
  ['a', '-x', false],
  ['', 'x', false],
  ['a/b/c', 'x', false],
  ['A.io/b', 'x', false],
  ['a b', 'x', false],
];

for (const [key, value, expected] of pairs) {
  test(`${JSON.stringify({ [key]: value }).slice(0, 60)} is ${expected ? 'a' : 'no'} label`, () => {
    assert.equal(labels.safeParse({ [key]: value }).success, expected);
  });
}

test('a title is one line of a hundred characters', () => {
  assert.ok(title.safeParse('no latest in production').success);
  for (const text of ['', 'a\nb', '\u{0}', 'x'.repeat(101)]) assert.ok(!title.safeParse(text).success);
});
