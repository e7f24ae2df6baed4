import assert from 'node:assert/strict';
import test from 'node:test';
import { parseAllDocuments } from 'yaml';
import { joinTexts } from '../../src/files/join.ts';

// [texts, the stream]
const cases: readonly (readonly [readonly string[], string])[] = [
  [[], ''],
  [['\uFEFFa: 1'], '\uFEFFa: 1'],
  [['a: 1', 'b: 2\n'], '---\na: 1\n---\nb: 2\n'],
  [['---\na: 1\n', '# why\n\n--- # x\nb: 2\n...\n'], '---\na: 1\n# why\n\n--- # x\nb: 2\n...\n'],
  [['a: 1\n', '\uFEFFb: 2\n'], '---\na: 1\n---\nb: 2\n'],
  [['%YAML 1.2\n---\na: 1\n', '%YAML 1.2\n---\nb: 2\n'], '%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n'],
  [['', 'a: 1\n', '  \n'], '---\na: 1\n'],
  [['{"a":1}', 'b: 2\r\n'], '---\n{"a":1}\n---\nb: 2\r\n'],
  [['----\n', 'b: 2\n'], '---\n----\n---\nb: 2\n'],
];

for (const [texts, stream] of cases) {
  test(`${JSON.stringify(texts)} are one stream`, () => {
    assert.equal(joinTexts(texts), stream);
    assert.deepEqual(
      [...parseAllDocuments(stream)].flatMap(({ errors }) => errors),
      [],
    );
  });
}
