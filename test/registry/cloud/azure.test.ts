import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { createAzureIdentity } from '../../../src/registry/cloud/azure.ts';
import type { CloudIdentity } from '../../../src/registry/cloud/identity.ts';
import { type StandIn, type StandInAnswer, startStandIn } from '../../support/stand-in.ts';

const CANARY = 'canary-4711';
const HOST = 'team.azurecr.io';

function tokenUntil(seconds: number): string {
  const claims = Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1000) + seconds })).toString('base64url');
  return `header.${claims}.signature`;
}

/** Entra and a registry at once, of which either answer may be replaced. */
async function open(
  t: TestContext,
  answers: { readonly entra?: StandInAnswer; readonly exchange?: StandInAnswer } = {},
): Promise<{ azure: CloudIdentity; entra: StandIn; tokenFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-azure-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, 'service-account-token\n');
  const entra = await startStandIn(t, ({ path }) =>
    path === '/oauth2/exchange'
      ? (answers.exchange ?? { json: { refresh_token: tokenUntil(7200) } })
      : (answers.entra ?? { json: { access_token: 'entra-token', expires_in: 3600 } }),
  );
  const azure = createAzureIdentity({
    environment: {
      AZURE_CLIENT_ID: 'client',
      AZURE_TENANT_ID: 'tenant',
      AZURE_FEDERATED_TOKEN_FILE: tokenFile,
      AZURE_AUTHORITY_HOST: `${entra.url}/`,
    },
    registryUrl: () => entra.url,
  });
  return { azure, entra, tokenFile };
}

function signIn(identity: CloudIdentity, host = HOST): ReturnType<CloudIdentity['signIn']> {
  return identity.signIn(host, AbortSignal.timeout(5000));
}

test("the service account's token becomes one of Entra, and that a refresh token of the registry", async (t) => {
  const { azure, entra } = await open(t);
  const answer = await signIn(azure);
  assert.ok(answer.ok);
  assert.equal(answer.credential.kind, 'identity');
  assert.ok(answer.lifeMilliseconds > 7_190_000 && answer.lifeMilliseconds <= 7_200_000);
  assert.deepEqual(
    entra.requests.map(({ method, path }) => `${method} ${path}`),
    ['POST /tenant/oauth2/v2.0/token', 'POST /oauth2/exchange'],
  );
  const [first, second] = entra.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  assert.deepEqual(first, {
    grant_type: 'client_credentials',
    client_id: 'client',
    scope: 'https://containerregistry.azure.net/.default',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: 'service-account-token',
  });
  const form = { grant_type: 'access_token', service: HOST, tenant: 'tenant', access_token: 'entra-token' };
  assert.deepEqual(second, form);
});

test('the file is read anew each time, since its token changes', async (t) => {
  const { azure, entra, tokenFile } = await open(t);
  await signIn(azure);
  writeFileSync(tokenFile, 'another-token');
  await signIn(azure);
  const assertions = entra.requests.map(({ body }) => new URLSearchParams(body).get('client_assertion'));
  assert.deepEqual(assertions, ['service-account-token', null, 'another-token', null]);
});

for (const [host, scope] of [
  ['team.azurecr.cn', 'https://management.chinacloudapi.cn/.default'],
  ['team.azurecr.us', 'https://management.usgovcloudapi.net/.default'],
] as const) {
  test(`a token for ${host} is one of its own cloud`, async (t) => {
    const { azure, entra } = await open(t);
    await signIn(azure, host);
    assert.equal(new URLSearchParams(entra.requests[0]?.body).get('scope'), scope);
  });
}

test('only registries of Azure are its own', async (t) => {
  const { azure } = await open(t);
  for (const host of [HOST, 'team-a1b2.azurecr.io', 'team.azurecr.us']) assert.equal(azure.keyOf(host), host);
  const others = ['azurecr.io', '.azurecr.io', 'a.b.azurecr.io', 'team.azurecr.io.evil.com', 'team.azurecr.io:444'];
  for (const host of [
    ...others,
    'teamazurecr.io',
    'team.azurecr.de.evil',
    '-a.azurecr.io',
    'evil.com/team.azurecr.io',
  ]) {
    assert.equal(azure.keyOf(host), null, host);
  }
});

