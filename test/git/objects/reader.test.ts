import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Mirror } from '../../../src/git/mirror.ts';
import { FILE_BYTES, openObjectReader } from '../../../src/git/objects/reader.ts';
import { openSession } from '../../../src/git/session.ts';
import { type Content, makeRepository } from '../../support/git-repository.ts';

/** Reads a repository of a test as if it were a mirror. */
async function setUp(t: TestContext, files: Readonly<Record<string, Content>>) {
  const remote = makeRepository(t, files);
  const options = {
    environment: process.env,
    identity: 'none',
    repository: 'r',
    timeoutMilliseconds: 5000,
    signal: null,
  } as const;
  const session = await openSession(options);
  const mirror: Mirror = { path: remote.path, isNew: true, bounded: (work) => work(AbortSignal.timeout(5000)) };
  const reader = openObjectReader(session, mirror);
  t.after(async () => {
    reader.end();
    await session.end();
  });
  return { remote, reader, head: remote.head('main') ?? '' };
}

test('folders and files are read by the names of their objects', async (t) => {
  const { reader, head } = await setUp(t, {
    'a/b': 'text',
    'a b\nü': '\0bytes',
    run: { executable: 'x' },
    link: { link: 'a' },
  });
  const root = await reader.tree(await reader.rootOf(head));
  assert.deepEqual(
    [...root].map(([name, { mode }]) => [name, mode]),
    [
      ['a b\nü', '100644'],
      ['a', '040000'],
      ['link', '120000'],
      ['run', '100755'],
    ],
  );
  const texts = await Promise.all(['a b\nü', 'link', 'run'].map((name) => reader.blob(root.get(name)?.oid ?? '')));
  assert.deepEqual(texts.map(String), ['\0bytes', 'a', 'x']);
  assert.match(await reader.commit(head), /\n\nfirst/);
});

test('a file of the size that is read is read, and one of a byte more is not, and what comes after is', async (t) => {
  const files = { fits: 'a'.repeat(FILE_BYTES), large: 'a'.repeat(FILE_BYTES + 1), after: 'b', empty: '' };
  const { reader, head } = await setUp(t, files);
  const root = await reader.tree(await reader.rootOf(head));
  const read = async (name: string) => (await reader.blob(root.get(name)?.oid ?? ''))?.length ?? null;
  assert.deepEqual(await Promise.all(['fits', 'large', 'after', 'large', 'empty'].map(read)), [
    FILE_BYTES,
    null,
    1,
    null,
    0,
  ]);
});

test('an object that is not there, or is of another kind, is an error', async (t) => {
  const { reader, head } = await setUp(t, { a: 'text' });
  await assert.rejects(reader.rootOf('1'.repeat(40)), { reason: 'GitFailed' });
  await assert.rejects(reader.tree(head), { reason: 'GitFailed' });
  assert.equal(await reader.blob('1'.repeat(40)), null);
});
