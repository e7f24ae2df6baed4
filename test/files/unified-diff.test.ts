import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { unifiedDiff } from '../../src/files/unified-diff.ts';
import { runProcess } from '../support/process.ts';

test('a difference has three lines of context, and names the file on both sides', () => {
  const before = '1\n2\n3\n4\n5\n6\n7\n8\n9\n';
  assert.equal(
    unifiedDiff('a/b.yaml', before, before.replace('5', 'five')),
    '--- a/a/b.yaml\n+++ b/a/b.yaml\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
  );
  assert.equal(unifiedDiff('a', null, 'x\n'), '--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+x\n');
  assert.equal(unifiedDiff('a', 'x', 'x\n'), '--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n');
  assert.equal(unifiedDiff('a', 'x', 'x'), '');
});

test('texts with more differences than anybody reads are shown whole', () => {
  const [before, after] = ['a', 'b'].map((letter) =>
    Array.from({ length: 3000 }, (_, i) => `${letter}${i}\n`).join(''),
  );
  const lines = unifiedDiff('x', before ?? '', after ?? '').split('\n');
  assert.equal(lines.length, 3 + 6000 + 1);
});

test('git apply makes the new text of the old one and the difference', async (t) => {
  const folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => folder.remove());
  const line = fc.constantFrom('a\n', 'b\n', 'c: 1\n', '\n', 'x\r\n');
  const text = fc
    .tuple(fc.array(line, { maxLength: 30 }), fc.constantFrom('', 'end'))
    .map(([lines, end]) => lines.join('') + end);
  const pairs = fc.sample(
    fc.tuple(text, text).filter(([before, after]) => before !== after && before !== ''),
    { seed: 7, numRuns: 40 },
  );
  let patch = '';
  for (const [index, [before, after]] of pairs.entries()) {
    await writeFile(join(folder.path, `${index}.txt`), before);
    patch += unifiedDiff(`${index}.txt`, before, after);
  }
  const applied = await runProcess('git', ['apply', '--whitespace=nowarn', '-'], {
    directory: folder.path,
    input: patch,
    environment: { PATH: process.env['PATH'], HOME: folder.path, GIT_CEILING_DIRECTORIES: tmpdir() },
  });
  assert.equal(applied.code, 0, applied.stderr);
  for (const [index, [, after]] of pairs.entries()) {
    const written = await readFile(join(folder.path, `${index}.txt`), 'utf8').catch(() => '');
    assert.equal(written, after, `${index}`);
  }
});
