import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readJson } from '../../../src/core/manifest/json-reader.ts';

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

// [what is written, the documents in it]
const good: readonly (readonly [string, readonly unknown[]])[] = [
  ['', []],
  [' \r\n\t', []],
  ['{"a":1}', [{ a: 1 }]],
  ['\uFEFF{"a":1}', [{ a: 1 }]],
  ['{"a":1}\n{"b":[]}{}', [{ a: 1 }, { b: [] }, {}]],
  ['[ 1 , -0.5e+3 , true , false , null , "x" ]', [[1, -500, true, false, null, 'x']]],
  ['{"\\u0061":"\\"\\\\\\/\\ud83d\\ude00"}', [{ a: '"\\/😀' }]],
  ['"a\\\\"', ['a\\']],
];

for (const [text, documents] of good) {
  test(`${JSON.stringify(text)} is read`, () => {
    const read = readJson(text);
    assert.ok(read.ok);
    assert.deepEqual(
      read.documents.map(({ value }) => plain(value)),
      documents,
    );
  });
}

// [what is written, where it is wrong, part of the message]
const bad: readonly (readonly [string, number, RegExp])[] = [
  ['{', 1, /a key in double quotes/],
  ['{"a"}', 4, /":"/],
  ['{"a":}', 5, /a value/],
  ['{"a":1,}', 7, /a key/],
  ['[1,]', 3, /a value/],
  ['[1 2]', 3, /"," or "\]"/],
  ['{"a":1 // why\n}', 7, /"," or "}"/],
  ["{'a':1}", 1, /a key/],
  ['{"a":"b', 5, /does not end/],
  ['{"a":"b\\"', 5, /does not end/],
  ['{"a":"b\nc"}', 5, /line break/],
  ['{"a":"\\x"}', 5, /escape/],
  ['{"a":01}', 6, /"," or "}"/],
  ['{"a":1}, {}', 7, /a value/],
  ['{"a":1,"b":2,"a":3}', 13, /"a" stands here twice/],
  ['[NaN]', 1, /a value/],
  ['['.repeat(100_000), 501, /levels deep/],
];

for (const [text, offset, message] of bad) {
  test(`${JSON.stringify(text.slice(0, 30))} is refused: ${message.source}`, () => {
    const read = readJson(text);
    assert.ok(!read.ok);
    assert.equal(read.offset, offset);
    assert.match(read.message, message);
  });
}

test('a string is found by its path, and nothing else is', () => {
  const text = '{"a": [1, {"b" : "x"}], "__proto__": {"c": "y"}}';
  const [document] = (readJson(text) as Extract<ReturnType<typeof readJson>, { ok: true }>).documents;
  const found = document?.textAt(['a', 1, 'b']);
  assert.deepEqual({ ...found }, { start: 17, end: 20, style: 'double', value: 'x', alias: null });
  assert.equal(document?.textAt(['__proto__', 'c'])?.value, 'y');
  for (const path of [[], ['a'], ['a', 0], ['a', 2], ['a', '1', 'b'], ['constructor'], ['a', 1, 'b', 'length']]) {
    assert.equal(document?.textAt(path), null, JSON.stringify(path));
  }
});

test('what JSON.parse reads is read as the same, and nothing else is', () => {
  const nearly = fc.oneof(
    fc.json({ maxDepth: 5 }),
    fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', ' ')).map(([json, at, text]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + text + json.slice(place + 1);
    }),
  );
  fc.assert(
    fc.property(nearly, (text) => {
      let expected: unknown;
      try {
        expected = plain(JSON.parse(text));
      } catch {
        expected = undefined;
      }
      const read = readJson(text);
      if (expected === undefined) assert.ok(!read.ok || read.documents.length !== 1, text);
      // Keys that repeat are what JSON.parse takes and we do not.
      else if (read.ok || !/twice/.test(read.message))
        assert.deepEqual(read.ok && read.documents.map(({ value }) => plain(value)), [expected]);
    }),
    { seed: 1, numRuns: 3000 },
  );
});
