import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Path, placed } from '../../../../src/core/policy/yaml/problem.ts';

const rows: readonly (readonly [Path, string])[] = [
  [[], ''],
  [['rules'], 'rules'],
  [['rules', 0, 'match', 'semver'], 'rules[0].match.semver'],
  [['match', 'namespaceLabels', 'a.b/c'], 'match.namespaceLabels["a.b/c"]'],
  [['<<'], '["<<"]'],
  [[''], '[""]'],
];

for (const [path, text] of rows) {
  test(`${JSON.stringify(path)} is written ${JSON.stringify(text)}`, () => {
    assert.deepEqual(placed(path, { line: 3, column: 5 }, 'is bad'), {
      path: text,
      line: 3,
      column: 5,
      message: 'is bad',
    });
  });
}
