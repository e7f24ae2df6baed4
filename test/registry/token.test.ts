import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type TestContext } from 'node:test';
import type { Credential } from '../../src/core/image/credentials.ts';
import { createFingerprint } from '../../src/registry/answers/fingerprint.ts';
import { createTransport } from '../../src/registry/connection/transport.ts';
import { findEndpoint } from '../../src/registry/endpoint.ts';
import { RegistryError } from '../../src/registry/error.ts';
import { createTokens, type TokenRequest } from '../../src/registry/token.ts';
import { type Loopback, registriesOf, startLoopback } from '../support/loopback.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const PASSWORD: Credential = { kind: 'basic', username: 'ann', password: 'sécret:x' };
const IDENTITY: Credential = { kind: 'identity', token: 'refresh' };

/** A token service at the registry's own host, one at a trusted other, and one at a stranger's that is listed. */
async function setUp(t: TestContext, answer: Answer) {
  const [registry, trusted, stranger] = await Promise.all([0, 1, 2].map(() => startLoopback(answer)));
  assert.ok(registry !== undefined && trusted !== undefined && stranger !== undefined);
  const settings = registriesOf({
    hosts: [
      { host: registry.host, plainHttp: true, authRealms: [trusted.host] },
      { host: stranger.host, plainHttp: true },
    ],
  });
  let time = performance.now();
  const now = (): number => time;
  const shared = { settings: () => settings, now };
  const transport = createTransport({ ...shared, observe: () => {}, requestMilliseconds: 500 });
  const tokens = createTokens({ ...shared, transport, flightMilliseconds: 400 });
  const fingerprint = createFingerprint();
  t.after(async () => {
    await transport.close();
    await Promise.all([registry, trusted, stranger].map((server) => server.close()));
  });
  const request = (
    credential: Credential | null,
    more: Partial<TokenRequest> & { at?: Loopback } = {},
  ): TokenRequest => ({
    endpoint: findEndpoint(settings, registry.host),
    realm: `http://${(more.at ?? registry).host}/token?x=1`,
    service: 'the service',
    scopes: ['repository:app:pull'],
    image: 'app:1',
    credential,
    account: fingerprint(credential),
    signal: new AbortController().signal,
    ...more,
  });
  const ask = async (...wanted: Parameters<typeof request>): Promise<string> => {
    const outcome: unknown = await tokens.get(request(...wanted)).catch((error: unknown) => error);
    if (outcome instanceof RegistryError) return outcome.reason;
    return outcome instanceof Error ? String(outcome) : (outcome as { value: string }).value;
  };
  const pass = (seconds: number): void => {
    time += seconds * 1000;
  };
  return { registry, trusted, stranger, tokens, request, ask, pass };
}

const giving =
  (fields: object): Answer =>
  (_request, response) =>
    response.end(JSON.stringify(fields));

test('a token is asked for as the specification says, with a password as Basic', async (t) => {
  const { registry, ask } = await setUp(t, giving({ token: 'T' }));
  assert.equal(await ask(PASSWORD), 'T');
  const [seen] = registry.requests;
  assert.equal(seen?.method, 'GET');
  assert.equal(seen?.path, '/token?x=1&service=the+service&scope=repository%3Aapp%3Apull&client_id=tagpin&account=ann');
  assert.equal(seen?.authorization, `Basic ${Buffer.from('ann:sécret:x').toString('base64')}`);
});

test('without a credential a token is asked for without one', async (t) => {
  const { registry, ask } = await setUp(t, giving({ access_token: 'T' }));
  assert.equal(await ask(null), 'T');
  assert.equal(registry.requests[0]?.authorization, null);
});

test('a refresh token goes into the form of a POST', async (t) => {
  const { registry, ask } = await setUp(t, giving({ access_token: 'T' }));
  assert.equal(await ask(IDENTITY), 'T');
  const [seen] = registry.requests;
  assert.equal(`${seen?.method} ${seen?.path} ${seen?.authorization}`, 'POST /token?x=1 null');
  assert.deepEqual(Object.fromEntries(new URLSearchParams(seen?.body)), {
    grant_type: 'refresh_token',
    refresh_token: 'refresh',
    client_id: 'tagpin',
    scope: 'repository:app:pull',
    service: 'the service',
  });
});

for (const status of [404, 405]) {
  test(`a service that answers a POST with ${status} is asked by GET`, async (t) => {
    const { registry, ask } = await setUp(t, (request, response) =>
      request.method === 'POST' ? response.writeHead(status).end() : response.end('{"token":"T"}'),
    );
    assert.equal(await ask(IDENTITY), 'T');
    assert.equal(registry.requests[1]?.authorization, `Basic ${Buffer.from('<token>:refresh').toString('base64')}`);
  });
}

