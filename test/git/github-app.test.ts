import assert from 'node:assert/strict';
import { createVerify, generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import { type GitHubApp, NO_TRUST } from '../../src/git/credentials.ts';
import { createAppTokens, type SendApi } from '../../src/git/github-app.ts';

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
});
const APP: GitHubApp = { appId: '42', installationId: '7', privateKey: keys.privateKey, apiUrl: null };
const SHOP = new URL('https://github.com/acme/shop.git');
const NOW = Date.UTC(2026, 10, 21);

type Answer = { readonly status: number; readonly body: string };

/** An API that answers in turn, and what it was asked. */
function apiOf(...answers: readonly Answer[]) {
  const asked: Parameters<SendApi>[0][] = [];
  const send: SendApi = async (request) => {
    asked.push(request);
    const { status, body } = answers[asked.length - 1] ?? { status: 500, body: '' };
    return { status, body: Buffer.from(body) };
  };
  return { send, asked };
}

const token = (text: string): Answer => ({ status: 201, body: JSON.stringify({ token: text }) });

test('a token is asked for by a JWT that GitHub can verify, for this repository only', async () => {
  const { send, asked } = apiOf(token('ghs_1'));
  assert.equal(await createAppTokens({ send, now: () => NOW })(APP, SHOP, null), 'ghs_1');
  const [request] = asked;
  assert.equal(
    `${request?.method} ${request?.url.href}`,
    'POST https://api.github.com/app/installations/7/access_tokens',
  );
  assert.deepEqual(JSON.parse(request?.body ?? ''), { repositories: ['shop'] });
  const [head = '', claims = '', signature = ''] =
    request?.headers['authorization']?.replace('Bearer ', '').split('.') ?? [];
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  assert.deepEqual(read(head), { alg: 'RS256', typ: 'JWT' });
  assert.deepEqual(read(claims), { iat: NOW / 1000 - 60, exp: NOW / 1000 + 540, iss: '42' });
  assert.ok(createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(keys.publicKey, signature, 'base64url'));
});

test('an installation that is not named is looked up', async () => {
  const { send, asked } = apiOf({ status: 200, body: '{"id":99}' }, token('ghs_1'));
  const app = { ...APP, installationId: null, apiUrl: 'https://ghe.example.com/api/v3/' };
  const trust = { ...NO_TRUST, authorities: 'PEM' };
  await createAppTokens({ send, now: () => NOW })(app, new URL('https://ghe.example.com/acme/shop'), null, trust);
  assert.deepEqual(asked[0]?.trust, trust);
  assert.deepEqual(
    asked.map(({ method, url }) => `${method} ${url.href}`),
    [
      'GET https://ghe.example.com/api/v3/repos/acme/shop/installation',
      'POST https://ghe.example.com/api/v3/app/installations/99/access_tokens',
    ],
  );
});

test('a token is kept for most of its hour, for its repository', async () => {
  const { send, asked } = apiOf(token('one'), token('two'), token('three'));
  let now = NOW;
  const tokens = createAppTokens({ send, now: () => now });
  assert.deepEqual(await Promise.all([tokens(APP, SHOP, null), tokens(APP, SHOP, null)]), ['one', 'one']);
  now += 49 * 60_000;
  assert.equal(await tokens(APP, SHOP, null), 'one');
  assert.equal(await tokens(APP, new URL('https://github.com/acme/other'), null), 'two');
  now += 2 * 60_000;
  assert.equal(await tokens(APP, SHOP, null), 'three');
  assert.equal(asked.length, 3);
});

test('what is wrong is said without the key', async () => {
  const wrong = (app: Partial<GitHubApp>) => ({ ...APP, ...app });
  const rows: readonly (readonly [GitHubApp, URL, Answer, RegExp])[] = [
    [wrong({ privateKey: 'canary' }), SHOP, token('x'), /private key of the GitHub App/],
    [wrong({ apiUrl: 'http://api.evil' }), SHOP, token('x'), /no https URL/],
    [wrong({ installationId: '7/../8' }), SHOP, token('x'), /no number/],
    [APP, new URL('https://github.com/acme'), token('x'), /OWNER\/NAME/],
    [APP, SHOP, { status: 401, body: 'canary' }, /does not know the GitHub App/],
    [APP, SHOP, { status: 403, body: 'canary' }, /forbids/],
    [APP, SHOP, { status: 404, body: 'canary' }, /install it there/],
    [APP, SHOP, { status: 422, body: 'canary' }, /add it there/],
    [APP, SHOP, { status: 200, body: 'canary' }, /not understood/],
    [APP, SHOP, { status: 302, body: '{"token":"x"}' }, /not understood/],
    [APP, SHOP, { status: 201, body: '{}' }, /without a token/],
    [APP, SHOP, { status: 503, body: 'canary' }, /try again/],
  ];
  for (const [app, url, answer, why] of rows) {
    const { send } = apiOf(answer);
    await assert.rejects(createAppTokens({ send, now: () => NOW })(app, url, null), (error: Error) => {
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  }
  const send: SendApi = () => Promise.reject(new Error('canary'));
  await assert.rejects(createAppTokens({ send, now: () => NOW })(APP, SHOP, null), { reason: 'Unreachable' });
});

test('one caller that gives up does not end it for the others', async () => {
  const answer = Promise.withResolvers<Awaited<ReturnType<SendApi>>>();
  const tokens = createAppTokens({ send: () => answer.promise, now: () => NOW });
  const ending = new AbortController();
  const [one, two] = [tokens(APP, SHOP, ending.signal), tokens(APP, SHOP, null)];
  ending.abort(new Error('enough'));
  await assert.rejects(one, /enough/);
  answer.resolve({ status: 201, body: Buffer.from('{"token":"ghs_1"}') });
  assert.equal(await two, 'ghs_1');
});
