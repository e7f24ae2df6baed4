import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { findFiles } from '../../src/files/walk.ts';

async function folderWith(t: TestContext, ...files: readonly string[]): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'tagpin-walk-')));
  t.after(() => rm(path, { recursive: true, force: true }));
  for (const file of files) {
    await mkdir(join(path, dirname(file)), { recursive: true });
    await writeFile(join(path, file), '');
  }
  return path;
}

async function namesOf(directory: string, ...names: readonly string[]) {
  const { files, problems } = await findFiles(names, directory);
  return { files: files.map(({ name }) => name), problems: problems.map(({ name, message }) => `${name}: ${message}`) };
}

test('a folder gives its manifests in alphabetical order, with those of its folders', async (t) => {
  const at = await folderWith(
    t,
    'k/b.yaml',
    'k/a.yml',
    'k/sub/c.json',
    'k/.hidden.yaml',
    'k/z.txt',
    'k/y.YAML',
    'k/yaml',
  );
  assert.deepEqual(await namesOf(at, 'k'), {
    files: ['k/.hidden.yaml', 'k/a.yml', 'k/b.yaml', 'k/sub/c.json'],
    problems: [],
  });
});

test('hidden folders and links are left out, unless they are named', async (t) => {
  const at = await folderWith(t, 'k/a.yaml', 'k/.git/b.yaml', 'other/c.yaml');
  await symlink('../other', join(at, 'k/folder'));
  await symlink('a.yaml', join(at, 'k/link.yaml'));
  await symlink('..', join(at, 'k/circle'));
  assert.deepEqual((await namesOf(at, 'k')).files, ['k/a.yaml']);
  assert.deepEqual((await namesOf(at, 'k/.git', 'k/folder')).files, ['k/.git/b.yaml', 'k/folder/c.yaml']);
  assert.deepEqual((await namesOf(at, 'k/link.yaml')).files, ['k/link.yaml']);
});

test('a file is read once, however it is named, and any file that is named is read', async (t) => {
  const at = await folderWith(t, 'k/a.yaml', 'k/b.txt');
  await symlink('a.yaml', join(at, 'k/link'));
  assert.deepEqual((await namesOf(at, 'k/a.yaml', './k/a.yaml', 'k', 'k/link', 'k/b.txt', '-', '-')).files, [
    'k/a.yaml',
    'k/b.txt',
    '-',
  ]);
});

test('what is not there, and a folder without manifests, are problems', async (t) => {
  const at = await folderWith(t, 'k/a.txt', 'b.yaml');
  await symlink('nowhere', join(at, 'link'));
  assert.deepEqual(await namesOf(at, 'missing', 'k', 'link', 'b.yaml/c', 'b.yaml'), {
    files: ['b.yaml'],
    problems: [
      'missing: there is no such file or folder',
      'k: the folder holds no *.yaml, *.yml or *.json',
      'link: there is no such file or folder',
      'b.yaml/c: there is no such file or folder',
    ],
  });
});
