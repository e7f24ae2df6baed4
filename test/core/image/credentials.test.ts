import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Credential, matchCredentials, parseDockerConfig } from '../../../src/core/image/credentials.ts';
import { parseReference } from '../../../src/core/image/reference.ts';

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The credentials that a configuration has for an image. */
function credentialsFor(config: unknown, image: string): readonly Credential[] {
  const parsed = parseDockerConfig(typeof config === 'string' ? config : JSON.stringify(config));
  const reference = parseReference(image);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.ok(reference.ok);
  return matchCredentials(parsed.config, reference.reference);
}

function user(username: string, password: string): Credential {
  return { kind: 'basic', username, password };
}

const ENTRIES: readonly (readonly [string, object, Credential | null])[] = [
  ['auth', { auth: base64('alice:secret') }, user('alice', 'secret')],
  ['a password with colons', { auth: base64('alice:a:b:c') }, user('alice', 'a:b:c')],
  ['a password that is not ASCII', { auth: base64('alice:grün') }, user('alice', 'grün')],
  ['auth without padding', { auth: base64('alice:s').replace(/=+$/, '') }, user('alice', 's')],
  ['auth with white space round it', { auth: ` ${base64('alice:secret')}\n` }, user('alice', 'secret')],
  ['a password filled up with zero bytes', { auth: base64('alice:secret\0\0') }, user('alice', 'secret')],
  ['username and password', { username: 'alice', password: 'secret' }, user('alice', 'secret')],
  ['an empty password', { username: 'alice', password: '' }, user('alice', '')],
  ['auth before username and password', { auth: base64('a:b'), username: 'c', password: 'd' }, user('a', 'b')],
  ['identitytoken', { identitytoken: 'refresh' }, { kind: 'identity', token: 'refresh' }],
  [
    'identitytoken beside auth, as az acr login writes it',
    { auth: base64('00000000-0000-0000-0000-000000000000:'), identitytoken: 'refresh' },
    { kind: 'identity', token: 'refresh' },
  ],
  ['a token as the password of <token>', { auth: base64('<token>:refresh') }, { kind: 'identity', token: 'refresh' }],
  ['registrytoken', { registrytoken: 'a.b.c', auth: base64('a:b') }, { kind: 'bearer', token: 'a.b.c' }],
  ['nothing, as Docker Desktop writes it', {}, null],
  ['only an e-mail address', { email: 'alice@example.com' }, null],
  ['an empty user', { auth: base64(':') }, null],
];

for (const [name, entry, expected] of ENTRIES) {
  test(`an entry with ${name}`, () => {
    const credentials = expected === null ? [] : [expected];
    assert.deepEqual(credentialsFor({ auths: { 'ghcr.io': entry } }, 'ghcr.io/a/b'), credentials);
    assert.deepEqual(credentialsFor({ 'ghcr.io': entry }, 'ghcr.io/a/b'), credentials, 'the older shape');
  });
}

test('of several keys that fit, the more special comes first, and all are given', () => {
  const auths = {
    'ghcr.io': { auth: base64('host:1') },
    'ghcr.io/acme': { auth: base64('path:2') },
    'ghcr.io/acme/app': { auth: base64('repository:3') },
    'https://ghcr.io/v1/': { auth: base64('version:4') },
    'ghcr.io/other': { auth: base64('other:5') },
  };
  const names = credentialsFor({ auths }, 'ghcr.io/acme/app:1').map((one) => one.kind === 'basic' && one.username);
  assert.deepEqual(names, ['repository', 'path', 'host', 'version']);
});

test('a key for one host comes before a key with a wildcard', () => {
  const auths = { '*.example.com': { auth: base64('any:1') }, 'a.example.com': { auth: base64('one:2') } };
  assert.deepEqual(credentialsFor({ auths }, 'a.example.com/x'), [user('one', '2'), user('any', '1')]);
  assert.deepEqual(credentialsFor({ auths }, 'b.example.com/x'), [user('any', '1')]);
});