test('the credential goes to a service that the policy trusts, and to no other', async (t) => {
  const { trusted, stranger, ask, tokens, request } = await setUp(t, giving({ token: 'T' }));
  assert.equal(await ask(PASSWORD, { at: trusted }), 'T');
  assert.match(trusted.requests[0]?.authorization ?? '', /^Basic /);
  assert.equal(await ask(PASSWORD, { at: stranger }), 'T');
  assert.equal(await ask(IDENTITY, { at: stranger }), 'T');
  assert.deepEqual(
    stranger.requests.map(({ method, path, authorization, body }) => [
      method,
      path.includes('ann'),
      authorization,
      body,
    ]),
    [
      ['GET', false, null, ''],
      ['GET', false, null, ''],
    ],
  );
  const held = await tokens.get(request(PASSWORD, { at: stranger }));
  assert.equal(held.heldBackFrom?.host, stranger.host);
});

// [what makes another token of it]
const others: readonly (readonly [string, Partial<TokenRequest>])[] = [
  ['another service', { service: 'other' }],
  ['no service', { service: null }],
  ['another scope', { scopes: ['repository:other:pull'] }],
  ['another credential', { credential: null, account: 'anonymous' }],
];

for (const [what, change] of others) {
  test(`a token is kept, and ${what} is another one`, async (t) => {
    const { registry, ask } = await setUp(t, giving({ token: 'T' }));
    await ask(PASSWORD);
    await ask(PASSWORD);
    assert.equal(registry.requests.length, 1);
    await ask(PASSWORD, change);
    assert.equal(registry.requests.length, 2);
  });
}

test('a token that was forgotten is asked for again', async (t) => {
  const { registry, ask, tokens, request } = await setUp(t, giving({ token: 'T' }));
  await ask(PASSWORD);
  tokens.forget(request(PASSWORD));
  await ask(PASSWORD);
  assert.equal(registry.requests.length, 2);
});

test('many who need the same token at once ask once', async (t) => {
  const { registry, ask } = await setUp(t, giving({ token: 'T' }));
  const all = await Promise.all(Array.from({ length: 100 }, () => ask(PASSWORD)));
  assert.deepEqual(new Set(all), new Set(['T']));
  assert.equal(registry.requests.length, 1);
});

// [expires_in, for how many seconds it is used]
const lives: readonly (readonly [unknown, number])[] = [
  [undefined, 48],
  [300, 240],
  [10, 8],
  ['100', 80],
  [0, 48],
  [-5, 48],
  ['soon', 48],
  [1e12, 2880],
];

for (const [expires, seconds] of lives) {
  test(`a token with expires_in ${String(expires)} is used for ${seconds} s`, async (t) => {
    const { registry, ask, pass } = await setUp(t, giving({ token: 'T', expires_in: expires }));
    await ask(PASSWORD);
    pass(seconds - 0.1);
    await ask(PASSWORD);
    assert.equal(registry.requests.length, 1);
    pass(0.2);
    await ask(PASSWORD);
    assert.equal(registry.requests.length, 2);
  });
}

const status =
  (code: number): Answer =>
  (_request, response) =>
    response.writeHead(code).end('canary');

// [what the service does, what comes of it]
const faults: readonly (readonly [string, Answer, string])[] = [
  ['401', status(401), 'SignInRefused'],
  ['400', status(400), 'SignInRefused'],
  ['403', status(403), 'SignInRefused'],
  ['404', status(404), 'NotUnderstood'],
  ['429', status(429), 'TooManyRequests'],
  ['500', status(500), 'ServerError'],
  ['no JSON', (_request, response) => response.end('<html>'), 'NotUnderstood'],
  ['null', giving([null]), 'NotUnderstood'],
  ['no token', giving({}), 'NotUnderstood'],
  ['an empty token', giving({ token: '' }), 'NotUnderstood'],
  ['a token that is no header', giving({ token: 'a\r\nx: y' }), 'NotUnderstood'],
  ['a number', giving({ token: 7 }), 'NotUnderstood'],
  ['a huge token', giving({ token: 'x'.repeat(20_000) }), 'NotUnderstood'],
  ['too much', giving({ token: 'T', x: 'x'.repeat(70_000) }), 'TooLarge'],
  ['a hang', () => {}, 'TimedOut'],
];

for (const [what, answer, expected] of faults) {
  test(`a token service that gives ${what}: ${expected}`, async (t) => {
    const { ask } = await setUp(t, answer);
    assert.equal(await ask(PASSWORD), expected);
  });
}

test('who has no credential is asked for one, and who had to hold it back is told so', async (t) => {
  const { ask, stranger } = await setUp(t, status(401));
  assert.equal(await ask(null), 'SignInWanted');
  assert.equal(await ask(PASSWORD, { at: stranger }), 'RealmNotTrusted');
});

test('a refresh token does not follow a redirect', async (t) => {
  const { ask, registry } = await setUp(t, (_request, response) =>
    response.writeHead(307, { location: '/away' }).end(),
  );
  assert.equal(await ask(IDENTITY), 'RedirectNotSafe');
  assert.equal(registry.requests.length, 1);
});

test('who stops waiting for a token does not end it for others', async (t) => {
  const { ask } = await setUp(t, (_request, response) => setTimeout(() => response.end('{"token":"T"}'), 60));
  const hasty = ask(PASSWORD, { signal: AbortSignal.timeout(10) });
  const patient = ask(PASSWORD);
  assert.match(await hasty, /TimeoutError/);
  assert.equal(await patient, 'T');
});
