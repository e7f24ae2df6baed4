import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Credential } from '../../src/core/image/credentials.ts';
import { parseReference } from '../../src/core/image/reference.ts';
import { createDockerKeychain } from '../../src/registry/docker-config.ts';

const CANARY = 'canary-4711';

interface Home {
  readonly directory: string;
  readonly problems: readonly string[];
  /** Writes `config.json`. */
  configure(config: unknown): void;
  /** Writes a credential helper: a shell script that may use `$server`. */
  install(name: string, script: string): void;
  /** Which servers the helpers were asked for. */
  asked(): readonly string[];
  find(image: string): Promise<readonly Credential[]>;
  advance(milliseconds: number): void;
}

function openHome(t: TestContext, environment: Record<string, string> = {}): Home {
  const directory = mkdtempSync(join(tmpdir(), 'tagpin-docker-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const bin = join(directory, 'bin');
  const folder = environment['DOCKER_CONFIG'] ?? join(directory, '.docker');
  const log = join(directory, 'asked');
  for (const one of [bin, folder]) mkdirSync(one, { recursive: true });
  writeFileSync(log, '');
  const problems: string[] = [];
  let time = 0;
  const keychain = createDockerKeychain({
    environment: { PATH: `${bin}${delimiter}${process.env['PATH']}`, ...environment },
    homeDirectory: directory,
    observe: (problem) => problems.push(problem),
    helperMilliseconds: 1000,
    now: () => time,
  });
  return {
    directory,
    problems,
    configure: (config) =>
      writeFileSync(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config)),
    install(name, script) {
      const path = join(bin, `docker-credential-${name}`);
      writeFileSync(
        path,
        `#!/bin/sh\n[ "$1" = get ] || exit 9\nserver=$(cat)\necho "$server" >> '${log}'\n${script}\n`,
      );
      chmodSync(path, 0o755);
    },
    asked: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    async find(image) {
      const parsed = parseReference(image);
      assert.ok(parsed.ok);
      time += 250; // The file is looked at four times a second.
      return await keychain(parsed.reference);
    },
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}

function entry(username: string, password: string): { auth: string } {
  return { auth: Buffer.from(`${username}:${password}`).toString('base64') };
}

function user(username: string, password: string): Credential {
  return { kind: 'basic', username, password };
}

test('without a configuration there are no credentials, and nothing is wrong', async (t) => {
  const home = openHome(t);
  assert.deepEqual(await home.find('ghcr.io/a'), []);
  assert.deepEqual(home.problems, []);
});

test('the entries of ~/.docker/config.json count, and a change counts within a quarter of a second', async (t) => {
  const home = openHome(t);
  home.configure({ auths: { 'ghcr.io': entry('alice', 'one') } });
  assert.deepEqual(await home.find('ghcr.io/a'), [user('alice', 'one')]);
  home.configure({ auths: { 'ghcr.io': entry('alice', 'another') } });
  assert.deepEqual(await home.find('ghcr.io/a'), [user('alice', 'another')]);
  rmSync(join(home.directory, '.docker'), { recursive: true });
  assert.deepEqual(await home.find('ghcr.io/a'), []);
});

test('DOCKER_CONFIG names another folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const home = openHome(t, { DOCKER_CONFIG: folder });
  home.configure({ auths: { 'https://index.docker.io/v1/': entry('alice', 'one') } });
  assert.deepEqual(await home.find('nginx'), [user('alice', 'one')]);
});

test('the helper of a host is asked, that of all others for the rest, and the entries come after', async (t) => {
  const home = openHome(t);
  home.install('one', `echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"one\\",\\"Secret\\":\\"a:b\\"}"`);
  home.install('all', `echo '{"Username":"<token>","Secret":"refresh"}'`);
  home.configure({ credsStore: 'all', credHelpers: { 'ghcr.io': 'one' }, auths: { 'ghcr.io': entry('alice', 'x') } });
  assert.deepEqual(await home.find('ghcr.io/a'), [user('one', 'a:b'), user('alice', 'x')]);
  assert.deepEqual(await home.find('ghcr.io.evil.com/a'), [{ kind: 'identity', token: 'refresh' }]);
  assert.deepEqual(await home.find('nginx'), [{ kind: 'identity', token: 'refresh' }]);
  assert.deepEqual(home.asked(), ['ghcr.io', 'ghcr.io.evil.com', 'https://index.docker.io/v1/']);
  assert.deepEqual(home.problems, []);
});

test('a helper is asked once for many images of its host, and again after a while', async (t) => {
  const home = openHome(t);
  home.install('one', `sleep 0.1; echo '{"Username":"one","Secret":"x"}'`);
  home.configure({ credHelpers: { 'ghcr.io': 'one' } });
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => home.find(`ghcr.io/${name}`)));
  await home.find('ghcr.io/e');
  assert.equal(home.asked().length, 1);
  home.advance(300_001);
  await home.find('ghcr.io/a');
  assert.equal(home.asked().length, 2);
});

