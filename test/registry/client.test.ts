import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import type { Credential } from '../../src/core/image/credentials.ts';
import { createFingerprint } from '../../src/registry/answers/fingerprint.ts';
import { createClient, type Described } from '../../src/registry/client.ts';
import { createTransport } from '../../src/registry/connection/transport.ts';
import { findEndpoint } from '../../src/registry/endpoint.ts';
import { RegistryError } from '../../src/registry/error.ts';
import { createInquire, type Target } from '../../src/registry/inquiry.ts';
import { createTokens } from '../../src/registry/token.ts';
import type { Fault } from '../support/faults.ts';
import { registriesOf, startLoopback } from '../support/loopback.ts';
import { type RegistryOptions, startRegistry } from '../support/registry.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const ROBOT: Credential = { kind: 'basic', username: 'robot', password: 'secret' };

async function setUp(t: TestContext, options: RegistryOptions & { alsoListed?: string; patience?: number } = {}) {
  const registry = await startRegistry(options);
  const { alsoListed, patience = 500 } = options;
  const own = { host: registry.host, plainHttp: true, authRealms: [registry.tokenHost] };
  const settings = registriesOf({
    hosts: alsoListed === undefined ? [own] : [own, { host: alsoListed, plainHttp: true }],
  });
  const now = (): number => performance.now();
  const shared = { settings: () => settings, now };
  const transport = createTransport({ ...shared, observe: () => {}, requestMilliseconds: patience });
  const tokens = createTokens({ ...shared, transport, flightMilliseconds: patience });
  const client = createClient(createInquire({ transport, tokens, now }));
  const fingerprint = createFingerprint();
  t.after(async () => {
    await transport.close();
    await registry.close();
  });
  const target = (repository: string, credential: Credential | null = null): Target => ({
    endpoint: findEndpoint(settings, registry.host),
    repository,
    image: `${repository}:1`,
    credential,
    account: fingerprint(credential),
    signal: new AbortController().signal,
  });
  /** The digest and type of a tag, or why there is none. */
  const ask = async (repository: string, credential: Credential | null = null, reference = '1'): Promise<string> =>
    show(await client.describe(target(repository, credential), reference).catch((error: unknown) => error));
  const log = (): string[] => registry.requests.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`);
  return { registry, client, target, ask, log };
}

function show(outcome: unknown): string {
  if (outcome instanceof RegistryError) return outcome.reason;
  const { digest, mediaType } = outcome as Described;
  return typeof digest === 'string' ? `${digest} ${mediaType}` : String(outcome);
}

test('a tag costs one HEAD', async (t) => {
  const { registry, ask, log } = await setUp(t);
  const digest = registry.pushIndex('app', '1', ['linux/amd64', 'linux/arm64']);
  assert.equal(await ask('app'), `${digest} ${INDEX}`);
  assert.deepEqual(log(), ['HEAD /v2/app/manifests/1']);
  assert.equal(registry.requests[0]?.accept.split(', ').length, 4);
});

test('a manifest of each of the four types is known by its digest and type', async (t) => {
  const { registry, ask } = await setUp(t);
  const docker = registry.pushImage('docker', '1', { format: 'docker' });
  assert.equal(await ask('docker'), `${docker} application/vnd.docker.distribution.manifest.v2+json`);
  assert.equal(await ask('docker', null, docker), `${docker} application/vnd.docker.distribution.manifest.v2+json`);
  const oci = registry.pushImage('oci', '1');
  assert.equal(await ask('oci'), `${oci} ${IMAGE}`);
});

const other = `sha256:${'b'.repeat(64)}`;
const header = (value: string | readonly string[] | null): Fault => ({
  kind: 'header',
  name: 'docker-content-digest',
  value,
});
const type = (value: string | null): Fault => ({ kind: 'header', name: 'content-type', value });
const status = (code: number, headers = {}): Fault => ({ kind: 'status', status: code, headers });

// [what goes wrong, with which method, what comes of it: the digest all the same, or a reason; requests that it took]
const faults: readonly (readonly [string, Fault, 'HEAD' | 'GET' | 'both', string, number])[] = [
  ['no digest header', header(null), 'HEAD', 'resolved', 2],
  ['no digest header at all', header(null), 'both', 'resolved', 2],
  ['a malformed digest header', header('sha256:../../x'), 'HEAD', 'resolved', 2],
  ['a malformed digest header always', header('sha256:../../x'), 'both', 'WrongDigest', 2],
  ['an upper-case digest header always', header(other.toUpperCase()), 'both', 'WrongDigest', 2],
  ['an empty digest header always', header(''), 'both', 'WrongDigest', 2],
  ['two digest headers', header([other, other]), 'both', 'WrongDigest', 2],
  ['another algorithm in the header', header(`md5:${'a'.repeat(32)}`), 'both', 'WrongDigest', 2],
  ['a digest header of something else on GET', header(other), 'GET', 'resolved', 1],
  ['HEAD refused with 405', status(405), 'HEAD', 'resolved', 2],
  ['HEAD refused with 404', status(404), 'HEAD', 'resolved', 2],
  ['HEAD refused with 403', status(403), 'HEAD', 'resolved', 2],
  ['HEAD refused with 400', status(400), 'HEAD', 'resolved', 2],
  ['HEAD refused with 500', status(500), 'HEAD', 'resolved', 2],
  ['404', status(404), 'both', 'Unknown', 2],
  ['410', status(410), 'both', 'Unknown', 2],
  ['403', status(403), 'both', 'Forbidden', 2],
  ['451', status(451), 'both', 'Forbidden', 2],
  ['400', status(400), 'both', 'NoManifest', 2],
  ['304', status(304), 'both', 'NoManifest', 2],
  ['204', status(204), 'both', 'NoManifest', 2],
  ['500', status(500), 'both', 'ServerError', 2],
  ['502', status(502), 'both', 'ServerError', 2],
  ['522', status(522), 'both', 'ServerError', 2],
  ['408', status(408), 'both', 'ServerError', 2],
  ['503 with Retry-After', status(503, { 'retry-after': '5' }), 'both', 'ServerError', 1],
  ['401 without a challenge', status(401), 'both', 'SignInWanted', 1],
  ['429', status(429), 'both', 'TooManyRequests', 1],
  ['a web page', type('text/html; charset=utf-8'), 'both', 'NoManifest', 2],
  ['a vague type', type('application/json'), 'both', 'resolved', 2],
  ['no type', type(null), 'both', 'resolved', 2],
  ['schema 1', type('application/vnd.docker.distribution.manifest.v1+prettyjws'), 'both', 'OldManifest', 1],
  ['a hang before the headers', { kind: 'hang', after: 'request' }, 'both', 'TimedOut', 1],
  ['a reset', { kind: 'reset', after: 'request' }, 'both', 'NoConnection', 2],
  ['redirects without end', { kind: 'redirect', location: '?again' }, 'both', 'RedirectLoop', 6],
  ['a redirect to nowhere', { kind: 'redirect', location: 'http://' }, 'both', 'NotUnderstood', 1],
];

for (const [what, fault, method, expected, requests] of faults) {
  test(`a registry with ${what} (${method}): ${expected}`, async (t) => {
    const { registry, ask } = await setUp(t);
    const digest = registry.pushImage('app', '1');
    registry.fault(fault, method === 'both' ? {} : { method });
    assert.equal(await ask('app'), expected === 'resolved' ? `${digest} ${IMAGE}` : expected);
    assert.equal(registry.requests.length, requests);
  });
}

// With no digest header the body of GET has to tell.
const bodies: readonly (readonly [string, Fault, string])[] = [
  ['is no manifest', { kind: 'body', body: '{}' }, 'NoManifest'],
  ['is a web page', { kind: 'body', body: '<html>' }, 'NoManifest'],
  ['has no end', { kind: 'endless' }, 'TooLarge'],
  ['comes too slowly', { kind: 'trickle', bytes: 1 }, 'TimedOut'],
  ['hangs', { kind: 'hang', after: 'headers' }, 'TimedOut'],
  ['breaks off', { kind: 'reset', after: 'headers' }, 'NoConnection'],
  ['is a bomb', { kind: 'bomb', bytes: 20_000_000 }, 'TooLarge'],
];

for (const [what, fault, expected] of bodies) {
  test(`a manifest whose body ${what}: ${expected}`, async (t) => {
    // What does not depend on the time may take longer on a busy machine.
    const { registry, ask } = await setUp(t, expected === 'TimedOut' ? {} : { patience: 20_000 });
    registry.pushIndex(
      'app',
      '1',
      Array.from({ length: 40 }, (_, number) => `linux/arm/v${number}`),
    );
    registry.fault(header(null));
    registry.fault(fault, { method: 'GET' });
    assert.equal(await ask('app'), expected);
  });
}

test('a body that a proxy compressed is hashed as it was', async (t) => {
  const { registry, ask } = await setUp(t);
  const digest = registry.pushImage('app', '1');
  registry.fault(header(null));
  registry.fault({ kind: 'gzip' }, { method: 'GET' });
  assert.equal(await ask('app'), `${digest} ${IMAGE}`);
});

test('a body that is not what its header says is refused, also for a digest that was asked for', async (t) => {
  const { registry, ask } = await setUp(t);
  const digest = registry.pushImage('app', '1');
  const swapped = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config: {}, layers: [] });
  registry.fault({ kind: 'body', body: swapped }, { method: 'GET' });
  registry.fault({ kind: 'status', status: 405 }, { method: 'HEAD' });
  assert.equal(await ask('app'), 'WrongDigest');
  assert.equal(await ask('app', null, digest), 'WrongDigest');
});

test('a digest is asked for as such, and another one in the header is not taken', async (t) => {
  const { registry, ask, log } = await setUp(t);
  const digest = registry.pushImage('app', '1');
  assert.equal(await ask('app', null, digest), `${digest} ${IMAGE}`);
  registry.fault(header(other), { method: 'HEAD' });
  assert.equal(await ask('app', null, digest), `${digest} ${IMAGE}`);
  assert.deepEqual(
    log(),
    ['HEAD', 'HEAD', 'GET'].map((method) => `${method} /v2/app/manifests/${digest}`),
  );
});

test('sha512 is a digest like others', async (t) => {
  const { registry, ask } = await setUp(t);
  const body = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config: {}, layers: [] });
  registry.pushManifest('app', '1', IMAGE, body);
  const sha512 = `sha512:${createHash('sha512').update(body).digest('hex')}`;
  registry.fault(header(sha512));
  assert.equal(await ask('app'), `${sha512} ${IMAGE}`);
  registry.fault({ kind: 'status', status: 405 }, { method: 'HEAD' });
  assert.equal(await ask('app'), `${sha512} ${IMAGE}`);
});

test('a password goes to a registry that asks for one, once it has asked', async (t) => {
  const { registry, ask } = await setUp(t, { auth: 'basic' });
  const digest = registry.pushImage('app', '1');
  assert.equal(await ask('app'), 'SignInWanted');
  assert.equal(await ask('app', { ...ROBOT, password: 'wrong' }), 'SignInRefused');
  registry.clearRequests();
  assert.equal(await ask('app', ROBOT), `${digest} ${IMAGE}`);
  assert.equal(await ask('app', ROBOT), `${digest} ${IMAGE}`);
  assert.deepEqual(
    registry.requests.map(({ authorization }) => authorization),
    ['basic', 'basic'],
    'that it wants one is remembered',
  );
});

test('with tokens a first image costs a refused HEAD, a token and a HEAD, the next a token and a HEAD, then a HEAD', async (t) => {
  const { registry, ask, log } = await setUp(t, { auth: 'token' });
  for (const repository of ['one', 'two']) registry.pushImage(repository, '1');
  await ask('one', ROBOT);
  assert.deepEqual(log(), ['HEAD /v2/one/manifests/1', 'GET /token', 'HEAD /v2/one/manifests/1']);
  registry.clearRequests();
  assert.match(await ask('two', ROBOT), /^sha256:/);
  assert.deepEqual(log(), ['GET /token', 'HEAD /v2/two/manifests/1']);
  registry.clearRequests();
  await ask('two', ROBOT);
  assert.deepEqual(log(), ['HEAD /v2/two/manifests/1']);
});

test('a token that the registry does not take any more is renewed once, and no more often', async (t) => {
  const { registry, ask, log } = await setUp(t, { auth: 'token' });
  registry.pushImage('app', '1');
  await ask('app', ROBOT);
  const challenge = `Bearer realm="http://${registry.tokenHost}/token",service="test-registry"`;
  registry.clearRequests();
  registry.fault({ kind: 'challenge', challenge }, { path: /manifests/, times: 1 });
  await ask('app', ROBOT);
  assert.deepEqual(log(), ['HEAD /v2/app/manifests/1', 'GET /token', 'HEAD /v2/app/manifests/1']);
  registry.clearRequests();
  registry.fault({ kind: 'challenge', challenge }, { path: /manifests/ });
  assert.equal(await ask('app', ROBOT), 'SignInRefused');
  assert.equal(registry.requests.length, 3);
});

test('a bearer token goes to its registry as it is, and nowhere else', async (t) => {
  const { registry, ask, log } = await setUp(t, { auth: 'token' });
  registry.pushImage('app', '1');
  assert.equal(await ask('app', { kind: 'bearer', token: 'registrytoken' }), 'SignInRefused');
  assert.deepEqual(log(), ['HEAD /v2/app/manifests/1']);
  assert.equal(registry.requests[0]?.authorization, 'bearer');
});

test('where a redirect leads to may not ask for the credentials', async (t) => {
  const away = await startLoopback((_request, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="away"' }).end(),
  );
  t.after(() => away.close());
  const { registry, ask } = await setUp(t, { alsoListed: away.host });
  registry.fault({ kind: 'redirect', location: `http://${away.host}/` });
  assert.equal(await ask('app', ROBOT), 'SignInRefused');
  assert.deepEqual(
    registry.requests.map(({ authorization }) => authorization),
    [null],
  );
  assert.equal(away.requests.length, 1);
});

test('manifests and blobs are fetched by digest and are what it names', async (t) => {
  const { registry, client, target } = await setUp(t);
  const digest = registry.pushImage('app', '1');
  const manifest = await client.fetchManifest(target('app'), digest);
  assert.ok(manifest.kind === 'image' && manifest.config !== null);
  const blob = await client.fetchBlob(target('app'), manifest.config.digest);
  assert.equal(JSON.parse(blob.toString()).os, 'linux');
  registry.fault({ kind: 'body', body: '{}' });
  await assert.rejects(client.fetchManifest(target('app'), digest), { reason: 'WrongDigest' });
  await assert.rejects(client.fetchBlob(target('app'), manifest.config.digest), { reason: 'WrongDigest' });
});

test('messages name the host and the image, and never what the registry wrote', async (t) => {
  const { registry, client, target } = await setUp(t);
  registry.fault({ kind: 'status', status: 403, headers: { 'x-canary': 'canary' }, body: 'canary 10.0.0.1' });
  await assert.rejects(client.describe(target('app'), '1'), {
    message: `${registry.host} forbids app:1: check what the credentials may read`,
  });
});
