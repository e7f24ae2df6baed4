import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openWorkTree, type WorkTree, type WorkTreeResult } from '../../src/git/work-tree.ts';
import { gitEnvironment, makeRepository, scratchFolder } from '../support/git-repository.ts';
import { runProcess } from '../support/process.ts';

const COMMIT = { paths: ['a.yaml'], message: 'Set it\n', author: null, signingKey: null };

/** A clone of a repository that Ada works in. */
function cloned(t: TestContext) {
  const remote = makeRepository(t, { 'a.yaml': 'a: 1\n', 'b/c.yaml': 'c: 1\n' });
  const folder = join(scratchFolder(t), 'clone');
  const environment = gitEnvironment();
  execFileSync('git', ['clone', '--quiet', remote.path, folder], { env: environment });
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-C', folder, ...args], { env: environment, encoding: 'utf8', stdio: 'pipe' }).trim();
  return { remote, folder, git, write: (name: string, text: string) => writeFileSync(join(folder, name), text) };
}

async function opened(folder: string): Promise<WorkTree> {
  return valueOf(await openWorkTree(folder, gitEnvironment()));
}

function valueOf<T>(result: WorkTreeResult<T>): T {
  if (!result.ok) assert.fail(result.problem);
  return result.value;
}

function problemOf(result: WorkTreeResult<unknown>): string {
  return result.ok ? 'none' : result.problem;
}

test('only the files that are named are committed, whatever else is staged, and pushed to the branch', async (t) => {
  const { remote, folder, git, write } = cloned(t);
  const tree = await opened(folder);
  assert.equal(tree.branch, 'main');
  write('a.yaml', 'a: 2\n');
  write('b/c.yaml', 'c: 2\n');
  write('new.yaml', 'n: 1\n');
  git('add', 'b/c.yaml');
  assert.deepEqual(valueOf(await tree.changed(['a.yaml', 'new.yaml', 'b'])), ['a.yaml', 'b/c.yaml', 'new.yaml']);
  const commit = valueOf(await tree.commit({ ...COMMIT, paths: ['a.yaml', 'new.yaml'] }));
  assert.equal(git('rev-parse', 'HEAD'), commit);
  assert.equal(git('show', '--format=%an|%s', '--name-only', 'HEAD'), 'Ada|Set it\n\na.yaml\nnew.yaml');
  assert.deepEqual(valueOf(await tree.changed(['a.yaml', 'new.yaml'])), []);
  assert.equal(git('diff', '--cached', '--name-only'), 'b/c.yaml');
  assert.notEqual(remote.head('main'), commit);
  valueOf(await tree.push());
  assert.equal(remote.head('main'), commit);
});

test('a folder in the work tree is enough, and a name may look like a pattern or an option', async (t) => {
  const { folder, git, write } = cloned(t);
  mkdirSync(join(folder, 'b/-x*'));
  write('b/-x*/[1].yaml', 'x: 1\n');
  write('b/-xy.yaml', 'x: 1\n');
  const tree = await opened(join(folder, 'b'));
  valueOf(await tree.commit({ ...COMMIT, paths: ['-x*/[1].yaml'] }));
  assert.equal(git('show', '--format=', '--name-only', 'HEAD'), 'b/-x*/[1].yaml');
});

test('a commit is signed with an SSH key, and its author may be another one', async (t) => {
  const { folder, git, write } = cloned(t);
  const key = join(scratchFolder(t), 'key');
  await runProcess('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  write('a.yaml', 'a: 2\n');
  const tree = await opened(folder);
  valueOf(await tree.commit({ ...COMMIT, author: { name: 'Bob', email: 'bob@example.com' }, signingKey: key }));
  writeFileSync(`${key}.signers`, `ada@example.com ${readFileSync(`${key}.pub`, 'utf8')}`);
  git('-c', `gpg.ssh.allowedSignersFile=${key}.signers`, 'verify-commit', 'HEAD');
  assert.equal(git('log', '-1', '--format=%an <%ae> %cn'), 'Bob <bob@example.com> Ada');
});

test('what git refuses is said in one sentence', async (t) => {
  const { remote, folder, git, write } = cloned(t);
  const tree = await opened(folder);
  assert.match(problemOf(await tree.commit(COMMIT)), /nothing to commit|up to date/i);
  assert.match(problemOf(await tree.commit({ ...COMMIT, paths: ['none'] })), /none/);
  // A hook of the user's own holds.
  write('a.yaml', 'a: 2\n');
  write('.git/hooks/pre-commit', '#!/bin/sh\necho "error: not on a Friday" >&2\nexit 1\n');
  chmodSync(join(folder, '.git/hooks/pre-commit'), 0o755);
  assert.equal(problemOf(await tree.commit(COMMIT)), 'error: not on a Friday');
  chmodSync(join(folder, '.git/hooks/pre-commit'), 0o644);
  valueOf(await tree.commit(COMMIT));
  remote.commit('main', { 'd.yaml': 'd' });
  assert.match(problemOf(await tree.push()), /rejected|failed to push/);
  git('switch', '--quiet', '--detach');
  assert.match(problemOf(await openWorkTree(folder, gitEnvironment())), /no branch is checked out/);
  assert.match(problemOf(await openWorkTree(remote.path, gitEnvironment())), /bare repository/);
  assert.match(problemOf(await openWorkTree(scratchFolder(t), gitEnvironment())), /not a git repository/);
  assert.match(problemOf(await openWorkTree(folder, { PATH: '/none' })), /git is not there/);
});
