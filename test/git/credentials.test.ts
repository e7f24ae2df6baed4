import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { type GitCredential, type GitTrust, NO_TRUST, type RepositoryAccess } from '../../src/git/credentials.ts';
import { issueTestCertificates, issueTestClient, type TestCertificates } from '../support/certificate.ts';
import { commitTo, openRepositories, pushed, reasonOf } from '../support/git-commit.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository } from '../support/git-repository.ts';
import { makeSshKey, serveSsh, skipWithoutSshd } from '../support/git-ssh.ts';

let certificates: TestCertificates;
before(async () => {
  certificates = await issueTestCertificates();
});

const FILES = { 'values.yaml': 'tag: v1\n' };
const PASSWORD: GitCredential = { kind: 'password', username: 'robot', password: 'pässword"\\ $(x)' };
const BASIC = `Basic ${Buffer.from('robot:pässword"\\ $(x)').toString('base64')}`;

function tls() {
  return { key: certificates.serving.key, certificate: certificates.serving.certificate };
}

function access(url: string, credential: GitCredential | null, trust: Partial<GitTrust> = {}): RepositoryAccess {
  return { url, credential, trust: { ...NO_TRUST, authorities: certificates.authority.certificate, ...trust } };
}

test('a password and a token are sent over https', async (t) => {
  const rows: readonly (readonly [GitCredential, string])[] = [
    [PASSWORD, BASIC],
    [{ kind: 'bearer', token: 'abc.def' }, 'Bearer abc.def'],
  ];
  for (const [credential, authorization] of rows) {
    const server = await serveGit(t, makeRepository(t, FILES), { authorization, tls: tls() });
    pushed(await openRepositories(t).commit(commitTo(access(server.url, credential))));
  }
});

test('a GitHub App pushes with the token that it gets', async (t) => {
  const authorization = `Basic ${Buffer.from('x-access-token:ghs_1').toString('base64')}`;
  const server = await serveGit(t, makeRepository(t, FILES), { authorization, tls: tls() });
  const app = { kind: 'githubApp', appId: '1', installationId: null, privateKey: 'key', apiUrl: null } as const;
  const asked: string[] = [];
  const appToken = async (_: unknown, repository: URL) => {
    asked.push(repository.href);
    return 'ghs_1';
  };
  pushed(await openRepositories(t, { appToken }).commit(commitTo(access(server.url, app))));
  assert.deepEqual(asked, [server.url]);
  assert.equal(reasonOf(await openRepositories(t).commit(commitTo(access(server.url, app)))), 'refused BadCredential');
});

test('a client certificate is shown', async (t) => {
  const { authority } = certificates;
  const server = await serveGit(t, makeRepository(t, FILES), {
    tls: { ...tls(), clientAuthority: authority.certificate },
  });
  const clientCertificate = issueTestClient(authority, { name: 'robot' });
  pushed(await openRepositories(t).commit(commitTo(access(server.url, null, { clientCertificate }))));
  assert.equal(server.requests[0]?.client, 'robot');
  // What git says of a server that ends the handshake depends on its TLS library.
  assert.notEqual((await openRepositories(t).commit(commitTo(access(server.url, null)))).kind, 'pushed');
});

test('nobody is let in without, or with others, and nobody is asked', async (t) => {
  const server = await serveGit(t, makeRepository(t, FILES), { authorization: BASIC, tls: tls() });
  const wrong: GitCredential = { kind: 'password', username: 'robot', password: 'wrong' };
  const repositories = openRepositories(t);
  for (const credential of [null, wrong]) {
    assert.equal(reasonOf(await repositories.commit(commitTo(access(server.url, credential)))), 'refused Unauthorized');
  }
});

test('a certificate that is not trusted is never spoken to, and no password is sent', async (t) => {
  const server = await serveGit(t, makeRepository(t, FILES), { tls: tls() });
  const others = await issueTestCertificates();
  for (const authorities of [null, others.authority.certificate]) {
    const outcome = await openRepositories(t).commit(commitTo(access(server.url, PASSWORD, { authorities })));
    assert.equal(reasonOf(outcome), 'refused Untrusted');
  }
  assert.deepEqual(server.requests, []);
});

