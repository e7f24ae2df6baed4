import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { runProcess, startProcess } from '../support/process.ts';

const DEMO = join(import.meta.dirname, 'demo.ts');

/** An environment whose temporary files stand alone. */
function inFolder(path: string) {
  return { environment: { ...process.env, TMPDIR: path, NO_COLOR: '1' } };
}

test('the demo shows what tagpin does, and every claim of it holds', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-demo-test-'));
  const { code, stdout, stderr } = await runProcess(process.execPath, [DEMO], inFolder(folder.path));
  assert.deepEqual([code, stderr], [0, ''], `${stdout}${stderr}`);
  for (const shown of [
    '✓ its images are now what the tags mean',
    '✓ it keeps its pin, though the tag has moved',
    '✓ the registry was not asked',
    '✓ it gets the new digest',
    '✓ it has the new digest too',
    '✓ nothing but the two images has changed',
  ]) {
    assert.ok(stdout.includes(shown), shown);
  }
  assert.match(stdout, /^ {3}- +image: 127\.0\.0\.1:\d+\/shop\/web:1\.27$/m);
  assert.match(stdout, /^ {3}\+ +image: 127\.0\.0\.1:\d+\/shop\/web@sha256:[0-9a-f]{64}$/m);
  assert.deepEqual(await readdir(folder.path), []);
});

test('Ctrl-C ends the demo and everything that it started', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-demo-test-'));
  const running = startProcess(process.execPath, [DEMO], inFolder(folder.path));
  await running.waitFor(/it listens on https/);
  running.signal('SIGINT');
  const { code, stdout } = await running.finished;
  assert.equal(code, 130);
  assert.match(stdout, /\nstopped\n$/);
  assert.deepEqual(await readdir(folder.path), []);
});
