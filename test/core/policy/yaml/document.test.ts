import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDocument, type YamlDocument } from '../../../../src/core/policy/yaml/document.ts';

function document(text: string): YamlDocument {
  const read = readDocument(text);
  return read.ok ? read.document : assert.fail(JSON.stringify(read.errors));
}

// [name, text, place, message]
const refused: readonly (readonly [string, string, string, RegExp])[] = [
  ['an empty text', '', '1:1', /nothing in it/],
  ['a remark alone', '# policy\n', '1:1', /nothing in it/],
  ['empty documents', '---\n---\n', '1:1', /nothing in it/],
  ['a second document', 'a: 1\n---\nb: 2\n', '3:1', /second document/],
  ['an unclosed list', 'a: [1\nb: 2\n', '2:1', /flow sequence/],
  ['a tab', 'a:\n\t- b\n', '2:1', /tabs/],
  ['a tag', 'a: !x b\n', '1:4', /unresolved tag: !x/],
  ['260 KiB', `a: ${'x'.repeat(256 * 1024)}`, '1:1', /longer than 256 KiB/],
  ['a hundred thousand brackets', `a: ${'['.repeat(100_000)}`, '1:', /nested too deep/],
  ['a cycle', '&a [*a]', '1:', /levels deep/],
];

for (const [name, text, place, message] of refused) {
  test(`${name}: refused at ${place}`, () => {
    const read = readDocument(text);
    assert.ok(!read.ok);
    const [error] = read.errors;
    assert.ok(error !== undefined);
    assert.ok(`${error.line}:${error.column}`.startsWith(place), `${error.line}:${error.column}`);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
  });
}

test('empty documents beside the one do not count, nor do a byte order mark and the line ends of Windows', () => {
  assert.equal(JSON.stringify(document('---\na: 1\n---\n').value), '{"a":1}');
  assert.equal(JSON.stringify(document('\u{feff}a: 1\r\nb: 2\r\n').value), '{"a":1,"b":2}');
  assert.deepEqual(document('a: 1\r\nb: 2\r\n').placeOfKey(['b']), { line: 2, column: 1 });
});

test('keys and values are found', () => {
  const { placeOfKey, placeOfValue } = document('a: 1\nb:\n  - c: x\n    d:\n');
  assert.deepEqual(placeOfKey(['b', 0, 'c']), { line: 3, column: 5 });
  assert.deepEqual(placeOfValue(['b', 0, 'c']), { line: 3, column: 8 });
  assert.deepEqual(placeOfValue(['b', 0]), { line: 3, column: 5 });
  assert.deepEqual(placeOfValue(['b', 0, 'missing']), { line: 3, column: 5 });
  assert.deepEqual(placeOfValue(['b', 0, 'd']), { line: 4, column: 5 }, 'a value that was left out is at its key');
});

test('keys that repeat are told beside the document', () => {
  assert.deepEqual(document('a: 1\na: 2\n').problems, [
    { path: 'a', line: 2, column: 1, message: 'this key stands here twice' },
  ]);
});

test('the lines of a literal block are found, however far in they stand', () => {
  const text = 'data:\n  a: |\n    x: 1\n  b: |-  # remark\n\n      y: 1\n  c: "x: 1"\n  d: |2\n      z: 1\n';
  const { placeOfBlock } = document(text);
  assert.deepEqual(placeOfBlock(['data', 'a']), { line: 3, column: 5 });
  assert.deepEqual(placeOfBlock(['data', 'b']), { line: 5, column: 7 });
  assert.deepEqual(placeOfBlock(['data', 'd']), { line: 9, column: 5 });
  assert.equal(placeOfBlock(['data', 'c']), null);
  assert.equal(placeOfBlock(['data', 'missing']), null);
});
