import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type FederatedToken, signInFederated } from '../../../src/registry/cloud/google-federation.ts';
import { type StandIn, type StandInAnswer, startStandIn } from '../../support/stand-in.ts';

const CANARY = 'canary-4711';
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

interface Opened {
  readonly server: StandIn;
  /** Signs in with a configuration in which these fields are others. */
  readonly signIn: (fields?: object) => Promise<FederatedToken>;
  readonly write: (name: string, text: string) => string;
}

async function open(t: TestContext, answers: Readonly<Record<string, StandInAnswer>> = {}): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-federation-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const defaults: Readonly<Record<string, StandInAnswer>> = {
    '/sts': { json: { access_token: 'federated', expires_in: 3600, token_type: 'Bearer' } },
    '/impersonate': {
      json: { accessToken: 'impersonated', expireTime: new Date(Date.now() + 1_800_000).toISOString() },
    },
  };
  const server = await startStandIn(t, ({ path }) => ({ ...defaults, ...answers })[path] ?? { status: 404 });
  return {
    server,
    write,
    signIn: (fields = {}) =>
      signInFederated(
        write(
          'configuration.json',
          JSON.stringify({
            type: 'external_account',
            audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
            subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
            token_url: `${server.url}/sts`,
            credential_source: { file: write('token', 'subject\n') },
            ...fields,
          }),
        ),
        AbortSignal.timeout(5000),
      ),
  };
}

test("the cluster's token is changed for one of Google", async (t) => {
  const { server, signIn } = await open(t);
  assert.deepEqual(await signIn(), { ok: true, token: 'federated', lifeMilliseconds: 3_600_000 });
  assert.deepEqual(Object.fromEntries(new URLSearchParams(server.requests[0]?.body)), {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
    scope: SCOPE,
    subject_token: 'subject',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  });
});

test('a token inside JSON is found by its field', async (t) => {
  const { server, signIn, write } = await open(t);
  const file = write('token.json', '{"id":"inner"}');
  const format = { type: 'json', subject_token_field_name: 'id' };
  assert.ok((await signIn({ credential_source: { file, format } })).ok);
  assert.equal(new URLSearchParams(server.requests[0]?.body).get('subject_token'), 'inner');
});

test('a service account is impersonated where the configuration asks for it', async (t) => {
  const { server, signIn } = await open(t);
  const answer = await signIn({ service_account_impersonation_url: `${server.url}/impersonate` });
  assert.ok(answer.ok);
  assert.equal(answer.token, 'impersonated');
  assert.ok(answer.lifeMilliseconds > 1_790_000 && answer.lifeMilliseconds <= 1_800_000);
  assert.equal(server.requests[1]?.headers.authorization, 'Bearer federated');
  assert.deepEqual(JSON.parse(server.requests[1]?.body ?? ''), { scope: [SCOPE], lifetime: '3600s' });
});

const CONFIGURATIONS: readonly (readonly [string, object, RegExp])[] = [
  ['a service account key', { type: 'service_account', private_key: CANARY }, /names no external_account/],
  ['a source that is an address', { credential_source: { url: 'http://x' } }, /is not a file, and others/],
  ['a source that is a program', { credential_source: { executable: {} } }, /is not a file, and others/],
  ['no source', { credential_source: null }, /is not a file, and others/],
  ['a token file that is not there', { credential_source: { file: '/nowhere' } }, /holds no token/],
  ['a token service without TLS', { token_url: 'http://sts.example.com/' }, /has no address with https/],
  ['no token service', { token_url: 7 }, /has no address with https/],
];

for (const [name, fields, problem] of CONFIGURATIONS) {
  test(`a configuration with ${name} is a problem, and nothing is sent`, async (t) => {
    const { server, signIn } = await open(t);
    const answer = await signIn(fields);
    assert.ok(!answer.ok);
    assert.match(answer.problem, problem);
    assert.ok(!answer.problem.includes(CANARY));
    assert.equal(server.requests.length, 0);
  });
}

const ANSWERS: readonly (readonly [string, StandInAnswer, RegExp])[] = [
  ['/sts', { status: 400, json: { error: CANARY } }, /^Google's token service answered with status 400$/],
  ['/sts', { json: { access_token: CANARY } }, /^Google's token service gave no token$/],
  ['/impersonate', { status: 403, text: CANARY }, /^Google's impersonation of the service account answered/],
  ['/impersonate', { json: { accessToken: CANARY, expireTime: 'x' } }, /gave no token$/],
];

for (const [path, response, problem] of ANSWERS) {
  test(`where ${path} answers ${JSON.stringify(response)} the problem tells no secret`, async (t) => {
    const { server, signIn } = await open(t, { [path]: response });
    const answer = await signIn({ service_account_impersonation_url: `${server.url}/impersonate` });
    assert.ok(!answer.ok);
    assert.match(answer.problem, problem);
    assert.ok(!answer.problem.includes(CANARY));
  });
}

test('a file that is not there or no JSON is a problem', async (t) => {
  const { write } = await open(t);
  for (const path of ['/nowhere', write('text', 'x')]) {
    const answer = await signInFederated(path, AbortSignal.timeout(1000));
    assert.deepEqual(answer, { ok: false, problem: 'the file in GOOGLE_APPLICATION_CREDENTIALS can not be read' });
  }
});
