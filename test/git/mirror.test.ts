import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { GitError } from '../../src/git/error.ts';
import { type Mirror, openMirrors } from '../../src/git/mirror.ts';
import { openSession } from '../../src/git/session.ts';
import { bump, commitTo, openRepositories, pushed } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository, scratchFolder } from '../support/git-repository.ts';

async function setUp(t: TestContext, more: { readonly waitMilliseconds?: number } = {}) {
  const folder = join(scratchFolder(t), 'mirrors');
  const options = {
    environment: process.env,
    identity: 'none',
    repository: 'r',
    timeoutMilliseconds: 5000,
    signal: null,
  } as const;
  const session = await openSession(options);
  t.after(() => session.end());
  const mirrors = openMirrors({ folder, maximumBytes: 1 << 20, waitMilliseconds: 10_000, ...more });
  const use = <T>(work: (mirror: Mirror) => Promise<T>, url = 'https://host/x') =>
    mirrors.use(session, url, 'sha1', work);
  return { folder, mirrors, session, use };
}

test('a mirror is made once, bare, for nobody else', async (t) => {
  const { folder, use } = await setUp(t);
  const first = await use(async (mirror) => mirror);
  assert.ok(first.isNew);
  assert.ok(!(await use(async (mirror) => mirror)).isNew);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.ok(existsSync(join(first.path, 'HEAD')));
  assert.deepEqual(readdirSync(folder), [first.path.slice(folder.length + 1)], 'nothing but the mirror stays');
});

test('one works on it at a time, in the order in which they came', async (t) => {
  const { use } = await setUp(t);
  let working = 0;
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3].map((number) =>
      use(async () => {
        assert.equal((working += 1), 1);
        await delay(20);
        order.push(number);
        working -= 1;
      }),
    ),
  );
  assert.deepEqual(order, [1, 2, 3]);
});

test('different repositories do not wait for each other', async (t) => {
  const { use } = await setUp(t);
  await use(() => use(async () => {}, 'https://host/y'));
});

test('another process that holds it is waited for, and said so when it takes too long', async (t) => {
  const { folder, use } = await setUp(t, { waitMilliseconds: 300 });
  const { path } = await use(async (mirror) => mirror);
  const lock = path.replace(/\.git$/, '.lock');
  writeFileSync(lock, 'theirs');
  await assert.rejects(
    use(async () => {}),
    { reason: 'Busy' },
  );
  assert.ok(existsSync(lock), 'it is theirs still');
  setTimeout(() => rmSync(lock), 100);
  await use(async () => {});
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('.lock')),
    [],
  );
});

test('a process that died with it is not waited for', async (t) => {
  const { use } = await setUp(t, { waitMilliseconds: 300 });
  const { path } = await use(async (mirror) => mirror);
  const lock = path.replace(/\.git$/, '.lock');
  writeFileSync(lock, 'theirs');
  utimesSync(lock, new Date(0), new Date(0));
  await use(async () => {});
  assert.ok(!existsSync(lock));
});

test('what was not finished, or is of other names, is made anew', async (t) => {
  const { mirrors, session, use } = await setUp(t);
  const { path } = await use(async (mirror) => mirror);
  rmSync(join(path, 'tagpin-mirror-1'));
  assert.ok((await use(async (mirror) => mirror)).isNew);
  rmSync(join(path, 'HEAD'));
  assert.ok((await use(async (mirror) => mirror)).isNew);
  assert.ok(await mirrors.use(session, 'https://host/x', 'sha256', async ({ isNew }) => isNew));
});

test('where git fails on an old mirror it is tried once more with a new one', async (t) => {
  const { use } = await setUp(t);
  const fail = () =>
    use(async ({ isNew }) => {
      if (!isNew) throw new GitError('GitFailed', {});
      return 'well';
    });
  await use(async () => {});
  assert.equal(await fail(), 'well');
});

test('a mirror that is broken in the middle, or locked by a git that was killed, is no hindrance', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const folder = join(scratchFolder(t), 'mirrors');
  const repositories = openRepositories(t, { folder });
  pushed(await repositories.commit(commitTo(server.url)));
  const mirror = join(folder, readdirSync(folder)[0] ?? '');
  writeFileSync(join(mirror, 'shallow.lock'), '');
  remote.commit('main', { 'values.yaml': 'tag: v1\n' });
  pushed(await repositories.commit(commitTo(server.url)));
  for (const name of readdirSync(join(mirror, 'objects', 'pack'))) rmSync(join(mirror, 'objects', 'pack', name));
  pushed(await repositories.commit(commitTo(server.url, { edit: bump('v3') })));
});

test('what nobody used for weeks goes when another is made', async (t) => {
  const { folder, use } = await setUp(t);
  const { path } = await use(async (mirror) => mirror);
  utimesSync(join(path, 'tagpin-mirror-1'), new Date(0), new Date(0));
  mkdirSync(join(folder, 'of somebody else'));
  await use(async () => {}, 'https://host/y');
  assert.ok(!existsSync(path));
  assert.ok(existsSync(join(folder, 'of somebody else')));
});

test('growing beyond the bound is ended, and said so', async (t) => {
  const { use } = await setUp(t);
  await assert.rejects(
    use((mirror) =>
      mirror.bounded(async (signal) => {
        writeFileSync(join(mirror.path, 'objects', 'pack', 'tmp_pack_1'), new Uint8Array(2 << 20));
        await delay(10_000, undefined, { signal }).catch(() => signal.throwIfAborted());
      }),
    ),
    { reason: 'TooLarge' },
  );
  await assert.rejects(
    use(async () => {}),
    { reason: 'TooLarge' },
  );
});
