import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openSession, type SessionOptions } from '../../src/git/session.ts';
import { commitTo, openRepositories, pushed } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository, scratchFolder } from '../support/git-repository.ts';
import { makeSshKey, serveSsh, skipWithoutSshd } from '../support/git-ssh.ts';

async function open(t: TestContext, more: Partial<SessionOptions> = {}) {
  const session = await openSession({
    environment: process.env,
    identity: 'none',
    repository: 'https://host/x',
    timeoutMilliseconds: 10_000,
    signal: null,
    ...more,
  });
  t.after(() => session.end());
  return session;
}

test('git runs with settings of ours, and none of the machine', async (t) => {
  const home = scratchFolder(t);
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Machine\n');
  const environment = { PATH: process.env['PATH'], HOME: home, GIT_CONFIG_COUNT: '1', GIT_TRACE: '1', EDITOR: 'vi' };
  const session = await open(t, { environment });
  session.configure(['[user]', 'email = ours@example.com']);
  const list = await session.git(['config', '--list', '--show-origin']);
  const origins = new Set(
    list
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[0]),
  );
  assert.deepEqual([...origins], [`file:${session.folder}/gitconfig`, 'command line:']);
  assert.match(list, /user\.email=ours@example\.com/);
  assert.match(list, /core\.hookspath=\/dev\/null/);
  assert.doesNotMatch(list, /Machine/);
});

test("with the user's own identity his settings are read, but not what would run something", async (t) => {
  const home = scratchFolder(t);
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Ada\n[core]\n\thooksPath = /evil\n');
  const session = await open(t, { identity: 'own', environment: { PATH: process.env['PATH'], HOME: home } });
  assert.equal((await session.git(['config', 'user.name'])).trim(), 'Ada');
  assert.equal((await session.git(['config', 'core.hooksPath'])).trim(), '/dev/null');
});

test('its folder is for nobody else, and gone at the end', async (t) => {
  const session = await open(t);
  const file = await session.file('secret', 'x');
  assert.deepEqual(
    [session.folder, file].map((path) => statSync(path).mode & 0o777),
    [0o700, 0o600],
  );
  await session.end();
  assert.ok(!existsSync(session.folder));
});

test('without a remote to talk to, git can talk to none', async (t) => {
  const session = await open(t);
  const local = await session.attempt(['ls-remote', 'https://127.0.0.1:1/x']);
  assert.match(local.stderr, /not allowed/);
  for (const url of ['ext::true', 'file:///x', 'git://127.0.0.1:1/x']) {
    const { stderr } = await session.attempt(['ls-remote', '--end-of-options', url], { network: 'remote' });
    assert.match(stderr, /not allowed/, url);
  }
});

test('a signal ends it with its reason, and a git that is not there is said so', async (t) => {
  const session = await open(t, { signal: AbortSignal.abort(new Error('enough')) });
  await assert.rejects(session.git(['version']), /enough/);
  const nowhere = await open(t, { environment: { PATH: '/nowhere' } });
  await assert.rejects(nowhere.git(['version']), { reason: 'NoGit' });
});

test('what a process left behind that is no more goes with the next one', () => {
  const left = join(tmpdir(), 'tagpin-git-4194304-left');
  mkdirSync(left, { recursive: true });
  const script = `
    const { openSession } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/git/session.ts'))});
    const session = await openSession({ environment: {}, identity: 'none', repository: '', timeoutMilliseconds: 1, signal: null });
    await session.end();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script]);
  assert.ok(!existsSync(left));
});

/** Programs that write down what they are called with before they do what they are for. */
function spies(t: TestContext, ...names: readonly string[]): { readonly path: string; readonly calls: () => string } {
  const folder = scratchFolder(t);
  const log = join(folder, 'calls');
  const { PATH = '' } = process.env;
  for (const name of names) {
    const real = execFileSync('which', [name], { encoding: 'utf8' }).trim();
    const script = `#!/bin/sh\n{ echo "${name} $*"; env; } >> ${log}\nexec ${real} "$@"\n`;
    writeFileSync(join(folder, name), script, { mode: 0o755 });
  }
  return { path: `${folder}:${PATH}`, calls: () => readFileSync(log, 'utf8') };
}

/** Everything below a folder, in one text. */
function contentOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('no secret is in an argument, a variable, an outcome or a file that stays', {
  skip: skipWithoutSshd,
}, async (t) => {
  const spy = spies(t, 'git', 'ssh', 'ssh-keygen', 'gpg');
  const signing = { kind: 'ssh', privateKey: makeSshKey(t).privateKey } as const;
  const password = 'canary-hunter2';
  const encoded = Buffer.from(`robot:${password}`).toString('base64');
  const mirrors = join(scratchFolder(t), 'mirrors');
  const repositories = openRepositories(t, { folder: mirrors, environment: { ...process.env, PATH: spy.path } });
  const outcomes: unknown[] = [];

  const web = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, web, { authorization: `Basic ${encoded}` });
  const { repository, ...request } = commitTo(server.url, { signing });
  const credential = { kind: 'password', username: 'robot', password } as const;
  outcomes.push(pushed(await repositories.commit({ ...request, repository: { ...repository, credential } })));
  web.hook('pre-receive', `echo "fatal: you sent ${encoded}" >&2; exit 1`);
  web.commit('main', { 'values.yaml': 'tag: v1\n' });
  outcomes.push(await repositories.commit({ ...request, repository: { ...repository, credential } }));
  outcomes.push(
    await repositories.commit({ ...request, repository: { ...repository, url: `${server.url}x`, credential } }),
  );

  const shell = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const sshd = await serveSsh(t, shell);
  const trust = { ...repository.trust, knownHosts: sshd.knownHosts };
  const key = { kind: 'ssh', privateKey: sshd.privateKey } as const;
  outcomes.push(
    pushed(await repositories.commit({ ...request, repository: { url: sshd.url, credential: key, trust } })),
  );

  const keyLine = (text: string): string => text.split('\n')[2] ?? '';
  const secrets = [password, encoded, keyLine(sshd.privateKey), keyLine(signing.privateKey)];
  const places = { calls: spy.calls(), outcomes: JSON.stringify(outcomes), mirrors: contentOf(mirrors) };
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text.length > 100, place);
    for (const secret of secrets) assert.ok(secret.length > 8 && !text.includes(secret), `${place} holds ${secret}`);
  }
  assert.match(places.calls, /^ssh -F /m);
  assert.match(places.calls, /^ssh-keygen -Y sign/m);
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`tagpin-git-${process.pid}-`));
  assert.deepEqual(left, []);
});
