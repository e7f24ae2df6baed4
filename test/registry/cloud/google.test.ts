import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { createGoogleIdentity } from '../../../src/registry/cloud/google.ts';
import type { CloudIdentity, Environment } from '../../../src/registry/cloud/identity.ts';
import { startStandIn } from '../../support/stand-in.ts';

const CANARY = 'canary-4711';
const FLAVOR = { 'metadata-flavor': 'Google' };

function signIn(identity: CloudIdentity): ReturnType<CloudIdentity['signIn']> {
  return identity.signIn('europe-docker.pkg.dev', AbortSignal.timeout(5000));
}

test('the metadata server gives an access token', async (t) => {
  const server = await startStandIn(t, () => ({ headers: FLAVOR, json: { access_token: 'ya29.x', expires_in: 1800 } }));
  const google = createGoogleIdentity({ environment: { GCE_METADATA_HOST: server.host } });
  assert.deepEqual(await signIn(google), {
    ok: true,
    credential: { kind: 'basic', username: 'oauth2accesstoken', password: 'ya29.x' },
    lifeMilliseconds: 1_800_000,
  });
  const [request] = server.requests;
  assert.equal(request?.method, 'GET');
  assert.equal(request?.path, '/computeMetadata/v1/instance/service-accounts/default/token');
  assert.equal(request?.headers['metadata-flavor'], 'Google');
});

const SERVER = "Google's metadata server";
const FAILURES = [
  ['is somebody else', { json: { access_token: CANARY, expires_in: 60 } }, `what answered is not ${SERVER}`],
  ['refuses', { status: 403, headers: FLAVOR, text: CANARY }, `${SERVER} answered with status 403`],
  ['has no token', { headers: FLAVOR, json: { access_token: CANARY } }, `${SERVER} gave no token`],
  ['answers no JSON', { headers: FLAVOR, text: CANARY }, `${SERVER} answered with what is not understood`],
] as const;

for (const [name, answer, problem] of FAILURES) {
  test(`where the metadata server ${name} the problem tells no secret`, async (t) => {
    const server = await startStandIn(t, () => answer);
    const google = createGoogleIdentity({ environment: { GCE_METADATA_HOST: server.host } });
    assert.deepEqual(await signIn(google), { ok: false, problem });
  });
}

test('a metadata host that is none is not asked', async () => {
  const google = createGoogleIdentity({ environment: { GCE_METADATA_HOST: 'a/b@c' } });
  assert.deepEqual(await signIn(google), { ok: false, problem: 'GCE_METADATA_HOST is not a host' });
});

test('there is an identity only where variables or the firmware show it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-google-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [ours, other] = ['Google Compute Engine\n', 'Standard PC\n'].map((text, index) => {
    const path = join(folder, String(index));
    writeFileSync(path, text);
    return path;
  });
  const absent = join(folder, 'absent');
  const cases: readonly (readonly [Environment, string | undefined, boolean])[] = [
    [{}, absent, false],
    [{}, other, false],
    [{}, ours, true],
    [{ METADATA_SERVER_DETECTION: 'none' }, ours, false],
    [{ METADATA_SERVER_DETECTION: 'none', GCE_METADATA_HOST: 'x' }, absent, false],
    [{ METADATA_SERVER_DETECTION: 'assume-present' }, absent, true],
    [{ GCE_METADATA_HOST: 'metadata.internal' }, absent, true],
    [{ GOOGLE_APPLICATION_CREDENTIALS: '/x.json' }, absent, true],
  ];
  for (const [environment, productNameFile = absent, expected] of cases) {
    const identity = createGoogleIdentity({ environment, productNameFile });
    assert.equal(await identity.isPresent(), expected, JSON.stringify(environment));
  }
});

test("only Google's registries are its own, and one token opens them all", () => {
  const google = createGoogleIdentity({ environment: {} });
  for (const host of ['gcr.io', 'eu.gcr.io', 'europe-west1-docker.pkg.dev', 'us-docker.pkg.dev']) {
    assert.equal(google.keyOf(host), 'google', host);
  }
  const others = [
    'pkg.dev',
    'gcr.io.evil.com',
    'evilgcr.io',
    'a.b.gcr.io',
    'gcr.io:444',
    'a.pkg.dev.evil.com',
    'k8s.gcr.io.x',
  ];
  for (const host of [...others, 'evilpkg.dev', 'docker.io', '.gcr.io']) assert.equal(google.keyOf(host), null, host);
});

test('a federated identity comes before the metadata server', async (t) => {
  const server = await startStandIn(t, ({ path }) =>
    path === '/sts' ? { json: { access_token: 'federated', expires_in: 600 } } : null,
  );
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-google-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [path, subject] = [join(folder, 'config.json'), join(folder, 'token')];
  writeFileSync(subject, 'subject');
  const source = { credential_source: { file: subject }, token_url: `${server.url}/sts` };
  writeFileSync(path, JSON.stringify({ type: 'external_account', audience: 'a', subject_token_type: 'b', ...source }));
  const environment = { GOOGLE_APPLICATION_CREDENTIALS: path, GCE_METADATA_HOST: server.host };
  const answer = await signIn(createGoogleIdentity({ environment }));
  assert.deepEqual(answer.ok && answer.credential, {
    kind: 'basic',
    username: 'oauth2accesstoken',
    password: 'federated',
  });
  writeFileSync(path, '{}');
  assert.equal((await signIn(createGoogleIdentity({ environment }))).ok, false);
});
