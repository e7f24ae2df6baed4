import assert from 'node:assert/strict';
import test from 'node:test';
import type { Path } from '../../../src/core/manifest/document.ts';
import { followOutline, outlineOf } from '../../../src/core/manifest/outline.ts';

function look(text: string, path: Path): string {
  const root = outlineOf(text);
  if (root === null) return 'nothing';
  const found = followOutline(root, path);
  switch (found.kind) {
    case 'found': {
      const { kind, start, end } = found.outline;
      const how =
        found.outline.kind === 'scalar' ? found.outline.style : 'layout' in found.outline ? found.outline.layout : '';
      return `${kind} ${how} ${JSON.stringify(text.slice(start, end))}`;
    }
    case 'missing':
      return `missing after ${found.depth}`;
    case 'elsewhere':
      return `elsewhere after ${found.depth}: ${found.written}`;
  }
}

// [text, path, what is there]
const cases: readonly (readonly [string, Path, string])[] = [
  ['', [], 'nothing'],
  ['# only a comment\n', [], 'nothing'],
  ['---\n', [], 'nothing'],
  ['a: 1 # x\n', ['a'], 'scalar plain "1"'],
  ['a: # x\nb: 1\n', ['a'], 'scalar empty ""'],
  ["a: 'x'\n", ['a'], `scalar single "'x'"`],
  ['a: |\n  x\n\nb: 1\n', ['a'], 'scalar literal "|\\n  x\\n"'],
  ['a:\n  b: 1 # x\n  # y\n\nc: 2\n', ['a'], 'mapping block "b: 1"'],
  ['a:\n- b: 1\n- c\n\n# x\n', ['a'], 'sequence block "- b: 1\\n- c"'],
  ['a: [1, {b: 2}] # x\n', ['a', 1, 'b'], 'scalar plain "2"'],
  ['a: {b: [1, 2]} # x\n', ['a'], 'mapping flow "{b: [1, 2]}"'],
  ['{"a": {"b": 1}}', ['a'], 'mapping flow "{\\"b\\": 1}"'],
  ['1: x\n', ['1'], 'scalar plain "x"'],
  ['a: &x\n  b: 1\n', ['a'], 'mapping block "b: 1"'],
  ['a: 1\n', ['b', 'c'], 'missing after 0'],
  ['a: {b: 1}\n', ['a', 'c'], 'missing after 1'],
  ['a: [1]\n', ['a', 1], 'missing after 1'],
  ['a: [1]\n', ['a', 'b'], 'missing after 1'],
  ['a: &x 1\nb: *x\n', ['b'], 'elsewhere after 1: the alias *x'],
  ['a: &x {c: 1}\nb: *x\n', ['b', 'c'], 'elsewhere after 1: the alias *x'],
  ['a: &x {c: 1}\nb: {<<: *x}\n', ['b', 'c'], 'elsewhere after 1: a merge key (<<)'],
  ['a: &x {c: 1}\nb: {<<: *x, c: 2}\n', ['b', 'c'], 'scalar plain "2"'],
  ['{a}\n', ['a'], 'elsewhere after 1: an unusual key'],
];

for (const [text, path, expected] of cases) {
  test(`in ${JSON.stringify(text)} there is at ${JSON.stringify(path)}: ${expected}`, () => {
    assert.equal(look(text, path), expected);
  });
}
