import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Credential } from '../../../src/core/image/credentials.ts';
import { parseReference } from '../../../src/core/image/reference.ts';
import type { CloudIdentity, SignIn } from '../../../src/registry/cloud/identity.ts';
import { type CloudProblem, createCloudKeychain } from '../../../src/registry/cloud/keychain.ts';
import { startStandIn } from '../../support/stand-in.ts';

const CREDENTIAL: Credential = { kind: 'identity', token: 'x' };

interface Opened {
  /** The hosts that were signed in at. */
  readonly signedIn: readonly string[];
  readonly problems: readonly CloudProblem[];
  readonly find: (image: string) => Promise<readonly Credential[]>;
  readonly advance: (milliseconds: number) => void;
}

/** A keychain with one cloud whose registries end in `.cloud.test`. */
function open(answer: SignIn, isPresent = true): Opened {
  const signedIn: string[] = [];
  const problems: CloudProblem[] = [];
  let time = 0;
  const identity: CloudIdentity = {
    name: 'azure',
    keyOf: (host) => (host.endsWith('.cloud.test') ? host.replace(/^twin/, 'one') : null),
    isPresent: async () => isPresent,
    async signIn(host) {
      signedIn.push(host);
      await delay(20);
      return answer;
    },
  };
  const keychain = createCloudKeychain({
    environment: {},
    identities: [identity],
    observe: (problem) => problems.push(problem),
    now: () => time,
  });
  return {
    signedIn,
    problems,
    async find(image) {
      const parsed = parseReference(image);
      assert.ok(parsed.ok);
      return await keychain(parsed.reference);
    },
    advance(milliseconds) {
      time += milliseconds;
    },
  };
}

function good(lifeMilliseconds: number): SignIn {
  return { ok: true, credential: CREDENTIAL, lifeMilliseconds };
}

test("only the cloud's own registries get its credential", async () => {
  const cloud = open(good(3_600_000));
  assert.deepEqual(await cloud.find('one.cloud.test/a'), [CREDENTIAL]);
  for (const image of ['nginx', 'one.cloud.test.evil.com/a', 'one.cloud.test:5000/a']) {
    assert.deepEqual(await cloud.find(image), [], image);
  }
  assert.deepEqual(cloud.signedIn, ['one.cloud.test']);
});

test('one sign-in serves all who ask at once, and all registries that it is good for', async () => {
  const cloud = open(good(3_600_000));
  const images = ['one.cloud.test/a', 'one.cloud.test/b', 'twin.cloud.test/a'];
  for (const found of await Promise.all(images.map((image) => cloud.find(image))))
    assert.deepEqual(found, [CREDENTIAL]);
  await cloud.find('one.cloud.test/c');
  assert.equal(cloud.signedIn.length, 1);
  await cloud.find('two.cloud.test/a');
  assert.equal(cloud.signedIn.length, 2);
});

for (const [life, kept] of [
  [3_600_000, 3_300_000],
  [60_000, 48_000],
] as const) {
  test(`a credential that is good for ${life} ms is kept for ${kept} ms`, async () => {
    const cloud = open(good(life));
    await cloud.find('one.cloud.test/a');
    cloud.advance(kept - 1);
    await cloud.find('one.cloud.test/a');
    assert.equal(cloud.signedIn.length, 1);
    cloud.advance(1);
    await cloud.find('one.cloud.test/a');
    assert.equal(cloud.signedIn.length, 2);
  });
}

test('a failure is told, remembered for a while, and is no credential', async () => {
  const cloud = open({ ok: false, problem: 'it rains' });
  for (const image of ['one.cloud.test/a', 'one.cloud.test/b']) assert.deepEqual(await cloud.find(image), []);
  assert.deepEqual(cloud.problems, [{ cloud: 'azure', host: 'one.cloud.test', problem: 'it rains' }]);
  cloud.advance(30_000);
  await cloud.find('one.cloud.test/a');
  assert.equal(cloud.signedIn.length, 2);
});

test('where there is no identity nothing is asked, and nothing is wrong', async () => {
  const cloud = open(good(3_600_000), false);
  assert.deepEqual(await cloud.find('one.cloud.test/a'), []);
  assert.deepEqual([cloud.signedIn, cloud.problems], [[], []]);
});

test('many different hosts do not make many sign-ins at once', async () => {
  const cloud = open(good(3_600_000));
  const names = Array.from({ length: 100 }, (_, index) => `r${index}.cloud.test/a`);
  const found = await Promise.all(names.map((image) => cloud.find(image)));
  assert.equal(cloud.signedIn.length, 32);
  assert.equal(found.filter((credentials) => credentials.length > 0).length, 32);
});

test('the three clouds are there, each asked for its own registries alone', async (t) => {
  const server = await startStandIn(t, () => ({
    headers: { 'metadata-flavor': 'Google' },
    json: { access_token: 'token', expires_in: 600 },
  }));
  const problems: CloudProblem[] = [];
  const keychain = createCloudKeychain({
    environment: {
      GCE_METADATA_HOST: server.host,
      AZURE_CLIENT_ID: 'a',
      AZURE_TENANT_ID: 'b',
      AZURE_FEDERATED_TOKEN_FILE: '/c',
    },
    observe: (problem) => problems.push(problem),
  });
  const find = async (image: string): Promise<readonly Credential[]> => {
    const parsed = parseReference(image);
    assert.ok(parsed.ok);
    return await keychain(parsed.reference);
  };
  const google = { kind: 'basic', username: 'oauth2accesstoken', password: 'token' };
  assert.deepEqual(await find('gcr.io/project/app'), [google]);
  assert.deepEqual(await find('europe-docker.pkg.dev/project/app'), [google]);
  assert.equal(server.requests.length, 1);
  assert.deepEqual(await find('123456789012.dkr.ecr.eu-west-1.amazonaws.com/app'), []);
  assert.deepEqual(problems, []);
  assert.deepEqual(await find('team.azurecr.io/app'), []);
  assert.deepEqual(problems, [
    { cloud: 'azure', host: 'team.azurecr.io', problem: 'the file in AZURE_FEDERATED_TOKEN_FILE holds no token' },
  ]);
});
