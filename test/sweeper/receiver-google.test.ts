import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import test from 'node:test';
import { createGoogleTokens } from '../../src/sweeper/receiver/google-token.ts';
import { eventually } from '../support/eventually.ts';
import { ARTIFACT_REGISTRY, pubSubMessage } from '../support/receiver-payloads.ts';
import { GOOGLE, googleToken, startTestReceivers, tokenKey } from '../support/receiver-server.ts';

const ours = tokenKey('one');
const other = tokenKey('one');
const now = Math.floor(Date.now() / 1000);
const message = pubSubMessage(ARTIFACT_REGISTRY);

test('what Pub/Sub pushes with a token of Google becomes a hint', async (t) => {
  const receivers = await startTestReceivers({ keys: [ours.jwk, { kty: 'EC' }, {}] });
  t.after(() => receivers.close());
  const authorization = `Bearer ${googleToken(ours.key)}`;
  assert.equal((await receivers.post('?type=gar', message, { authorization })).status, 202);
  await eventually('the hint', () => receivers.hints.length === 1);
  assert.deepEqual(receivers.hints, ['europe-docker.pkg.dev/acme/apps/shop:1.4.2']);
  assert.equal((await receivers.post('?type=gar', message, { authorization })).status, 202);
  assert.equal(receivers.keyFetches(), 1, 'the keys are kept');
});

const [header = '', , signature = ''] = googleToken(ours.key).split('.');
const publicText = JSON.stringify(ours.jwk);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsigned = `${part({ alg: 'none', kid: 'one' })}.${googleToken(ours.key).split('.')[1]}`;
const symmetric = `${part({ alg: 'HS256', kid: 'one' })}.${googleToken(ours.key).split('.')[1]}`;

const BAD: Readonly<Record<string, string>> = {
  'signed by nobody (none)': `${unsigned}.`,
  'signed by nobody, with a signature': `${unsigned}.${signature}`,
  'signed with the public key as a secret': `${symmetric}.${createHmac('sha256', publicText).update(symmetric).digest('base64url')}`,
  "signed with another's key": googleToken(other.key),
  'of a key that Google does not have': googleToken(ours.key, { header: { kid: 'two' } }),
  'without a key id': googleToken(ours.key, { header: { kid: undefined } }),
  'of a key named __proto__': googleToken(ours.key, { header: { kid: '__proto__' } }),
  'with a critical header': googleToken(ours.key, { header: { crit: ['exp'] } }),
  'for another audience': googleToken(ours.key, { claims: { aud: 'https://other.example.com' } }),
  'for a list of audiences': googleToken(ours.key, { claims: { aud: [GOOGLE.audience] } }),
  'of another account': googleToken(ours.key, { claims: { email: 'other@acme.iam.gserviceaccount.com' } }),
  'of an account that is not verified': googleToken(ours.key, { claims: { email_verified: false } }),
  'of an account that is verified in words': googleToken(ours.key, { claims: { email_verified: 'true' } }),
  'of another issuer': googleToken(ours.key, { claims: { iss: 'https://accounts.google.com.evil.example' } }),
  'that has expired': googleToken(ours.key, { claims: { exp: now - 120 } }),
  'that never expires': googleToken(ours.key, { claims: { exp: undefined } }),
  'that expires in words': googleToken(ours.key, { claims: { exp: '9999999999' } }),
  'of the future': googleToken(ours.key, { claims: { iat: now + 3600 } }),
  'with claims that were changed': `${header}.${part({ ...GOOGLE, email_verified: true })}.${signature}`,
  'that is cut off': googleToken(ours.key).slice(0, -20),
  'that is no token': 'x',
  'that is far too long': `a.${'a'.repeat(9000)}.a`,
};

test('a token is not taken', async (t) => {
  const receivers = await startTestReceivers({ keys: [ours.jwk] });
  t.after(() => receivers.close());
  for (const [what, token] of Object.entries(BAD)) {
    await t.test(what, async () => {
      const answer = await receivers.post('?type=gar', message, { authorization: `Bearer ${token}` });
      assert.deepEqual([answer.status, answer.text], [401, 'unauthorized\n']);
    });
  }
  assert.equal((await receivers.post('?type=gar&secret=x', message)).status, 401);
  assert.deepEqual(receivers.hints, []);
  assert.equal(receivers.keyFetches(), 1, 'made-up key ids do not have keys fetched');
});

test("without Google's keys nobody is known, and they are not asked for all the time", async (t) => {
  const receivers = await startTestReceivers({ keys: 'away' });
  t.after(() => receivers.close());
  for (let turn = 0; turn < 5; turn += 1) {
    const authorization = `Bearer ${googleToken(ours.key)}`;
    assert.equal((await receivers.post('?type=gar', message, { authorization })).status, 401);
  }
  assert.equal(receivers.keyFetches(), 1);
});

test('keys are fetched again when they are old, or for one that is new, and hold a day without Google', async () => {
  const next = tokenKey('next');
  let time = Date.now();
  let fetches = 0;
  let answer: () => Promise<readonly object[]> = async () => [ours.jwk];
  const tokens = createGoogleTokens({
    now: () => time,
    signal: new AbortController().signal,
    fetchKeys: async () => {
      fetches += 1;
      return { text: JSON.stringify({ keys: await answer() }), maxAgeMilliseconds: 3600_000 };
    },
  });
  const check = async (token: string): Promise<string> => (await tokens.check(token, [GOOGLE])).kind;
  const valid = { claims: { exp: now + 3 * 86_400 } };
  const old = googleToken(ours.key, valid);
  const fresh = googleToken(next.key, { ...valid, header: { kid: 'next' } });
  assert.deepEqual(await Promise.all([check(old), check(old), check(old)]), ['good', 'good', 'good']);
  assert.equal(fetches, 1, 'those who wait share one fetch');
  answer = async () => [ours.jwk, next.jwk];
  assert.equal(await check(fresh), 'bad', 'not within minutes of the last fetch');
  time += 6 * 60_000;
  assert.equal(await check(fresh), 'good');
  assert.equal(fetches, 2);
  answer = () => Promise.reject(new Error('away'));
  time += 2 * 3600_000;
  assert.equal(await check(old), 'good', 'the keys hold while Google is away');
  time += 24 * 3600_000;
  assert.equal(await check(old), 'unknown');
});
