import assert from 'node:assert/strict';
import test from 'node:test';
import { type GitCredential, NO_TRUST } from '../../../src/git/credentials.ts';
import { GitError } from '../../../src/git/error.ts';
import { type HostAccess, type HostingProvider, openHost } from '../../../src/git/hosting/access.ts';
import { HostingError } from '../../../src/git/hosting/error.ts';

const password: GitCredential = { kind: 'password', username: 'tagpin', password: 'token-0123456789' };
const app: GitCredential = { kind: 'githubApp', appId: '1', installationId: null, privateKey: 'PEM', apiUrl: null };

interface Asked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is sent first, for an access that may differ. */
async function firstOf(
  provider: HostingProvider,
  url: string,
  more: Partial<HostAccess> & { credential?: GitCredential | null } = {},
): Promise<Asked> {
  const asked: Asked[] = [];
  const { credential = password, ...rest } = more;
  const host = await openHost(
    {
      repository: { url, credential, trust: NO_TRUST },
      provider,
      apiUrl: null,
      signal: new AbortController().signal,
      ...rest,
    },
    {
      send: async (request) => {
        asked.push({ url: request.url.href, headers: request.headers });
        return { status: 200, header: () => null, body: Buffer.from('[]') };
      },
      appToken: async (_app, repository) => `app token of ${repository.href}`.replaceAll(' ', '-'),
    },
  );
  await host.open();
  return asked[0] ?? assert.fail();
}

async function refusalOf(...given: Parameters<typeof firstOf>): Promise<HostingError | GitError> {
  const error: unknown = await firstOf(...given).then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HostingError || error instanceof GitError, String(error));
  return error;
}

const PLACES: readonly (readonly [HostingProvider, string, string])[] = [
  ['github', 'https://github.com/acme/deploy.git', 'https://api.github.com/repos/acme/deploy/pulls'],
  ['github', 'https://GitHub.com/acme/deploy/', 'https://api.github.com/repos/acme/deploy/pulls'],
  ['github', 'https://git.example.com:8443/acme/deploy', 'https://git.example.com:8443/api/v3/repos/acme/deploy/pulls'],
  ['github', 'https://acme.ghe.com/acme/deploy', 'https://api.acme.ghe.com/repos/acme/deploy/pulls'],
  ['gitlab', 'https://gitlab.com/acme/deploy.git', 'https://gitlab.com/api/v4/projects/acme%2Fdeploy/merge_requests'],
  [
    'gitlab',
    'https://git.example.com/a/b/c/deploy',
    'https://git.example.com/api/v4/projects/a%2Fb%2Fc%2Fdeploy/merge_requests',
  ],
  ['gitea', 'https://codeberg.org/acme/deploy.git', 'https://codeberg.org/api/v1/repos/acme/deploy/pulls'],
  ['gitea', 'https://example.com/git/tea/acme/deploy', 'https://example.com/git/tea/api/v1/repos/acme/deploy/pulls'],
  ['gitea', 'https://example.com/acme/de%20ploy', 'https://example.com/api/v1/repos/acme/de%20ploy/pulls'],
];

for (const [provider, url, api] of PLACES) {
  test(`${url} has its API of ${provider} at ${api}`, async () => {
    const asked = await firstOf(provider, url);
    assert.equal(asked.url.split('?')[0], api);
  });
}

test('an API elsewhere is asked where it is named', async () => {
  const apiUrl = 'https://example.com/gitlab/api/v4/';
  const asked = await firstOf('gitlab', 'https://example.com/gitlab/acme/deploy', { apiUrl });
  assert.ok(asked.url.startsWith('https://example.com/gitlab/api/v4/projects/'));
  const byApp = { ...app, apiUrl: 'https://ghe.example.com/api/v3' };
  const ofApp = await firstOf('github', 'https://ghe.example.com/acme/deploy', { credential: byApp });
  assert.ok(ofApp.url.startsWith('https://ghe.example.com/api/v3/repos/'));
});

test('each credential becomes what the host takes', async () => {
  const shown = async (provider: HostingProvider, credential: GitCredential): Promise<string | undefined> =>
    (await firstOf(provider, 'https://example.com/acme/deploy', { credential })).headers['authorization'];
  assert.equal(await shown('github', password), 'Bearer token-0123456789');
  assert.equal(await shown('gitlab', password), 'Bearer token-0123456789');
  assert.equal(await shown('gitea', password), `Basic ${Buffer.from('tagpin:token-0123456789').toString('base64')}`);
  assert.equal(await shown('gitea', { kind: 'bearer', token: 'abc' }), 'Bearer abc');
  assert.equal(await shown('github', app), 'Bearer app-token-of-https://example.com/acme/deploy');
});

const REFUSED: readonly (readonly [
  string,
  HostingProvider,
  string,
  GitCredential | null | undefined,
  string,
  RegExp,
])[] = [
  [
    'a key for ssh',
    'github',
    'https://github.com/acme/deploy',
    { kind: 'ssh', privateKey: 'KEY' },
    'NotHttps',
    /https URL and a token, ssh opens none/,
  ],
  ['a URL of ssh', 'github', 'git@github.com:acme/deploy.git', undefined, 'NotHttps', /ssh opens none/],
  ['plain http', 'gitea', 'http://example.com/acme/deploy', undefined, 'NotHttps', /over https/],
  ['no credential', 'github', 'https://github.com/acme/deploy', null, 'NoToken', /no credentials/],
  ['credentials of git', 'github', 'https://github.com/acme/deploy', { kind: 'own' }, 'NoToken', /git's own/],
  ['an empty password', 'gitlab', 'https://gitlab.com/acme/deploy', { ...password, password: '' }, 'NoToken', /empty/],
  [
    'a token with a line break',
    'gitlab',
    'https://gitlab.com/acme/deploy',
    { kind: 'bearer', token: 'a\nx: y' },
    'NoToken',
    /header/,
  ],
  ['an App at GitLab', 'gitlab', 'https://gitlab.com/acme/deploy', app, 'NoToken', /GitHub only/],
  ['a path of one part', 'gitlab', 'https://gitlab.com/deploy', undefined, 'BadPath', /OWNER\/NAME/],
  ['three parts at GitHub', 'github', 'https://github.com/a/b/c', undefined, 'BadPath', /OWNER\/NAME/],
  ['an encoded slash', 'gitea', 'https://example.com/a/b%2F..%2Fc', undefined, 'BadPath', /OWNER\/NAME/],
  ['a broken encoding', 'gitea', 'https://example.com/a/%zz', undefined, 'BadPath', /OWNER\/NAME/],
  ['no URL', 'gitea', 'ext::sh -c id', undefined, 'BadPath', /not used/],
];

for (const [what, provider, url, credential, reason, sentence] of REFUSED) {
  test(`${what} is refused, and no secret is in the sentence`, async () => {
    const error = await refusalOf(provider, url, credential === undefined ? {} : { credential });
    assert.deepEqual([error.reason, error.kind], [reason, 'refused']);
    assert.match(error.message, sentence);
    assert.doesNotMatch(error.message, /token-0123456789|KEY|PEM/);
  });
}

test('an API without TLS does not get the token of a repository with', async () => {
  for (const apiUrl of ['http://example.com/api/v4', 'https://user@example.com/', 'file:///etc/passwd', 'x']) {
    assert.equal((await refusalOf('gitlab', 'https://example.com/a/b', { apiUrl })).reason, 'BadPath');
  }
});
