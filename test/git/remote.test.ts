import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { openMirrors } from '../../src/git/mirror.ts';
import { askRemote, fetchBranch, missingBranch, pushCommit } from '../../src/git/remote.ts';
import { openSession } from '../../src/git/session.ts';
import { bump, commitTo, openRepositories, reasonOf } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository, scratchFolder } from '../support/git-repository.ts';

async function setUp(t: TestContext) {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const { url } = await serveGit(t, remote);
  const options = {
    environment: process.env,
    identity: 'none',
    repository: url,
    timeoutMilliseconds: 9000,
    signal: null,
  } as const;
  const session = await openSession(options);
  t.after(() => session.end());
  const mirrors = openMirrors({ folder: scratchFolder(t), maximumBytes: 1 << 24, waitMilliseconds: 1000 });
  const mirror = await mirrors.use(session, url, 'sha1', async (made) => made);
  return { remote, url, session, mirror };
}

test('branches are asked for by their whole names', async (t) => {
  const { remote, url, session } = await setUp(t);
  remote.git('branch', 'x/refs/heads/main', 'main');
  remote.git('branch', 'other', 'main');
  const heads = await askRemote(session, url, ['main', 'none']);
  const main = remote.head('main') ?? '';
  assert.deepEqual(heads, {
    defaultBranch: 'main',
    head: main,
    commits: new Map([['main', main]]),
  });
  assert.equal((await missingBranch(session, url, 'none')).reason, 'NoSuchBranch');
});

test('a branch that vanishes meanwhile is not there, and is not made again', async (t) => {
  const { remote, url, session, mirror } = await setUp(t);
  remote.git('branch', 'doomed', 'main');
  const seen = remote.head('main') ?? '';
  await fetchBranch(session, mirror, url, { branch: 'doomed', seen, depth: 1 });
  remote.git('branch', '-D', 'doomed');
  const branch = 'doomed';
  assert.equal(await pushCommit(session, mirror, url, { commit: seen, branch, expected: seen }), 'outrun');
  assert.equal(remote.head(branch), null);
  await assert.rejects(fetchBranch(session, mirror, url, { branch, seen: '1'.repeat(40), depth: 1 }), {
    reason: 'NoSuchBranch',
  });
});

test('a branch that vanishes between the edit and the push ends it', async (t) => {
  const { remote, url } = await setUp(t);
  remote.git('branch', 'doomed', 'main');
  const outcome = await openRepositories(t).commit(
    commitTo(url, {
      base: 'doomed',
      edit: (files, head) => {
        if (remote.head('doomed') !== null) remote.git('branch', '-D', 'doomed');
        return bump('v2')(files, head);
      },
    }),
  );
  assert.equal(reasonOf(outcome), 'refused NoSuchBranch');
  assert.equal(remote.head('doomed'), null);
});

test('a push is outrun by whoever changed, made or removed the branch, and by a server that is busy with it', async (t) => {
  const { remote, url, session, mirror } = await setUp(t);
  const first = remote.head('main') ?? '';
  const commit = await fetchBranch(session, mirror, url, { branch: 'main', seen: first, depth: 1 });
  const push = (branch: string, expected: string | null) =>
    pushCommit(session, mirror, url, { commit, branch, expected });
  remote.commit('main', { x: '1' });
  assert.equal(await push('main', first), 'outrun');
  assert.equal(await push('main', null), 'outrun');
  assert.equal(await push('new', first), 'outrun');
  assert.equal(await push('new', null), 'pushed');
  assert.equal(await push('new', first), 'pushed', 'it is there already');
  remote.hook('update', 'exit 1');
  await assert.rejects(push('newer', null), { reason: 'PushDeclined' });
  remote.hook('update', 'exit 0');
  writeFileSync(`${remote.path}/refs/heads/busy.lock`, '');
  assert.equal(await push('busy', null), 'outrun');
});

test('files that are too large to be edited stay where they are', async (t) => {
  const { remote, url, session, mirror } = await setUp(t);
  const seen = remote.commit('main', {
    'large.bin': crypto.getRandomValues(Buffer.alloc(65_536)).toString('hex').repeat(40),
  });
  await fetchBranch(session, mirror, url, { branch: 'main', seen, depth: 1 });
  const objects = await session.git(['--git-dir', mirror.path, 'rev-list', '--objects', '--missing=print', seen]);
  assert.match(objects, /^\?[\da-f]+$/m);
});
