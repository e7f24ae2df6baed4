import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDocument, type Scalar } from 'yaml';
import type { ScalarStyle } from '../../../src/core/manifest/document.ts';
import { spell } from '../../../src/core/manifest/spelling.ts';

// [style, the value that is there, how it is written, the new value, how that is written]
const cases: readonly (readonly [ScalarStyle, string, string, string, string | null])[] = [
  ['plain', 'nginx', 'nginx', 'nginx:1@sha256:0a', 'nginx:1@sha256:0a'],
  ['plain', 'nginx', 'nginx', 'localhost:5000/a', 'localhost:5000/a'],
  ['plain', 'nginx', 'nginx', '10.0.0.1/a@sha256:0a', '10.0.0.1/a@sha256:0a'],
  ['plain', 'nginx', 'nginx', '[::1]:5000/a@sha256:0a', '"[::1]:5000/a@sha256:0a"'],
  ['plain', '1', '1', '1.10', '"1.10"'],
  ['plain', '1', '1', '123e4567', '"123e4567"'],
  ['plain', '1', '1', '1_000', '"1_000"'],
  ['plain', '1', '1', '12:30', '"12:30"'],
  ['plain', '1', '1', '0x1F', '"0x1F"'],
  ['plain', '1', '1', '2026-11-21', '"2026-11-21"'],
  ['plain', '1', '1', '1.27.3', '1.27.3'],
  ['plain', '1', '1', '1.27', '"1.27"'],
  ['plain', '1', '1', '1_0.2_0', '"1_0.2_0"'],
  ['plain', '1', '1', '0777', '"0777"'],
  ['plain', '1', '1', '0o17', '"0o17"'],
  ['plain', '1', '1', '1.5e-3', '"1.5e-3"'],
  ['plain', '1', '1', '1:30.5', '"1:30.5"'],
  ['plain', '1', '1', '2026-11-21T10', '"2026-11-21T10"'],
  ['plain', '1', '1', '2026-11-21-3f1c', '2026-11-21-3f1c'],
  ['plain', '1', '1', '3f1c0de', '3f1c0de'],
  ['plain', 'a', 'a', 'a=b:1', 'a=b:1'],
  ['plain', 'a', 'a', 'yes', '"yes"'],
  ['plain', 'a', 'a', 'NO', '"NO"'],
  ['plain', 'a', 'a', 'null', '"null"'],
  ['plain', 'a', 'a', '', '""'],
  ['plain', 'a', 'a', 'a: b', '"a: b"'],
  ['plain', 'a', 'a', 'a:', '"a:"'],
  ['plain', 'a', 'a', 'a #b', '"a #b"'],
  ['plain', 'a', 'a', '- a', '"- a"'],
  ['plain', 'a', 'a', '@a', '"@a"'],
  ['plain', 'a', 'a', 'x\n  evil: 1', '"x\\n  evil: 1"'],
  ['single', 'a', "'a'", "it's", "'it''s'"],
  ['single', 'a', "'a'", 'a\nb', '"a\\nb"'],
  ['double', 'a', '"a"', 'say "a"\\', '"say \\"a\\"\\\\"'],
  ['literal', 'a:1', '|-\n    a:1\n', 'b@sha256:0a', '|-\n    b@sha256:0a\n'],
  ['literal', 'a:1\n', '|\n a:1\n', 'b', '|\n b\n'],
  ['folded', 'a:1', '>-  # why\r\n\r\n  a:1\r\n', 'b', '>-  # why\r\n\r\n  b\r\n'],
  ['folded', 'a:1', '>-\n  a:1', 'b', '>-\n  b'],
  ['folded', 'a b', '>-\n  a\n  b\n', 'c', null],
  ['literal', 'a', '|-\n  a\n', 'b\nc', null],
  ['literal', '', '|-\n', 'b', null],
];

for (const [style, former, source, value, expected] of cases) {
  test(`${JSON.stringify(value)} in place of ${JSON.stringify(source)} is ${JSON.stringify(expected)}`, () => {
    const written = { style, value: former, start: 0, end: source.length, alias: null };
    const spelled = spell(value, written, source);
    assert.equal(spelled, expected);
    if (spelled === null) return;
    // Both versions of YAML have to read it as the string that it is.
    for (const version of ['1.1', '1.2'] as const) {
      const scalar = parseDocument(`a: ${spelled}`, { version }).get('a', true) as Scalar;
      assert.equal(String(scalar.value).trim(), value, version);
      assert.equal(typeof scalar.value, 'string', version);
    }
  });
}
