import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { createAmazonIdentity } from '../../../src/registry/cloud/amazon.ts';
import type { SignIn } from '../../../src/registry/cloud/identity.ts';
import { type StandIn, type StandInAnswer, startStandIn } from '../../support/stand-in.ts';

const CANARY = 'canary-4711';
const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const TARGET = 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken';

/** AWS's client reads the process's own environment: it holds only these variables of AWS while the test runs. */
function setEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  const isolation = {
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, isolation, variables);
  t.after(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

function openFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-amazon-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  writeFileSync(path, text);
  return path;
}

function tokenAnswer(password: string, lifeSeconds: number): StandInAnswer {
  const authorizationToken = Buffer.from(`AWS:${password}`).toString('base64');
  const expiresAt = Date.now() / 1000 + lifeSeconds;
  const headers = { 'content-type': 'application/x-amz-json-1.1' };
  return {
    headers,
    json: { authorizationData: [{ authorizationToken, expiresAt, proxyEndpoint: `https://${HOST}` }] },
  };
}

const ASSUMED = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult><Credentials>
    <AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken>
    <Expiration>2099-01-01T00:00:00Z</Expiration>
  </Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>`;

/** ECR, STS and the agent of Pod Identity at once, of which ECR's answer may be replaced. */
function startAmazon(t: TestContext, ecr: StandInAnswer = tokenAnswer('password', 43_200)): Promise<StandIn> {
  return startStandIn(t, ({ path, headers }) => {
    if (headers['x-amz-target'] === TARGET) return ecr;
    if (path === '/pod-identity') {
      return { json: { AccessKeyId: 'POD', SecretAccessKey: 's', Token: 't', Expiration: '2099-01-01T00:00:00Z' } };
    }
    return { headers: { 'content-type': 'text/xml' }, text: ASSUMED };
  });
}

function signIn(host = HOST): Promise<SignIn> {
  return createAmazonIdentity({ environment: process.env }).signIn(host, AbortSignal.timeout(10_000));
}

const SESSION = { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session' };

test("IRSA: the service account's token becomes a role, and that a password for the registry", async (t) => {
  const amazon = await startAmazon(t);
  setEnvironment(t, {
    AWS_ENDPOINT_URL: amazon.url,
    AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/tagpin',
    AWS_WEB_IDENTITY_TOKEN_FILE: openFile(t, 'service-account-token'),
  });
  const answer = await signIn();
  assert.ok(answer.ok, JSON.stringify(answer));
  assert.deepEqual(answer.credential, { kind: 'basic', username: 'AWS', password: 'password' });
  assert.ok(answer.lifeMilliseconds > 43_190_000 && answer.lifeMilliseconds <= 43_200_000);
  const [sts, ecr] = amazon.requests;
  const form = new URLSearchParams(sts?.body);
  assert.equal(form.get('Action'), 'AssumeRoleWithWebIdentity');
  assert.equal(form.get('WebIdentityToken'), 'service-account-token');
  assert.match(ecr?.headers.authorization ?? '', /Credential=ASSUMED\/\d+\/eu-west-1\/ecr\//);
  assert.equal(amazon.requests.length, 2);
});

test("EKS Pod Identity: the agent's credentials are used", async (t) => {
  const amazon = await startAmazon(t);
  setEnvironment(t, {
    AWS_ENDPOINT_URL: amazon.url,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${amazon.url}/pod-identity`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: openFile(t, 'pod-token'),
  });
  assert.ok((await signIn()).ok);
  const [agent, ecr] = amazon.requests;
  assert.equal(agent?.headers.authorization, 'pod-token');
  assert.match(ecr?.headers.authorization ?? '', /Credential=POD\//);
});

