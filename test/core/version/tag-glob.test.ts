import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTagGlob } from '../../../src/core/version/tag-glob.ts';

/** What Go's `path/filepath.Match` says: a glob, tags that it covers, tags that it does not. */
const GLOBS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['*', ['1.0', 'latest', 'a-b_c'], []],
  ['latest', ['latest'], ['latest2', 'Latest', 'my-latest']],
  ['v1.*', ['v1.2', 'v1.', 'v1.2.3-rc'], ['v10', 'v2.1', 'xv1.2']],
  ['1.?', ['1.0', '1.x'], ['1.', '1.10']],
  ['*-rc[0-9]', ['1.0-rc1', '-rc9'], ['1.0-rc', '1.0-rc10']],
  ['[^v]*', ['1.0', 'main'], ['v1.0']],
  ['[a-cx]1', ['a1', 'c1', 'x1'], ['d1', 'y1']],
  ['[\\-a]', ['-', 'a'], ['b', '\\']],
  ['[.]', ['.'], ['a']],
  ['1\\*', ['1*'], ['1', '10']],
  ['a+(b)', ['a+(b)'], ['aab', 'ab']],
  ['', [], ['a']],
];

for (const [glob, covered, others] of GLOBS) {
  test(`${JSON.stringify(glob)} covers what Go says`, () => {
    const compiled = compileTagGlob(glob);
    assert.ok(compiled.ok);
    assert.deepEqual(covered.filter(compiled.value), covered);
    assert.deepEqual(others.filter(compiled.value), []);
  });
}

for (const glob of ['[', '[]', '[^]', 'a[', '[a', '[-]', '[z-a]', 'a\\', '[a\\']) {
  test(`${JSON.stringify(glob)} is told as a mistake, where Go matches nothing without a word`, () => {
    const compiled = compileTagGlob(glob);
    assert.ok(!compiled.ok);
    assert.ok(compiled.problem.startsWith(`${JSON.stringify(glob)} is not a glob: `), compiled.problem);
  });
}