test('keys that reach too far or are none are left out, with the reason', () => {
  const parsed = parseDockerConfig(
    JSON.stringify({
      auths: {
        '*.com': { auth: base64('a:b') },
        'https://alice:secret@host': { auth: base64('a:b') },
        'ghcr.io': { auth: base64('c:d') },
      },
    }),
  );
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.config.ignored, [
    'a key of auths has a wildcard that covers the hosts of others, and is left out: *.com',
    'a key of auths is not a host with an optional port and path, and is left out: (not shown)',
  ]);
  assert.deepEqual(
    parsed.config.entries.map(({ key }) => key.text),
    ['ghcr.io'],
  );
});

test('credential helpers are found by canonical host', () => {
  const parsed = parseDockerConfig(
    JSON.stringify({
      credsStore: 'desktop',
      credHelpers: {
        'https://index.docker.io/v1/': 'hub',
        'GCR.io': 'gcloud',
        '*.pkg.dev': 'wide',
        'ghcr.io/acme': 'path',
        x: 7,
      },
    }),
  );
  assert.ok(parsed.ok);
  assert.equal(parsed.config.store, 'desktop');
  assert.deepEqual(
    [...parsed.config.helpers],
    [
      ['docker.io', 'hub'],
      ['gcr.io', 'gcloud'],
    ],
  );
});

test('an empty configuration has no credentials', () => {
  for (const config of ['{}', '{"auths":{}}', '{"auths":null}', '{"credsStore":"desktop","HttpHeaders":{"a":"b"}}']) {
    assert.deepEqual(credentialsFor(config, 'nginx'), [], config);
  }
});

test('names of JavaScript are names like others', () => {
  const text = `{"auths":{"__proto__":{"auth":"${base64('a:b')}"},"constructor":{"auth":"${base64('c:d')}"}}}`;
  assert.deepEqual(credentialsFor(text, 'ghcr.io/a'), []);
  assert.deepEqual(credentialsFor(text, 'constructor:443/a'), [user('c', 'd')]);
});

const CANARY = 'canary-4711';
const BAD: readonly (readonly [string, string, string])[] = [
  ['no JSON', `{"auths":{"ghcr.io":{"auth":"${CANARY}"`, 'it is not a JSON object'],
  ['a list', '[]', 'it is not a JSON object'],
  ['nothing', '', 'it is not a JSON object'],
  ['auths that are a list', `{"auths":["${CANARY}"]}`, 'auths is not an object'],
  ['more than a Secret holds', `{"auths":"${CANARY.repeat(100_000)}"}`, 'it is larger than 1 MiB'],
  [
    'an auth that is not Base64',
    `{"auths":{"ghcr.io":{"auth":"${CANARY}"}}}`,
    'the entry of ghcr.io has an auth that is not the Base64 of USER:PASSWORD',
  ],
  [
    'an auth of an impossible length',
    '{"auths":{"ghcr.io":{"auth":"YTpiY"}}}',
    'the entry of ghcr.io has an auth that is not the Base64 of USER:PASSWORD',
  ],
  [
    'an auth without a colon',
    `{"auths":{"ghcr.io":{"auth":"${base64(CANARY)}"}}}`,
    'the entry of ghcr.io has an auth that is not the Base64 of USER:PASSWORD',
  ],
  [
    'a token with a line break',
    `{"auths":{"ghcr.io":{"registrytoken":"${CANARY}\\r\\nX: y"}}}`,
    'the entry of ghcr.io has a token with characters that no header can hold',
  ],
];

for (const [name, text, problem] of BAD) {
  test(`a configuration with ${name} is refused without telling secrets`, () => {
    assert.deepEqual(parseDockerConfig(text), { ok: false, problem });
    assert.ok(!problem.includes(CANARY));
  });
}

test('any text is read or refused, and any user and password come back', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseDockerConfig(text);
    }),
    { seed: 1, numRuns: 2000 },
  );
  const plain = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/[\0\ufffd]/.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(
      plain.filter((name) => !name.includes(':') && name !== '<token>'),
      plain,
      (name, password) => {
        const config = { auths: { 'ghcr.io': { auth: base64(`${name}:${password}`) } } };
        assert.deepEqual(credentialsFor(config, 'ghcr.io/a'), [user(name, password)]);
      },
    ),
    { seed: 2, numRuns: 1000 },
  );
});
