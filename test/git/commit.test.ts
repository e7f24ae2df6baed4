import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type CommitRequest, createRepositories } from '../../src/git/commit.ts';
import { NO_TRUST } from '../../src/git/credentials.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository, scratchFolder } from '../support/git-repository.ts';

const AUTHOR = { name: 'tagpin', email: 'tagpin@example.com' };

function requestOf(url: string, more: Partial<CommitRequest> = {}): CommitRequest {
  return {
    repository: { url, credential: null, trust: { ...NO_TRUST, plainHttp: 'allowed' } },
    base: null,
    push: null,
    author: AUTHOR,
    signing: null,
    signOff: 'no',
    edit: async (files) => {
      const there = await files.read('values.yaml');
      const text = there.kind === 'file' ? there.text.replace(/tag: \S+/, 'tag: v2') : 'tag: v2\n';
      return { files: new Map([['values.yaml', text]]), message: 'Take shop to v2' };
    },
    ...more,
  };
}

function open(t: TestContext) {
  return createRepositories({ folder: join(scratchFolder(t), 'mirrors'), environment: process.env });
}

test('a file is changed by one commit on the default branch, and then there is nothing to do', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1 # here\r\nother: 1\r\n', 'a/b.txt': 'b' });
  const server = await serveGit(t, remote);
  const repositories = open(t);
  const before = remote.head('main');
  const done = await repositories.commit(requestOf(server.url));
  assert.ok(done.kind === 'pushed', JSON.stringify(done));
  assert.deepEqual(done, {
    kind: 'pushed',
    commit: remote.head('main'),
    branch: 'main',
    base: 'main',
    paths: ['values.yaml'],
    attempts: 1,
  });
  assert.equal(remote.show('main', 'values.yaml'), 'tag: v2 # here\r\nother: 1\r\n');
  assert.equal(
    remote.git('log', '-1', '--format=%P|%an|%ae|%cn|%B', 'main').trim(),
    `${before}|tagpin|tagpin@example.com|tagpin|Take shop to v2`,
  );
  assert.deepEqual(await repositories.commit(requestOf(server.url)), {
    kind: 'unchanged',
    branch: 'main',
    base: 'main',
    commit: done.commit,
  });
});
