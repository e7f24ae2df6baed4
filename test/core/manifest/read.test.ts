import assert from 'node:assert/strict';
import test from 'node:test';
import { readManifest } from '../../../src/core/manifest/read.ts';

// [what is written, how many documents are in it]
const good: readonly (readonly [string, number])[] = [
  ['', 0],
  ['a: 1\n---\nb: 2\n', 2],
  ['{"a":1}\n{"b":2}\n', 2],
  ['{"a":1}\n---\n{"b":2}\n', 2],
  ['{a: 1, # YAML\n b: 2}\n', 1],
  ['\uFEFF\n{"a":\n\t1}', 1],
  ['[1]', 1],
];

for (const [text, documents] of good) {
  test(`${JSON.stringify(text)} holds ${documents} documents`, () => {
    const read = readManifest(text);
    assert.equal(read.ok && read.manifest.documents.length, documents);
  });
}

// [what is written, where it is wrong, part of the message]
const bad: readonly (readonly [string, string, RegExp])[] = [
  ['a: 1\nb: [\n', '3:1', /\]/],
  ['{\n  "a": {\n    "b": 1\n', '4:1', /"," or "}"/],
  ['{\n  "a": "x",\n  "a": "y"\n}\n', '3:3', /twice/],
  ['{a: 1}\n---\nb: *x\n', '3:4', /no anchor/],
];

for (const [text, place, message] of bad) {
  test(`${JSON.stringify(text)} is wrong at ${place}`, () => {
    const read = readManifest(text);
    assert.ok(!read.ok);
    assert.equal(`${read.problem.line}:${read.problem.column}`, place);
    assert.match(read.problem.message, message);
  });
}

test('what is promised to be JSON has to be', () => {
  const flow = '{"a": 1,\n}';
  assert.equal(readManifest(flow).ok, true);
  const read = readManifest(flow, 'json');
  assert.deepEqual(!read.ok && [read.problem.line, read.problem.column], [2, 1]);
  assert.equal(readManifest('a: 1\n', 'json').ok, true);
});
