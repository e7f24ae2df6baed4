import assert from 'node:assert/strict';
import test from 'node:test';
import {
  matchRepository,
  type RepositorySecret,
  readNamedSecret,
  readRepositorySecret,
} from '../../../../src/core/target/repository/repository-secret.ts';

const LABEL = 'argocd.argoproj.io/secret-type';
const SHOP = 'https://github.com/acme/shop';

function secretOf(data: Readonly<Record<string, string>>, type: string | null = 'repository', name = 'shop') {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  const labels = type === null ? {} : { [LABEL]: type };
  return { metadata: { name, namespace: 'argocd', labels }, data: Object.fromEntries(encoded) };
}

function read(data: Readonly<Record<string, string>>, type?: string, name?: string): RepositorySecret {
  return readRepositorySecret(secretOf(data, type, name)) ?? assert.fail(JSON.stringify(data));
}

test('each kind of credential is read, in the order in which Argo CD looks', () => {
  const app = { githubAppID: '7', githubAppPrivateKey: 'key' };
  const rows: readonly (readonly [Readonly<Record<string, string>>, unknown])[] = [
    [
      { username: 'u', password: 'p' },
      { kind: 'password', username: 'u', password: 'p' },
    ],
    [
      { password: 'p', sshPrivateKey: 'k' },
      { kind: 'password', username: '', password: 'p' },
    ],
    [{ bearerToken: ' t\n' }, { kind: 'bearer', token: 't' }],
    [
      { sshPrivateKey: 'k', ...app },
      { kind: 'ssh', privateKey: 'k' },
    ],
    [app, { kind: 'githubApp', appId: '7', installationId: null, privateKey: 'key', apiUrl: null }],
    [
      { ...app, githubAppInstallationID: '9', githubAppEnterpriseBaseUrl: 'https://ghe/api/v3' },
      { kind: 'githubApp', appId: '7', installationId: '9', privateKey: 'key', apiUrl: 'https://ghe/api/v3' },
    ],
    [{ username: 'u' }, null],
    [{ password: '' }, null],
    [{}, null],
  ];
  for (const [data, credential] of rows) {
    assert.deepEqual(read({ url: SHOP, ...data }).credential, credential, JSON.stringify(data));
  }
});

test('all else that a Secret says is read', () => {
  const tls = { tlsClientCertData: 'cert', tlsClientCertKey: 'key', proxy: ' http://proxy:3128 ', noProxy: 'a,b' };
  assert.deepEqual(read({ url: ` ${SHOP} `, type: 'git', project: 'shop', insecure: 'true', ...tls }), {
    kind: 'repository',
    use: 'read',
    namespace: 'argocd',
    name: 'shop',
    url: SHOP,
    project: 'shop',
    credential: null,
    clientCertificate: { certificate: 'cert', key: 'key' },
    proxy: { url: 'http://proxy:3128', except: 'a,b' },
    plainHttp: 'allowed',
    problem: null,
  });
  assert.match(read({ url: SHOP, gcpServiceAccountKey: '{}' }).problem ?? '', /Google Cloud, which is not used: use a/);
  assert.match(read({ url: SHOP, useAzureWorkloadIdentity: 'true' }).problem ?? '', /Azure/);
});

test('what is no Secret of a git repository is none', () => {
  assert.equal(readRepositorySecret(secretOf({ url: SHOP }, 'cluster')), null);
  assert.equal(readRepositorySecret(secretOf({ url: SHOP }, null)), null);
  assert.equal(readRepositorySecret(secretOf({ url: SHOP, type: 'helm' })), null);
  assert.equal(readRepositorySecret(secretOf({ username: 'u' })), null);
  assert.equal(readRepositorySecret({ ...secretOf({}), data: { url: '%%%' } }), null);
  assert.equal(readRepositorySecret(null), null);
});

const password = (text: string) => ({ username: 'u', password: text });

/** Which password is used for a URL and a project; null: none, or why not. */
function passwordFor(secrets: readonly RepositorySecret[], url = SHOP, project = 'shop'): string | null {
  const matched = matchRepository(secrets, { url, project });
  if (matched.kind !== 'found') return matched.kind;
  return matched.settings.credential?.kind === 'password' ? matched.settings.credential.password : null;
}

