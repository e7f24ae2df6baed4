import assert from 'node:assert/strict';
import test from 'node:test';
import { outlineOf } from '../../../src/core/manifest/outline.ts';
import {
  blockText,
  columnOf,
  flowText,
  type Handwriting,
  handwritingOf,
  type NewValue,
} from '../../../src/core/manifest/rendering.ts';

const VALUE: NewValue = {
  entries: [
    ['name', 'a'],
    ['list', ['1', true, { entries: [] }]],
    ['a b', ''],
  ],
};
const HAND: Handwriting = { isJson: false, step: 2, listStep: 0, lineEnd: '\n' };

test('a value is written on lines of its own, in brackets, or as JSON', () => {
  const none = () => null;
  assert.equal(blockText(VALUE, 2, HAND, none), 'name: a\n  list:\n  - "1"\n  - true\n  - {}\n  "a b": ""');
  assert.equal(flowText(VALUE, HAND, none), '{name: a, list: ["1", true, {}], "a b": ""}');
  const json = flowText(VALUE, { ...HAND, isJson: true }, none);
  assert.deepEqual(JSON.parse(json), { name: 'a', list: ['1', true, {}], 'a b': '' });
  assert.equal(
    blockText(VALUE, 0, HAND, () => 'single'),
    `name: 'a'\nlist:\n- '1'\n- true\n- {}\n"a b": ''`,
  );
});

// [text, how it is written]
const hands: readonly (readonly [string, Partial<Handwriting>])[] = [
  ['', {}],
  ['a: 1\n', {}],
  ['a:\n    b: 1\nc:\n  d: 1\n', { step: 4 }],
  ['- a:\n     b: 1\n', { step: 3 }],
  ['a:\n  - b\nc:\n- d\n', { listStep: 2 }],
  ['a: {b: {c: 1}}\r\n', { lineEnd: '\r\n' }],
  ['{"a": 1}', { isJson: true }],
  ['{a: 1}', {}],
];

for (const [text, expected] of hands) {
  test(`the hand of ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(handwritingOf(text, outlineOf(text)), { ...HAND, ...expected });
  });
}

test('a column counts from the line, and a byte order mark takes none', () => {
  assert.equal(columnOf('\uFEFFa\n  b', 1), 0);
  assert.equal(columnOf('\uFEFFa\n  b', 5), 2);
  assert.equal(columnOf('ab', 1), 1);
});
