import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { runProcess } from '../support/process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const many = Array.from({ length: 5000 }, (_, index) => `image-${index}`);

/** Runs `tagpin parse` with its standard output where a shell puts it. */
function parse(redirection: string, ...images: readonly string[]) {
  const script = `set -o pipefail; "$0" "$1" parse -o json -- "\${@:2}" ${redirection}`;
  return runProcess('bash', ['-c', script, process.execPath, MAIN, ...images]);
}

test('a full disk is exit code 3, and is told', async () => {
  const { code, stderr } = await parse('> /dev/full', 'nginx');
  assert.equal(code, 3);
  assert.match(stderr, /^tagpin: the output could not be written \(ENOSPC\): [^\n]+\n$/);
});

test('a reader that goes away is no failure', async () => {
  assert.deepEqual(await parse('| head -n 1 > /dev/null', ...many), { code: 0, stdout: '', stderr: '' });
});