test('plain http is spoken where it is allowed only', async (t) => {
  const server = await serveGit(t, makeRepository(t, FILES), { authorization: BASIC });
  const repositories = openRepositories(t);
  assert.equal(reasonOf(await repositories.commit(commitTo(access(server.url, PASSWORD)))), 'refused PlainHttp');
  assert.deepEqual(server.requests, []);
  pushed(await repositories.commit(commitTo(access(server.url, PASSWORD, { plainHttp: 'allowed' }))));
});

test('a redirect to another host is not followed, and the password is not sent there', async (t) => {
  const remote = makeRepository(t, FILES);
  const thief = await serveGit(t, remote, { tls: tls() });
  const server = await serveGit(t, remote, {
    tls: tls(),
    before: (request, response) => {
      response.writeHead(301, { location: `${thief.origin}${request.url ?? ''}` }).end();
      return true;
    },
  });
  const outcome = await openRepositories(t).commit(commitTo(access(server.url, PASSWORD)));
  assert.equal(reasonOf(outcome), 'refused Redirected');
  assert.deepEqual(thief.requests, []);
});

test('a host that only redirects to .git is understood, as GitLab is', async (t) => {
  const server = await serveGit(t, makeRepository(t, FILES), {
    authorization: BASIC,
    tls: tls(),
    before: (request, response) => {
      if (request.url?.includes('.git/') === true) return false;
      response.writeHead(301, { location: (request.url ?? '').replace('/shop/', '/shop.git/') }).end();
      return true;
    },
  });
  pushed(await openRepositories(t).commit(commitTo(access(server.url.replace(/\.git$/, ''), PASSWORD))));
});

test('ssh lets in who has the key, at the host that is known', { skip: skipWithoutSshd }, async (t) => {
  const remote = makeRepository(t, FILES);
  const server = await serveSsh(t, remote);
  const credential: GitCredential = { kind: 'ssh', privateKey: server.privateKey };
  const repositories = openRepositories(t);
  const commit = async (key: GitCredential | null, knownHosts: string | null) =>
    reasonOf(await repositories.commit(commitTo(access(server.url, key, { knownHosts }))));
  const other = makeSshKey(t);
  const changed = server.knownHosts.replace(/ssh-ed25519 .*/, other.publicKey.split(' ', 2).join(' '));
  assert.equal(await commit(credential, null), 'refused HostKeyUnknown');
  assert.equal(await commit(credential, changed), 'refused HostKeyChanged');
  assert.equal(await commit({ kind: 'ssh', privateKey: other.privateKey }, server.knownHosts), 'refused Unauthorized');
  assert.equal(await commit(null, server.knownHosts), 'refused BadCredential');
  assert.equal(await commit(PASSWORD, server.knownHosts), 'refused BadCredential');
  assert.equal(await commit({ kind: 'ssh', privateKey: '-F/etc/passwd' }, server.knownHosts), 'refused BadCredential');
  assert.equal(remote.git('rev-list', '--count', '--all').trim(), '1');
  assert.equal(await commit(credential, server.knownHosts), 'pushed');
});

test('what can be no credential is refused before anybody is asked', async (t) => {
  const server = await serveGit(t, makeRepository(t, FILES), { tls: tls() });
  const refusals: readonly (readonly [GitCredential | null, Partial<GitTrust>])[] = [
    [{ kind: 'ssh', privateKey: 'key' }, {}],
    [{ kind: 'password', username: 'a\nHost: evil', password: 'x' }, {}],
    [{ kind: 'password', username: 'a', password: 'x\r\nX-Evil: 1' }, {}],
    [{ kind: 'bearer', token: 'a b' }, {}],
    [{ kind: 'bearer', token: 'a\r\nX-Evil: 1' }, {}],
    [PASSWORD, { authorities: 'no PEM' }],
    [PASSWORD, { clientCertificate: { certificate: 'no PEM', key: 'none' } }],
    [PASSWORD, { proxy: { url: 'file:///x', except: null } }],
  ];
  for (const [credential, trust] of refusals) {
    const outcome = await openRepositories(t).commit(commitTo(access(server.url, credential, trust)));
    assert.equal(reasonOf(outcome), 'refused BadCredential', JSON.stringify(credential));
  }
  assert.deepEqual(server.requests, []);
});