test('a token is asked of the region in the name of the registry', async (t) => {
  const amazon = await startAmazon(t);
  setEnvironment(t, { ...SESSION, AWS_ENDPOINT_URL: amazon.url, AWS_REGION: 'us-east-1' });
  await signIn('123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn');
  assert.match(amazon.requests[0]?.headers.authorization ?? '', /\/cn-north-1\/ecr\//);
});

const FAILURES: readonly (readonly [string, StandInAnswer, RegExp])[] = [
  [
    'refuses',
    { status: 400, json: { __type: 'AccessDeniedException', message: CANARY } },
    /^AWS gave no token \(AccessDeniedException\)$/,
  ],
  ['answers no JSON', { text: CANARY }, /^AWS gave no token \([A-Za-z]+\)$/],
  ['answers without a token', { json: {} }, /^ECR gave no token$/],
  ['answers with a token that is none', tokenAnswer('a b', 10), /^ECR gave no token$/],
];

for (const [name, answer, problem] of FAILURES) {
  test(`where ECR ${name} the problem tells no secret`, async (t) => {
    const amazon = await startAmazon(t, answer);
    setEnvironment(t, { ...SESSION, AWS_ENDPOINT_URL: amazon.url });
    const result = await signIn();
    assert.ok(!result.ok);
    assert.match(result.problem, problem);
    assert.ok(!result.problem.includes(CANARY));
  });
}

test('signing in ends with the signal', async (t) => {
  const amazon = await startStandIn(t, () => null);
  setEnvironment(t, { ...SESSION, AWS_ENDPOINT_URL: amazon.url });
  const identity = createAmazonIdentity({ environment: process.env });
  assert.deepEqual(await identity.signIn(HOST, AbortSignal.timeout(100)), {
    ok: false,
    problem: 'AWS gave no token (AbortError)',
  });
});

test('there is an identity only where variables show it', async () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, boolean])[] = [
    [{}, false],
    [{ AWS_REGION: 'eu-west-1', AWS_PROFILE: 'x' }, false],
    [{ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }, false],
    [SESSION, true],
    [{ AWS_ROLE_ARN: 'a' }, false],
    [{ AWS_ROLE_ARN: 'a', AWS_WEB_IDENTITY_TOKEN_FILE: '/t' }, true],
    [{ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials' }, true],
    [{ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/x' }, true],
  ];
  for (const [environment, expected] of cases) {
    assert.equal(await createAmazonIdentity({ environment }).isPresent(), expected, JSON.stringify(environment));
  }
});

test('only private registries of ECR are its own, and those of a region share a token', async () => {
  const amazon = createAmazonIdentity({ environment: {} });
  const own = {
    [HOST]: 'dkr.ecr.eu-west-1.amazonaws.com',
    '999999999999.dkr.ecr.eu-west-1.amazonaws.com': 'dkr.ecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com': 'dkr.ecr-fips.us-gov-west-1.amazonaws.com',
    '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn': 'dkr.ecr.cn-north-1.amazonaws.com.cn',
    '123456789012.dkr-ecr.eu-west-1.on.aws': 'dkr-ecr.eu-west-1.on.aws',
  };
  for (const [host, key] of Object.entries(own)) assert.equal(amazon.keyOf(host), key);
  for (const host of [
    'public.ecr.aws',
    '12345678901.dkr.ecr.eu-west-1.amazonaws.com',
    `${HOST}.evil.com`,
    `x.${HOST}`,
    `${HOST}:8443`,
    '123456789012.dkr.ecr.eu-west-1.evil.amazonaws.com',
    '123456789012.dkr.ecr..amazonaws.com',
    '123456789012.dkr.ecr.eu-west-1.amazonaws.co',
    '123456789012.dkr.ecr.eu-west-1.on.aws',
    '123456789012.dkr-ecr.eu-west-1.amazonaws.com',
    '123456789012-dkr.ecr.eu-west-1.amazonaws.com',
    'docker.io',
  ]) {
    assert.equal(amazon.keyOf(host), null, host);
    assert.equal((await amazon.signIn(host, AbortSignal.timeout(1000))).ok, false);
  }
});
