import assert from 'node:assert/strict';
import test from 'node:test';
import { openFiles } from '../../../src/git/objects/files.ts';
import type { ObjectReader, TreeEntry } from '../../../src/git/objects/reader.ts';

/** A repository of a few objects. */
const TREES: Readonly<Record<string, Readonly<Record<string, TreeEntry>>>> = {
  root: {
    apps: { mode: '040000', oid: 'apps' },
    'run.sh': { mode: '100755', oid: 'run' },
    old: { mode: '100664', oid: 'old' },
    link: { mode: '120000', oid: 'x' },
    sub: { mode: '160000', oid: 'x' },
    __proto__x: { mode: '100644', oid: 'old' },
  },
  apps: { 'values.yaml': { mode: '100644', oid: 'values' }, 'bad.yaml': { mode: '100644', oid: 'bad' } },
};
const BLOBS: Readonly<Record<string, Buffer | null>> = {
  run: Buffer.from('#!'),
  old: Buffer.from('\ufeffold\r\n'),
  values: Buffer.from('tag: v1'),
  bad: Buffer.from([0xc3]),
};
const reader: ObjectReader = {
  rootOf: async () => 'root',
  tree: async (oid) => new Map(Object.entries(TREES[oid] ?? {})),
  blob: async (oid) => BLOBS[oid] ?? null,
  commit: async () => '',
  end: () => {},
};
const files = openFiles(reader, 'c0ffee');

test('files are read as they are', async () => {
  assert.deepEqual(await files.read('apps/values.yaml'), { kind: 'file', text: 'tag: v1', mode: '100644' });
  assert.deepEqual(await files.read('run.sh'), { kind: 'file', text: '#!', mode: '100755' });
  assert.deepEqual(await files.read('old'), { kind: 'file', text: '\ufeffold\r\n', mode: '100644' });
  assert.equal(files.commit, 'c0ffee');
});

test('what is not there is absent', async () => {
  for (const path of ['none', 'apps/none', 'none/values.yaml', 'apps/constructor', 'toString']) {
    assert.deepEqual(await files.read(path), { kind: 'absent' }, path);
  }
  assert.deepEqual(await files.list('none'), { kind: 'absent' });
});

test('folders are listed', async () => {
  const listed = await files.list('');
  assert.deepEqual(listed.kind === 'folder' && listed.entries.slice(0, 5), [
    { name: 'apps', kind: 'folder' },
    { name: 'run.sh', kind: 'file' },
    { name: 'old', kind: 'file' },
    { name: 'link', kind: 'link' },
    { name: 'sub', kind: 'submodule' },
  ]);
  const reasons = await Promise.all(['link', 'sub', 'run.sh', '..', '/'].map((folder) => files.list(folder)));
  assert.deepEqual(
    reasons.map((each) => each.kind === 'refused' && each.reason),
    ['Symlink', 'Submodule', 'NotAFile', 'BadPath', 'BadPath'],
  );
});

test('what is no text is refused', async () => {
  const bad = await files.read('apps/bad.yaml');
  assert.deepEqual(bad, { kind: 'refused', reason: 'NotText', problem: '"apps/bad.yaml" is not UTF-8 text' });
});