test('there is an identity only where all its variables are set', async () => {
  const all = { AZURE_CLIENT_ID: 'a', AZURE_TENANT_ID: 'b', AZURE_FEDERATED_TOKEN_FILE: '/c' };
  assert.equal(await createAzureIdentity({ environment: all }).isPresent(), true);
  for (const name of Object.keys(all)) {
    const identity = createAzureIdentity({ environment: { ...all, [name]: '' } });
    assert.equal(await identity.isPresent(), false, name);
    assert.deepEqual(await signIn(identity), { ok: false, problem: 'there is no identity' });
  }
});

test('a refresh token lasts an hour where it does not say, and never longer than three', async (t) => {
  const opaque = await signIn((await open(t, { exchange: { json: { refresh_token: 'opaque' } } })).azure);
  assert.deepEqual(opaque.ok && opaque.lifeMilliseconds, 3_600_000);
  const long = await signIn((await open(t, { exchange: { json: { refresh_token: tokenUntil(1e6) } } })).azure);
  assert.deepEqual(long.ok && long.lifeMilliseconds, 10_800_000);
});

const FAILURES: readonly (readonly [string, Parameters<typeof open>[1], string])[] = [
  ['Entra refuses', { entra: { status: 400, json: { error_description: CANARY } } }, 'Entra answered with status 400'],
  ['Entra answers no JSON', { entra: { text: CANARY } }, 'Entra answered with what is not understood'],
  ['Entra answers without a token', { entra: { json: { token: CANARY } } }, 'Entra gave no token'],
  [
    'Entra answers with a token that no header can hold',
    { entra: { json: { access_token: `${CANARY}\r\nX: y` } } },
    'Entra gave no token',
  ],
  [
    'Entra redirects',
    { entra: { status: 307, headers: { location: 'http://127.0.0.1:1/' } } },
    'Entra answered with status 307',
  ],
  [
    'the registry refuses',
    { exchange: { status: 401, text: CANARY } },
    'the token exchange of the registry answered with status 401',
  ],
  [
    'the registry answers without a token',
    { exchange: { json: [CANARY] } },
    'the token exchange of the registry answered with what is not understood',
  ],
  [
    'the registry answers too much',
    { exchange: { text: CANARY.repeat(10_000) } },
    'the token exchange of the registry gave no answer (TooLarge)',
  ],
];

for (const [name, answers, problem] of FAILURES) {
  test(`where ${name} the problem tells no secret`, async (t) => {
    assert.deepEqual(await signIn((await open(t, answers)).azure), { ok: false, problem });
    assert.ok(!problem.includes(CANARY));
  });
}

test('a token file that is not there, and an authority without TLS, are problems before anything is sent', async (t) => {
  const { entra, tokenFile } = await open(t);
  const environment = { AZURE_CLIENT_ID: 'a', AZURE_TENANT_ID: 'b', AZURE_FEDERATED_TOKEN_FILE: tokenFile };
  const cases = [
    [{ AZURE_FEDERATED_TOKEN_FILE: '/nowhere' }, 'the file in AZURE_FEDERATED_TOKEN_FILE holds no token'],
    [{ AZURE_TENANT_ID: '../x' }, 'AZURE_TENANT_ID is not a tenant'],
    [{ AZURE_AUTHORITY_HOST: 'http://login.example.com' }, 'Entra has no address with https'],
    [{ AZURE_AUTHORITY_HOST: 'https://a:b@login.example.com' }, 'Entra has no address with https'],
  ] as const;
  for (const [changed, problem] of cases) {
    const azure = createAzureIdentity({ environment: { ...environment, ...changed } });
    assert.deepEqual(await signIn(azure), { ok: false, problem });
  }
  assert.equal(entra.requests.length, 0);
});
