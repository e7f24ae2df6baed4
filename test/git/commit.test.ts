import assert from 'node:assert/strict';
import test from 'node:test';
import type { CommitOutcome } from '../../src/git/commit.ts';
import { bump, commitTo, openRepositories, pushed, reasonOf } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository } from '../support/git-repository.ts';

test('a file is changed by one commit on the default branch, and then there is nothing to do', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1 # here\r\nother: 1\r\n', 'a/b.txt': 'b' });
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t);
  const before = remote.head('main');
  const done = pushed(await repositories.commit(commitTo(server.url)));
  const commit = remote.head('main') ?? '';
  const wanted: CommitOutcome = {
    kind: 'pushed',
    commit,
    branch: 'main',
    base: 'main',
    paths: ['values.yaml'],
    attempts: 1,
  };
  assert.deepEqual(done, wanted);
  assert.equal(remote.show('main', 'values.yaml'), 'tag: v2 # here\r\nother: 1\r\n');
  assert.equal(remote.show('main', 'a/b.txt'), 'b');
  const shown = remote.git('log', '-1', '--format=%P|%an|%ae|%cn|%ce|%B', 'main').trim();
  assert.equal(shown, `${before}|tagpin|tagpin@example.com|tagpin|tagpin@example.com|Take the shop to v2`);
  const again = await repositories.commit(commitTo(server.url));
  assert.deepEqual(again, { kind: 'unchanged', branch: 'main', base: 'main', commit });
});

test('what was fetched once is not fetched again', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t);
  await repositories.commit(commitTo(server.url));
  const before = server.requests.length;
  assert.equal((await repositories.commit(commitTo(server.url))).kind, 'unchanged');
  assert.equal(server.requests.length - before, 2, 'the versions and the branches');
});

test('several files are changed by one commit, new ones are made, and modes stay', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n', 'bin/run': { executable: '#!/bin/sh\n# tag: v1\n' } });
  const server = await serveGit(t, remote);
  const edit = bump('v2', 'values.yaml', 'bin/run', 'apps/new/.argocd-source-shop.yaml');
  const done = pushed(await openRepositories(t).commit(commitTo(server.url, { edit })));
  assert.deepEqual(done.paths, ['values.yaml', 'bin/run', 'apps/new/.argocd-source-shop.yaml']);
  const modes = remote.git('ls-tree', '-r', '--format=%(objectmode) %(path)', 'main').trim().split('\n');
  assert.deepEqual(modes, ['100644 apps/new/.argocd-source-shop.yaml', '100755 bin/run', '100644 values.yaml']);
});

test('a branch is meant with its whole name, too', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  remote.git('branch', 'env/prod', 'main');
  const server = await serveGit(t, remote);
  const done = pushed(await openRepositories(t).commit(commitTo(server.url, { base: 'refs/heads/env/prod' })));
  assert.equal(done.branch, 'env/prod');
  assert.equal(remote.show('main', 'values.yaml'), 'tag: v1\n');
});

test('a tag, a commit and a branch that is not there are not written to', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  remote.git('tag', 'v1.0.0', 'main');
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t);
  for (const base of ['v1.0.0', remote.head('main') ?? '', 'nothing']) {
    assert.equal(reasonOf(await repositories.commit(commitTo(server.url, { base }))), 'refused NoSuchBranch', base);
  }
});

test('an empty repository, and one whose HEAD leads nowhere, are told apart', async (t) => {
  const empty = makeRepository(t, {});
  const other = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  other.git('symbolic-ref', 'HEAD', 'refs/heads/gone');
  const repositories = openRepositories(t);
  const [one, two] = [await serveGit(t, empty), await serveGit(t, other)];
  assert.equal(reasonOf(await repositories.commit(commitTo(one.url))), 'refused EmptyRepository');
  assert.equal(reasonOf(await repositories.commit(commitTo(one.url, { base: 'main' }))), 'refused EmptyRepository');
  assert.equal(reasonOf(await repositories.commit(commitTo(two.url))), 'refused NoDefaultBranch');
  assert.equal((await repositories.commit(commitTo(two.url, { base: 'main' }))).kind, 'pushed');
});

