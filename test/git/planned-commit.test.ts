import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Unchanged } from '../../src/git/planned-commit.ts';
import { bump, commitTo, openRepositories, pushed } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository } from '../support/git-repository.ts';

const OWN = 'tagpin/shop';
const TRAILER = `Tagpin-Branch: ${OWN}`;

async function setUp(t: TestContext) {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n', other: '0' });
  const server = await serveGit(t, remote);
  const repositories = openRepositories(t);
  const commit = (to = 'v2') => repositories.commit(commitTo(server.url, { push: OWN, edit: bump(to) }));
  const messageOf = (branch: string) => remote.git('log', '-1', '--format=%B', branch).trim();
  const parentOf = (branch: string) => remote.git('rev-parse', `${branch}^`).trim();
  return { remote, commit, messageOf, parentOf };
}

test('a branch of its own is made from the base, and marked', async (t) => {
  const { remote, commit, messageOf, parentOf } = await setUp(t);
  const done = pushed(await commit());
  assert.deepEqual([done.branch, done.base], [OWN, 'main']);
  assert.equal(messageOf(OWN), `Take the shop to v2\n\n${TRAILER}`);
  assert.equal(parentOf(OWN), remote.head('main'));
  assert.equal(remote.show('main', 'values.yaml'), 'tag: v1\n');
});

test('it is left alone while it says the same, also when the base moves elsewhere', async (t) => {
  const { remote, commit } = await setUp(t);
  const { commit: first } = pushed(await commit());
  const unchanged: Unchanged = { kind: 'unchanged', branch: OWN, base: 'main', commit: first };
  assert.deepEqual(await commit(), unchanged);
  remote.commit('main', { other: '1' });
  assert.equal((await commit()).kind, 'unchanged');
  assert.equal(remote.head(OWN), first);
});

test('it is made anew when it shall say something else, or the base changes the same files', async (t) => {
  const { remote, commit, parentOf } = await setUp(t);
  await commit('v2');
  pushed(await commit('v3'));
  assert.equal(parentOf(OWN), remote.head('main'));
  assert.equal(remote.show(OWN, 'values.yaml'), 'tag: v3\n');
  remote.commit('main', { 'values.yaml': '# more\ntag: v1\n' });
  pushed(await commit('v3'));
  assert.equal(parentOf(OWN), remote.head('main'));
  assert.equal(remote.show(OWN, 'values.yaml'), '# more\ntag: v3\n');
});

test('nothing is to be done where the base says it by now', async (t) => {
  const { remote, commit } = await setUp(t);
  const { commit: first } = pushed(await commit());
  remote.commit('main', { 'values.yaml': 'tag: v2\n' });
  assert.deepEqual(await commit(), { kind: 'unchanged', branch: 'main', base: 'main', commit: remote.head('main') });
  assert.equal(remote.head(OWN), first);
});

test('what somebody adds to it is kept: from then on it only grows', async (t) => {
  const { remote, commit, parentOf, messageOf } = await setUp(t);
  await commit('v2');
  const added = remote.commit(OWN, { fix: 'of a human' });
  assert.equal((await commit('v2')).kind, 'unchanged');
  pushed(await commit('v3'));
  assert.equal(parentOf(OWN), added);
  assert.equal(messageOf(OWN), 'Take the shop to v3');
  assert.equal(remote.show(OWN, 'fix'), 'of a human');
});

test('a branch of that name that is not of tagpin grows, and is never replaced', async (t) => {
  const { remote, commit, parentOf, messageOf } = await setUp(t);
  // As long-lived branches are: at first where the base is.
  remote.git('branch', OWN, 'main');
  const main = remote.head('main');
  pushed(await commit('v2'));
  assert.equal(messageOf(OWN), 'Take the shop to v2');
  remote.commit('main', { other: '1' });
  pushed(await commit('v3'));
  assert.equal(parentOf(`${OWN}^`), main);
  assert.equal(remote.show(OWN, 'other'), '0', 'the base is not merged into it');
});

test('a mark of another branch does not count', async (t) => {
  const { remote, commit, parentOf } = await setUp(t);
  const theirs = remote.commit(OWN, { theirs: '1' }, 'Merge tagpin/other\n\nTagpin-Branch: tagpin/other');
  pushed(await commit());
  assert.equal(parentOf(OWN), theirs);
});

test('where somebody replaces it at the same time, it is looked at again', async (t) => {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  let theirs = '';
  const outcome = await openRepositories(t).commit(
    commitTo(server.url, {
      push: OWN,
      edit: (files, head) => {
        if (theirs === '') theirs = remote.commit(OWN, { theirs: '1' });
        return bump('v2')(files, head);
      },
    }),
  );
  assert.equal(pushed(outcome).attempts, 2);
  assert.equal(remote.git('rev-parse', `${OWN}^`).trim(), theirs);
});