test('the Secret of the project comes before that of everybody, and none of another project is used', () => {
  const everybody = read({ url: `${SHOP}.git`, ...password('everybody') });
  const ours = read({ url: SHOP, project: 'shop', ...password('ours') });
  const theirs = read({ url: SHOP, project: 'other', ...password('theirs') }, 'repository', 'theirs');
  assert.equal(passwordFor([theirs, everybody, ours]), 'ours');
  assert.equal(passwordFor([theirs, everybody]), 'everybody');
  assert.equal(passwordFor([]), 'none');
  assert.deepEqual(matchRepository([theirs], { url: SHOP, project: 'shop' }), {
    kind: 'refused',
    problem: `no Secret for ${SHOP} is for project shop: there is argocd/theirs of project other`,
  });
});

test('the longest beginning is used where the repository has no credentials of its own', () => {
  const host = read({ url: 'https://github.com', ...password('host') }, 'repo-creds');
  const team = read({ url: 'https://github.com/acme', ...password('team') }, 'repo-creds');
  const bare = read({ url: SHOP, insecure: 'true' });
  assert.equal(passwordFor([host, team]), 'team');
  assert.equal(passwordFor([host, team], 'https://github.com/other/x'), 'host');
  assert.equal(passwordFor([host, bare]), 'host');
  assert.equal(passwordFor([host, read({ url: SHOP, ...password('own') })]), 'own');
  const matched = matchRepository([host, bare], { url: SHOP, project: 'shop' });
  assert.ok(matched.kind === 'found' && matched.settings.plainHttp === 'allowed' && matched.secrets.length === 2);
});

test('a beginning reaches no other host, user or port', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['https://github.com', 'https://github.com.evil.net/acme/shop', false],
    ['https://github.com', 'https://github.com:8443/acme/shop', false],
    ['https://github.com/', 'https://github.com/acme/shop', true],
    ['https://git', 'https://github.com/acme/shop', false],
    ['git@github.com:acme', 'git@github.com:acme/shop.git', true],
    ['git@github.com', 'git@github.com:acme/shop.git', true],
    ['git@github.com', 'git@github.com.evil.net:acme/shop.git', false],
    ['https://github.com/acme', 'https://github.com/acme-shop/x', true],
    ['http://github.com', 'https://github.com/acme/shop', false],
  ];
  for (const [prefix, url, matches] of rows) {
    const creds = read({ url: prefix, ...password('p') }, 'repo-creds');
    assert.equal(passwordFor([creds], url), matches ? 'p' : 'none', `${prefix} ${url}`);
  }
});

test('the project of shared credentials is heeded', () => {
  const creds = read({ url: 'https://github.com', project: 'other', ...password('p') }, 'repo-creds');
  assert.equal(passwordFor([creds]), 'refused');
  assert.equal(passwordFor([creds], SHOP, 'other'), 'p');
});

test('Secrets made for writing come first, where they hold credentials', () => {
  const reading = read({ url: SHOP, ...password('read') });
  assert.equal(passwordFor([reading, read({ url: SHOP, ...password('write') }, 'repository-write')]), 'write');
  assert.equal(passwordFor([reading, read({ url: SHOP }, 'repository-write')]), 'read');
  const shared = read({ url: 'https://github.com', ...password('shared') }, 'repo-write-creds');
  assert.equal(passwordFor([reading, shared]), 'shared');
});

test("a Secret that an Application names is used for its own repository, and is none of Argo CD's", () => {
  const named = (data: Readonly<Record<string, string>>, type: string | null = null) =>
    readNamedSecret(secretOf(data, type), SHOP);
  const used = named(password('p'));
  assert.ok('credential' in used && used.credential?.kind === 'password');
  assert.ok('credential' in named({ sshPrivateKey: 'k', url: `${SHOP}.git` }));
  const refusals: readonly (readonly [ReturnType<typeof named>, RegExp])[] = [
    [named(password('p'), 'repository'), /Argo CD's own/],
    [named(password('p'), 'cluster'), /Argo CD's own/],
    [named({ ...password('p'), url: 'https://github.com/acme/other' }), /for another repository/],
    [named({ password: 'admin' }), /no username/],
    [named({ token: 'x' }), /neither username/],
    [named({ gcpServiceAccountKey: '{}' }), /Google Cloud/],
  ];
  for (const [refusal, why] of refusals) assert.match('refused' in refusal ? refusal.refused : 'used', why);
});
