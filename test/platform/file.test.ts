import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFile, writeFileAtomically } from '../../src/platform/file.ts';
import { runProcess } from '../support/process.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tagpin-file-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('a new file is written whole, and nothing else is left in the folder', async (t) => {
  const at = await folder(t);
  await writeFileAtomically(join(at, 'a'), 'text');
  assert.equal(await readFile(join(at, 'a'), 'utf8'), 'text');
  assert.deepEqual(await readdir(at), ['a']);
  assert.equal((await stat(join(at, 'a'))).mode & 0o777, 0o666 & ~process.umask());
});

for (const mode of [0o600, 0o640, 0o755, 0o4755]) {
  test(`a file keeps its mode ${mode.toString(8)}`, async (t) => {
    const path = join(await folder(t), 'a');
    await writeFile(path, 'old');
    await chmod(path, mode);
    await writeFileAtomically(path, 'new');
    assert.equal((await stat(path)).mode & 0o7777, mode);
    assert.equal(await readFile(path, 'utf8'), 'new');
  });
}

test('an existing file is replaced, never written into: who has it open reads the old content', async (t) => {
  const path = join(await folder(t), 'a');
  await writeFile(path, 'old');
  const before = (await stat(path)).ino;
  await writeFileAtomically(path, 'new');
  assert.notEqual((await stat(path)).ino, before);
});

test('a link stays a link, and the file behind all links is written', async (t) => {
  const at = await folder(t);
  await mkdir(join(at, 'real'));
  await mkdir(join(at, 'deep'));
  await mkdir(join(at, 'deep', 'er'));
  await writeFile(join(at, 'real', 'a'), 'old');
  await symlink('../../real/a', join(at, 'deep', 'er', 'second'));
  await symlink('deep/er', join(at, 'shortcut'));
  await symlink('shortcut/second', join(at, 'first'));
  await writeFileAtomically(join(at, 'first'), 'new');
  assert.equal(await readFile(join(at, 'real', 'a'), 'utf8'), 'new');
  for (const link of ['first', 'deep/er/second']) assert.ok((await lstat(join(at, link))).isSymbolicLink(), link);
  assert.deepEqual(await readdir(join(at, 'real')), ['a']);
});

test('a link to nothing makes the file that it names', async (t) => {
  const at = await folder(t);
  await symlink('later', join(at, 'link'));
  await writeFileAtomically(join(at, 'link'), 'new');
  assert.equal(await readFile(join(at, 'later'), 'utf8'), 'new');
  assert.ok((await lstat(join(at, 'link'))).isSymbolicLink());
});

test('what can not be written is an error, and no temporary file is left', async (t) => {
  const at = await folder(t);
  await mkdir(join(at, 'folder'));
  await symlink('b', join(at, 'a'));
  await symlink('a', join(at, 'b'));
  await assert.rejects(writeFileAtomically(join(at, 'folder'), ''), { code: 'EISDIR' });
  await assert.rejects(writeFileAtomically(join(at, 'missing', 'a'), ''), { code: 'ENOENT' });
  await assert.rejects(writeFileAtomically(join(at, 'a'), ''), { code: 'ELOOP' });
  await assert.rejects(writeFileAtomically('/dev/null', ''), { code: 'EINVAL' });
  assert.deepEqual(await readdir(at), ['a', 'b', 'folder']);
});

test('a write-protected file is an error, although its folder is not protected', async (t) => {
  const at = await folder(t);
  await writeFile(join(at, 'a'), 'old', { mode: 0o444 });
  await chmod(at, 0o777);
  // Root may write everything, so this one is asked by somebody else.
  const source = join(import.meta.dirname, '../../src/platform/file.ts');
  const script = `
    const { writeFileAtomically } = await import(${JSON.stringify(source)});
    if (process.getuid() === 0) process.setuid(65534);
    await writeFileAtomically(${JSON.stringify(join(at, 'a'))}, 'new').catch((error) => console.log(error.code));`;
  const { stdout, stderr } = await runProcess(process.execPath, ['--input-type=module', '-e', script]);
  assert.equal(stdout, 'EACCES\n', stderr);
  assert.equal(await readFile(join(at, 'a'), 'utf8'), 'old');
  assert.deepEqual(await readdir(at), ['a']);
});

interface Watched {
  readonly at: string;
  readonly path: string;
  /** Waits for the next call. */
  readonly told: () => Promise<void>;
}

async function watched(t: TestContext, prepare: (at: string) => Promise<string>): Promise<Watched> {
  const at = await folder(t);
  const path = await prepare(at);
  const calls = new EventEmitter();
  let next = once(calls, 'change');
  t.after(watchFile(path, () => calls.emit('change')));
  return {
    at,
    path,
    told: async () => {
      assert.notEqual(await Promise.race([next, sleep(5000, 'late', { ref: false })]), 'late', 'nothing was told');
      next = once(calls, 'change');
    },
  };
}

test('a file is watched through writes, renames, deletion and its return', async (t) => {
  const { at, path, told } = await watched(t, async (folder) => {
    await writeFile(join(folder, 'a'), 'one');
    return join(folder, 'a');
  });
  await writeFile(path, 'two');
  await told();
  await writeFileAtomically(path, 'six');
  await told();
  await rm(at, { recursive: true });
  await told();
  await mkdir(at);
  await writeFile(path, 'four');
  await told();
});

test("a mounted ConfigMap is watched through the kubelet's swap of links", async (t) => {
  const { at, path, told } = await watched(t, async (folder) => {
    await mkdir(join(folder, '..one'));
    await writeFile(join(folder, '..one', 'policy.yaml'), 'same');
    await symlink('..one', join(folder, '..data'));
    await symlink('..data/policy.yaml', join(folder, 'policy.yaml'));
    return join(folder, 'policy.yaml');
  });
  await mkdir(join(at, '..two'));
  await writeFile(join(at, '..two', 'policy.yaml'), 'same');
  await symlink('..two', join(at, '..data_tmp'));
  await rename(join(at, '..data_tmp'), join(at, '..data'));
  await rm(join(at, '..one'), { recursive: true });
  await told();
  assert.equal(await readFile(path, 'utf8'), 'same');
});

test('nothing is told while nothing changes, nor after the end', async (t) => {
  const at = await folder(t);
  const path = join(at, 'a');
  await writeFile(path, 'one');
  let calls = 0;
  const stop = watchFile(path, () => (calls += 1));
  await readFile(path);
  await writeFile(join(at, 'b'), 'another');
  await sleep(600);
  assert.equal(calls, 0);
  stop();
  await writeFile(path, 'two');
  await sleep(600);
  assert.equal(calls, 0);
});
