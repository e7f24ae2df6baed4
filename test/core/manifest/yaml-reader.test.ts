import assert from 'node:assert/strict';
import test from 'node:test';
import { readYaml } from '../../../src/core/manifest/yaml-reader.ts';

function documentsOf(text: string) {
  const read = readYaml(text);
  assert.ok(read.ok, read.ok ? '' : read.message);
  return read.documents;
}

// [what is written, the documents in it]
const good: readonly (readonly [string, readonly unknown[]])[] = [
  ['', []],
  ['# only a comment\n', []],
  ['a: 1\n---\nb: x\n...\n---\n# nothing\n---\n- c\n', [{ a: 1 }, { b: 'x' }, null, ['c']]],
  ['\uFEFFa: x\r\nb:\r\n  - y\r\n', [{ a: 'x', b: ['y'] }]],
  ['a:\nb: ~\nc: null\nd: ""\n', [{ a: null, b: null, c: null, d: '' }]],
  ['a: &x {b: 1}\nc: *x\nd: [*x]\n', [{ a: { b: 1 }, c: { b: 1 }, d: [{ b: 1 }] }]],
  ['a: &x 1\nb: &x 2\nc: *x\n', [{ a: 1, b: 2, c: 2 }]],
  ['&k a: 1\nb: *k\n', [{ a: 1, b: 'a' }]],
  ['a: &x {i: 1, j: 2}\nb: {<<: *x, i: 3}\n', [{ a: { i: 1, j: 2 }, b: { i: 3, j: 2 } }]],
  [
    'a: &x {i: 1}\nb: &y {i: 2, j: 2}\nc: {<<: [*x, *y], k: 3}\n',
    [{ a: { i: 1 }, b: { i: 2, j: 2 }, c: { i: 1, j: 2, k: 3 } }],
  ],
  ['a: {<<: {i: 1}}\nb: {"<<": {i: 1}}\n', [{ a: { i: 1 }, b: { '<<': { i: 1 } } }]],
  ['a: !Ref x\nb: !!str 1\nc: !vault |\n  y\n', [{ a: 'x', b: '1', c: 'y\n' }]],
  [
    '%YAML 1.1\n---\na: yes\nb: 2026-11-21\nc: !!set {x, y}\nd: !!omap [i: 1]\n',
    [{ a: true, b: '2026-11-21', c: { x: null, y: null }, d: [{ i: 1 }] }],
  ],
  ['? [a, b]\n: c\n? d\n', [{ '[a, b]': 'c', d: null }]],
  ['1: a\ntrue: b\n', [{ 1: 'a', true: 'b' }]],
  ['a:\tx\t# tabs\n', [{ a: 'x' }]],
  ['{"a": "x", b: [y,],}', [{ a: 'x', b: ['y'] }]],
];

for (const [text, documents] of good) {
  test(`${JSON.stringify(text)} is read`, () => {
    assert.deepEqual(JSON.parse(JSON.stringify(documentsOf(text).map(({ value }) => value))), documents);
  });
}

// [what is written, where it is wrong, part of the message]
const bad: readonly (readonly [string, number, RegExp])[] = [
  ['a: [1', 5, /end with a \]/],
  ['a:\n\tb: 1\n', 3, /Tabs/],
  ['a: 1\n b: 2\n', 3, /Nested mappings|indent/i],
  ['a: "x\n', 6, /closing/i],
  ['a: 1\nb: 2\na: 3\n', 10, /"a" stands here twice/],
  ['a: &x {b: 1}\nc: {"d": 1, d: 2}\n', 25, /twice/],
  ['a: *x\nb: &x 1\n', 3, /no anchor &x/],
  ['a: &x 1\n---\nb: *x\n', 15, /no anchor &x/],
  ['a: &x [*x]\n', 7, /stands in what it names/],
  ['a: &x {<<: *x}\n', 11, /stands in what it names/],
  ['<<: 1\n', 0, /<< wants a mapping/],
  ['a: @b\n', 3, /reserved/],
  ['a: 1\n---\nb: [\n', 14, /end with a \]/],
  ['['.repeat(20_000), 805, /levels deep/],
  ['- '.repeat(600), 1000, /levels deep/],
];

for (const [text, offset, message] of bad) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused: ${message.source}`, () => {
    const read = readYaml(text);
    assert.ok(!read.ok);
    assert.match(read.message, message);
    assert.doesNotMatch(read.message, /\n/);
    // How deep the parser gets is its own affair.
    if (text.length < 1000) assert.equal(read.offset, offset);
  });
}

// [what is written, a path, the source that is found, its style, the alias that stands there]
const places: readonly (readonly [string, readonly (string | number)[], string, string, string | null])[] = [
  ['a: x  # c\n', ['a'], 'x', 'plain', null],
  ["a: 'x'\n", ['a'], "'x'", 'single', null],
  ['a: !!str &i "x"\n', ['a'], '"x"', 'double', null],
  ['a: |-\n  x\nb: 1\n', ['a'], '|-\n  x\n', 'literal', null],
  ['a: >- # c\r\n  x\r\n', ['a'], '>- # c\r\n  x\r\n', 'folded', null],
  ['a: [{b: x}]\n', ['a', 0, 'b'], 'x', 'plain', null],
  ['- ? a\n  : x\n', [0, 'a'], 'x', 'plain', null],
  ['a: &i x\nb: *i\n', ['b'], 'x', 'plain', '*i'],
  ['a: &i {c: x}\nb: *i\n', ['b', 'c'], 'x', 'plain', null],
  ['a: &i {c: x}\nb: {<<: *i}\n', ['b', 'c'], 'x', 'plain', null],
  ['a: &i {c: x}\nb: &j {<<: *i, d: 1}\ne: {<<: [*j]}\n', ['e', 'c'], 'x', 'plain', null],
  ['a: &i {c: x}\nb: {<<: *i, c: "y"}\n', ['b', 'c'], '"y"', 'double', null],
  ['&k a: x\n? *k\n: y\n'.replace('? *k\n: y\n', ''), ['a'], 'x', 'plain', null],
  ['&k a: 1\nb: {*k : x}\n', ['b', 'a'], 'x', 'plain', null],
];

for (const [text, path, source, style, alias] of places) {
  test(`${JSON.stringify(path)} of ${JSON.stringify(text)} is ${source}`, () => {
    const found = documentsOf(text)[0]?.textAt(path);
    assert.ok(found);
    assert.equal(text.slice(found.start, found.end), source);
    assert.equal(found.style, style);
    assert.equal(found.alias && text.slice(found.alias.start, found.alias.end), alias);
  });
}

test('what is no string is not found', () => {
  const [document] = documentsOf('a: 1\nb:\nc: {d: x}\ne: [x]\nf: true\n');
  for (const path of [[], ['a'], ['b'], ['c'], ['e'], ['e', '0'], ['e', 1], ['f'], ['g'], ['c', 'd', 'e']]) {
    assert.equal(document?.textAt(path), null, JSON.stringify(path));
  }
});

test('a chain of aliases costs nothing', () => {
  const lines = Array.from({ length: 30 }, (_, index) => `l${index + 1}: &l${index + 1} [*l${index}, *l${index}]`);
  assert.equal(documentsOf(`l0: &l0 lol\n${lines.join('\n')}\n`).length, 1);
});

test('many keys and many aliases are read in no time', () => {
  const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: *a\n`).join('');
  assert.equal(documentsOf(`a: &a x\n${keys}`)[0]?.textAt(['k19999'])?.value, 'x');
});
