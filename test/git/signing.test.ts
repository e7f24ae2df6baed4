import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { before, type TestContext } from 'node:test';
import type { SigningKey } from '../../src/git/signing.ts';
import { commitTo, openRepositories, pushed } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { gitEnvironment, makeRepository, scratchFolder } from '../support/git-repository.ts';
import { makeSshKey } from '../support/git-ssh.ts';

/** A key of OpenPGP, made by gpg; making one takes a second. */
const pgp = { withPassphrase: '', without: '', public: '' };
const [GPG, GPGCONF] = ['gpg', 'gpgconf'] as const;
const PASSPHRASE = 'correct horse';

before(() => {
  const home = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
  const gpg = (passphrase: string, ...args: readonly string[]): string =>
    execFileSync(
      GPG,
      ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase', passphrase, ...args],
      {
        encoding: 'utf8',
        stdio: 'pipe',
      },
    );
  try {
    gpg('', '--quick-generate-key', 'plain <plain@example.com>', 'ed25519', 'sign', 'never');
    gpg(PASSPHRASE, '--quick-generate-key', 'locked <locked@example.com>', 'ed25519', 'sign', 'never');
    pgp.without = gpg('', '--armor', '--export-secret-keys', 'plain');
    pgp.withPassphrase = gpg(PASSPHRASE, '--armor', '--export-secret-keys', 'locked');
    pgp.public = gpg('', '--armor', '--export');
  } finally {
    execFileSync(GPGCONF, ['--homedir', home, '--kill', 'all']);
    execFileSync('rm', ['-rf', home]);
  }
});

async function setUp(t: TestContext) {
  const remote = makeRepository(t, { 'values.yaml': 'tag: v1\n' });
  const server = await serveGit(t, remote);
  return { remote, sign: (signing: SigningKey) => openRepositories(t).commit(commitTo(server.url, { signing })) };
}

for (const [name, key] of [
  ['without a passphrase', () => ({ privateKey: pgp.without, passphrase: null })],
  ['with a passphrase', () => ({ privateKey: pgp.withPassphrase, passphrase: PASSPHRASE })],
] as const) {
  test(`a commit is signed by a key of OpenPGP ${name}, and git believes it`, async (t) => {
    const { remote, sign } = await setUp(t);
    const { commit } = pushed(await sign({ kind: 'openpgp', ...key() }));
    const home = scratchFolder(t);
    const env = gitEnvironment({ GNUPGHOME: home });
    execFileSync(GPG, ['--batch', '--import'], { input: pgp.public, env, stdio: 'pipe' });
    t.after(() => void execFileSync(GPGCONF, ['--homedir', home, '--kill', 'all']));
    execFileSync('git', ['--git-dir', remote.path, 'verify-commit', commit], { env, stdio: 'pipe' });
  });
}

test('a commit is signed by a key of ssh, and git believes it', async (t) => {
  const { remote, sign } = await setUp(t);
  const key = makeSshKey(t);
  const { commit } = pushed(await sign({ kind: 'ssh', privateKey: key.privateKey.replaceAll('\n', '\r\n').trim() }));
  const allowed = join(scratchFolder(t), 'allowed');
  const verify = () => {
    const args = ['--git-dir', remote.path, '-c', `gpg.ssh.allowedSignersFile=${allowed}`, 'verify-commit', commit];
    execFileSync('git', args, { env: gitEnvironment(), stdio: 'pipe' });
  };
  writeFileSync(allowed, `tagpin@example.com ${makeSshKey(t).publicKey}\n`);
  assert.throws(verify);
  writeFileSync(allowed, `tagpin@example.com ${key.publicKey}\n`);
  verify();
});

test('without a usable key nothing is committed', async (t) => {
  const { remote, sign } = await setUp(t);
  const rows: readonly (readonly [SigningKey, RegExp])[] = [
    [{ kind: 'ssh', privateKey: 'no key' }, /no private key of OpenSSH/],
    [{ kind: 'ssh', privateKey: makeSshKey(t, 'secret').privateKey }, /wants a passphrase/],
    [{ kind: 'openpgp', privateKey: 'no key', passphrase: null }, /no secret key of OpenPGP/],
    [{ kind: 'openpgp', privateKey: pgp.public, passphrase: null }, /no secret key in it/],
    [
      { kind: 'openpgp', privateKey: pgp.withPassphrase, passphrase: 'wrong horse' },
      /wants a passphrase|its passphrase/,
    ],
  ];
  for (const [key, why] of rows) {
    const outcome = await sign(key);
    assert.ok(outcome.kind === 'refused' && outcome.reason === 'SigningFailed', JSON.stringify(outcome));
    assert.match(outcome.message, why);
  }
  assert.equal(remote.git('rev-list', '--count', '--all').trim(), '1');
});

test('keys, and the agent that held them, are gone afterwards', async (t) => {
  const { sign } = await setUp(t);
  pushed(await sign({ kind: 'openpgp', privateKey: pgp.withPassphrase, passphrase: PASSPHRASE }));
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith(`tagpin-git-${process.pid}-`));
  assert.deepEqual(left, []);
  const agents = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  assert.doesNotMatch(agents, new RegExp(`gpg-agent.*tagpin-git-${process.pid}-`));
});