test('where others push first, the edit is made again on what they pushed', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  let looks = 0;
  const outcome = await openRepositories(t).commit(
    commitTo(server.url, {
      edit: (files, head) => {
        looks += 1;
        if (looks <= 3) remote.commit('main', { 'values.yaml': `# ${looks}\ntag: v1\n` });
        return bump('v2')(files, head);
      },
    }),
  );
  assert.equal(pushed(outcome).attempts, 4);
  assert.equal(remote.show('main', 'values.yaml'), '# 3\ntag: v2\n');
  assert.equal(remote.git('rev-list', '--count', 'main').trim(), '5', 'nobody lost a commit');
});

test('nothing is pushed where somebody else was first to say it', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const outcome = await openRepositories(t).commit(
    commitTo(server.url, {
      edit: async (files, head) => {
        const edited = await bump('v2')(files, head);
        remote.commit('main', { 'values.yaml': 'tag: v2\n' });
        return edited;
      },
    }),
  );
  assert.equal(outcome.kind, 'unchanged');
});

test('after ten pushes of others it is left for the next time', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  let looks = 0;
  const outcome = await openRepositories(t, { random: () => 0 }).commit(
    commitTo(server.url, {
      edit: (files, head) => {
        remote.commit('main', { other: String((looks += 1)) });
        return bump('v2')(files, head);
      },
    }),
  );
  assert.equal(reasonOf(outcome), 'failed Outrun');
  assert.equal(looks, 10);
});

test('two who write the same repository at once both get their commit in', async (t) => {
  const remote = makeRepository(t, { 'a.yaml': 'tag: v1\n', 'b.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const [one, two] = [openRepositories(t), openRepositories(t)];
  const outcomes = await Promise.all([
    one.commit(commitTo(server.url, { edit: bump('v2', 'a.yaml') })),
    one.commit(commitTo(server.url, { edit: bump('v3', 'c.yaml') })),
    two.commit(commitTo(server.url, { edit: bump('v2', 'b.yaml') })),
  ]);
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ['pushed', 'pushed', 'pushed'],
  );
  assert.equal(remote.git('rev-list', '--count', 'main').trim(), '4');
  assert.deepEqual(
    ['a.yaml', 'b.yaml', 'c.yaml'].map((path) => remote.show('main', path)),
    ['tag: v2\n', 'tag: v2\n', 'tag: v3\n'],
  );
});

test('a preview says what would be written, and writes nothing', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t);
  const edit = bump('v2', 'values.yaml', 'new.yaml');
  assert.deepEqual(await repositories.preview(commitTo(server.url, { edit, signOff: 'yes' })), {
    kind: 'changed',
    branch: 'main',
    base: 'main',
    message: 'Take the shop to v2\n\nSigned-off-by: tagpin <tagpin@example.com>\n',
    changes: [
      { path: 'values.yaml', before: 'tag: v1\n', after: 'tag: v2\n' },
      { path: 'new.yaml', before: null, after: 'tag: v2\n' },
    ],
  });
  assert.equal(remote.git('rev-list', '--count', '--all').trim(), '1');
  assert.equal((await repositories.preview(commitTo(server.url, { edit: bump('v1') }))).kind, 'unchanged');
});

test('files are read without writing', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const { repository } = commitTo(server.url);
  const read = await openRepositories(t).read({ repository, base: 'main' }, (files) => files.read('values.yaml'));
  assert.deepEqual(read, { kind: 'read', value: { kind: 'file', text: 'tag: v1\n', mode: '100644' } });
});

test('what an edit throws is thrown, and nothing is pushed', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  const edit = () => Promise.reject(new TypeError('of the edit'));
  await assert.rejects(openRepositories(t).commit(commitTo(server.url, { edit })), /of the edit/);
});

test('a repository with names of SHA-256, and a server that leaves nothing out, are no different', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' }, { format: 'sha256', partial: 'refused' });
  const server = await serveGit(t, remote);
  const done = pushed(await openRepositories(t).commit(commitTo(server.url)));
  assert.equal(done.commit.length, 64);
});
