import assert from 'node:assert/strict';
import test from 'node:test';
import type { Path } from '../../../src/core/manifest/document.ts';
import { addEntry, appendItem, type Insertion, removeEntry } from '../../../src/core/manifest/insertion.ts';
import { outlineOf } from '../../../src/core/manifest/outline.ts';
import { handwritingOf, type NewValue } from '../../../src/core/manifest/rendering.ts';

const ENTRY: NewValue = {
  entries: [
    ['name', 'b'],
    ['value', '1.10'],
    ['force', true],
  ],
};

function result(text: string, insertion: Insertion): string {
  return 'problem' in insertion
    ? `${insertion.offset}: ${insertion.problem}`
    : text.slice(0, insertion.start) + insertion.text + text.slice(insertion.end);
}

function added(text: string, path: Path, value: NewValue = '1.10'): string {
  const root = outlineOf(text);
  return result(text, addEntry(text, root, { path, key: 'tag', value }, handwritingOf(text, root)));
}

function appended(text: string, path: Path, value: NewValue = ENTRY): string {
  const root = outlineOf(text);
  return result(text, appendItem(text, root, { path, value }, handwritingOf(text, root)));
}

// [name, before, path of the mapping, after]
const keys: readonly (readonly [string, string, Path, string])[] = [
  ['behind its siblings', 'a:\n  b: x # c\nd: 1\n', ['a'], 'a:\n  b: x # c\n  tag: "1.10"\nd: 1\n'],
  [
    'before comments about what follows',
    'a:\n  b: x\n\n# d\nd: 1\n',
    ['a'],
    'a:\n  b: x\n  tag: "1.10"\n\n# d\nd: 1\n',
  ],
  ['in quotes as its siblings', "a:\n    b: 'x'\n", ['a'], "a:\n    b: 'x'\n    tag: '1.10'\n"],
  ['behind what is nested deeper', 'a:\n  b:\n    c: x\nd: 1\n', ['a'], 'a:\n  b:\n    c: x\n  tag: "1.10"\nd: 1\n'],
  [
    'behind a block of lines',
    'a:\n  b: |\n    x\n    y\nd: 1\n',
    ['a'],
    'a:\n  b: |\n    x\n    y\n  tag: "1.10"\nd: 1\n',
  ],
  ['in an item of a list', '-   b: x\n-   c: y\n', [0], '-   b: x\n    tag: "1.10"\n-   c: y\n'],
  ['without a line end at the end', 'a: x', [], 'a: x\ntag: "1.10"'],
  ['with the line ends of Windows', 'a: x\r\n', [], 'a: x\r\ntag: "1.10"\r\n'],
  ['behind a byte order mark', '\uFEFFa: x\n', [], '\uFEFFa: x\ntag: "1.10"\n'],
  ['in brackets', 'a: {b: x } # c\n', ['a'], 'a: {b: x, tag: "1.10" } # c\n'],
  ['in brackets over lines', 'a: {\n  b: x\n}\n', ['a'], 'a: {\n  b: x,\n  tag: "1.10"\n}\n'],
  ['in empty brackets', 'a: { }\n', ['a'], 'a: {tag: "1.10"}\n'],
  ['in JSON', '{"a": {"b": 1}}', ['a'], '{"a": {"b": 1, "tag": "1.10"}}'],
  ['where nothing is', 'a: # c\nb: 1\n', ['a'], 'a: # c\n  tag: "1.10"\nb: 1\n'],
  ['where null is', 'a: null\n', ['a'], 'a: {tag: "1.10"}\n'],
  ['in an empty text', '', [], 'tag: "1.10"\n'],
  ['in a text of comments', '# c\r\n', [], '# c\r\ntag: "1.10"\r\n'],
  ['in a text of comments without an end', '# c', [], '# c\ntag: "1.10"\n'],
  ['before the end mark', 'a: x\n...\n', [], 'a: x\ntag: "1.10"\n...\n'],
];

for (const [name, before, path, after] of keys) {
  test(`a key is put ${name}`, () => {
    assert.equal(added(before, path), after);
  });
}

// [name, before, path of the list, after]
const items: readonly (readonly [string, string, Path, string])[] = [
  ['behind its siblings', '- name: a\n# c\n', [], '- name: a\n- name: b\n  value: "1.10"\n  force: true\n# c\n'],
  [
    'with their gap, column and quotes',
    'l:\n    -   name: "a"\n        value: \'x\'\nd: 1\n',
    ['l'],
    'l:\n    -   name: "a"\n        value: \'x\'\n    -   name: "b"\n        value: \'1.10\'\n        force: true\nd: 1\n',
  ],
  ['in brackets', 'l: [{name: a}]\n', ['l'], 'l: [{name: a}, {name: b, value: "1.10", force: true}]\n'],
  ['in empty brackets', 'l: []\n', ['l'], 'l: [{name: b, value: "1.10", force: true}]\n'],
  ['where nothing is', 'l:\nd: 1\n', ['l'], 'l:\n- name: b\n  value: "1.10"\n  force: true\nd: 1\n'],
  [
    'where nothing is, indented as other lists are',
    'k:\n  - x\nl:\n',
    ['l'],
    'k:\n  - x\nl:\n  - name: b\n    value: "1.10"\n    force: true\n',
  ],
];

for (const [name, before, path, after] of items) {
  test(`an item is put ${name}`, () => {
    assert.equal(appended(before, path), after);
  });
}

test('what is nested in a new value is indented as the text is', () => {
  const value: NewValue = {
    entries: [
      ['list', [ENTRY, 'x']],
      ['none', []],
      ['inner', { entries: [['on', '']] }],
    ],
  };
  const after =
    'a:\n    b: x\n    tag:\n        list:\n        - name: b\n          value: "1.10"\n          force: true\n        - x\n' +
    '        none: []\n        inner:\n            "on": ""\n';
  assert.equal(added('a:\n    b: x\n', ['a'], value), after);
});

test('nothing is put where there is something else, or only a comment in brackets', () => {
  assert.equal(added('a: [1]\n', ['a']), '3: a is no mapping');
  assert.equal(appended('a: {b: 1}\n', ['a']), '3: a is no list');
  assert.equal(added('a: {\n# c\n}\n', ['a']), '3: its brackets hold a comment only: write one entry');
  assert.equal(added('a: 1\n', ['b']), '0: there is nothing at b');
  assert.match(added('a: &x {b: 1}\nc: *x\n', ['c']), /^16: c is written somewhere else, behind the alias \*x/);
});

test('a key is taken out with its line, or with its comma', () => {
  const removed = (text: string, path: Path) => result(text, removeEntry(text, outlineOf(text), { path, key: 'b' }));
  assert.equal(removed('l:\n- a: 1\n  b: 2 # c\n  d: 3\n', ['l', 0]), 'l:\n- a: 1\n  d: 3\n');
  assert.equal(removed('l:\n- b: 1\n  d: 3\n', ['l', 0]), 'l:\n- d: 3\n');
  assert.equal(removed('{a: 1, b: 2}\n', []), '{a: 1}\n');
  assert.match(removed('b: 2\n', []), /b is all there is/);
});