test('a helper that has no credentials is no problem', async (t) => {
  const home = openHome(t);
  home.install('stdout', 'echo "credentials not found in native keychain"; exit 1');
  home.install('stderr', 'echo "Credentials not found" >&2; exit 1');
  home.install('empty', `echo '{"Username":"","Secret":""}'`);
  home.configure({ credHelpers: { 'a.io': 'stdout', 'b.io': 'stderr', 'c.io': 'empty' } });
  for (const host of ['a.io', 'b.io', 'c.io']) assert.deepEqual(await home.find(`${host}/x`), []);
  assert.deepEqual(home.problems, []);
});

const BROKEN: readonly (readonly [string, string, string])[] = [
  ['fails', `echo ${CANARY}; echo ${CANARY} >&2; exit 7`, 'failed with exit code 7'],
  ['answers no JSON', `echo ${CANARY}`, 'answered with what is not understood'],
  ['answers other JSON', `echo '{"Username":7,"Secret":"${CANARY}"}'`, 'answered with what is not understood'],
  ['answers without end', `while :; do echo ${CANARY}; done`, 'answered with more than is read'],
  ['hangs', 'exec sleep 30', 'did not answer in time'],
];

for (const [name, script, problem] of BROKEN) {
  test(`a helper that ${name} is told of once, without what it wrote`, async (t) => {
    const home = openHome(t);
    home.install('one', script);
    home.configure({ credHelpers: { 'ghcr.io': 'one' }, auths: { 'ghcr.io': entry('alice', 'x') } });
    for (const image of ['ghcr.io/a', 'ghcr.io/b']) assert.deepEqual(await home.find(image), [user('alice', 'x')]);
    assert.deepEqual(home.problems, [`no credentials for ghcr.io: docker-credential-one ${problem}`]);
    assert.ok(home.asked().length === 1, 'a failure is remembered');
    home.advance(30_001);
    await home.find('ghcr.io/a');
    assert.ok(home.asked().length === 2, 'but not for long');
  });
}

test('a helper that is not there is told of', async (t) => {
  const home = openHome(t);
  home.configure({ credsStore: 'absent' });
  assert.deepEqual(await home.find('nginx'), []);
  assert.deepEqual(home.problems, [
    'no credentials for docker.io: docker-credential-absent is not on the PATH, or can not be run',
  ]);
});

for (const name of ['../../evil', 'a b', 'One', 'a;b', '/bin/sh', 'a\n']) {
  test(`a helper is never called ${JSON.stringify(name)}`, async (t) => {
    const home = openHome(t);
    home.configure({ credHelpers: { 'ghcr.io': name } });
    assert.deepEqual(await home.find('ghcr.io/a'), []);
    assert.equal(home.problems.length, 1);
    assert.match(home.problems[0] ?? '', /names a credential helper for ghcr\.io that is not/);
  });
}

test('what can not be used is told of once, without secrets, and then again when the file has changed', async (t) => {
  const home = openHome(t);
  const path = join(home.directory, '.docker', 'config.json');
  home.configure(`{"auths":{"ghcr.io":{"auth":"${CANARY}"`);
  for (const image of ['ghcr.io/a', 'ghcr.io/b']) assert.deepEqual(await home.find(image), []);
  assert.deepEqual(home.problems, [`${path} is not used: it is not a JSON object`]);
  home.configure({ auths: { '*.com': entry('alice', CANARY), 'ghcr.io': entry('bob', 'x') } });
  assert.deepEqual(await home.find('ghcr.io/a'), [user('bob', 'x')]);
  assert.match(home.problems[1] ?? '', /has a wildcard that covers the hosts of others, and is left out: \*\.com$/);
  home.configure(' '.repeat(1024 * 1024 + 1));
  assert.deepEqual(await home.find('ghcr.io/a'), []);
  assert.equal(home.problems[2], `${path} is not used: it is larger than 1 MiB`);
});

test('a folder in the place of the file is told of', async (t) => {
  const home = openHome(t);
  mkdirSync(join(home.directory, '.docker', 'config.json'));
  assert.deepEqual(await home.find('ghcr.io/a'), []);
  assert.match(home.problems[0] ?? '', /is not used: it can not be read \(EISDIR\)/);
});
