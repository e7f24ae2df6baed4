import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Agent, request } from 'undici';
import { issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import { MEDIA_TYPES } from './manifests.ts';
import { type RegistryOptions, startRegistry, type TestRegistry } from './registry.ts';

const ACCEPT = Object.values(MEDIA_TYPES)
  .flatMap(({ index, manifest }) => [index, manifest])
  .join(', ');

async function open(t: TestContext, options?: RegistryOptions): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  t.after(() => registry.close());
  return registry;
}

function get(registry: TestRegistry, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${registry.url}/v2/${path}`, {
    redirect: 'manual',
    ...init,
    headers: { accept: ACCEPT, ...(init.headers as Record<string, string>) },
  });
}

function sum(body: ArrayBuffer | string): string {
  const bytes = typeof body === 'string' ? body : Buffer.from(body);
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

test('a manifest has its digest, by tag and by digest, by HEAD and by GET', async (t) => {
  const registry = await open(t);
  const image = registry.pushImage('team/app', '1.0');
  const index = registry.pushIndex('team/app', '2.0', ['linux/amd64', 'linux/arm/v7']);
  const docker = registry.pushIndex('team/app', '3.0', ['linux/amd64'], { format: 'docker' });
  const expected = [
    ['1.0', image, MEDIA_TYPES.oci.manifest],
    ['2.0', index, MEDIA_TYPES.oci.index],
    ['3.0', docker, MEDIA_TYPES.docker.index],
    [image, image, MEDIA_TYPES.oci.manifest],
  ] as const;
  for (const [reference, digest, mediaType] of expected) {
    const path = `team/app/manifests/${reference}`;
    const head = await get(registry, path, { method: 'HEAD' });
    const whole = await get(registry, path);
    for (const answer of [head, whole]) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('docker-content-digest'), digest);
      assert.equal(answer.headers.get('content-type'), mediaType);
    }
    const body = await whole.arrayBuffer();
    assert.equal(sum(body), digest);
    assert.equal(head.headers.get('content-length'), String(body.byteLength));
  }
  assert.equal(registry.requests.length, 8);
  assert.equal(registry.requests[0]?.path, '/v2/team/app/manifests/1.0');
});

test('images differ unless they are built from the same', async (t) => {
  const registry = await open(t);
  assert.notEqual(registry.pushImage('a', '1'), registry.pushImage('a', '2'));
  assert.equal(registry.pushImage('a', '3', { label: 'x' }), registry.pushImage('b', '1', { label: 'x' }));
});

test('what an index names is there, down to a layer that is a tar archive', async (t) => {
  const registry = await open(t);
  registry.pushIndex('app', '1', ['linux/amd64', 'linux/arm/v7']);
  const index = (await (await get(registry, 'app/manifests/1')).json()) as {
    manifests: { digest: string; platform: object }[];
  };
  assert.deepEqual(index.manifests[1]?.platform, { os: 'linux', architecture: 'arm', variant: 'v7' });
  const image = (await (await get(registry, `app/manifests/${index.manifests[1]?.digest}`)).json()) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  const config = (await (await get(registry, `app/blobs/${image.config.digest}`)).json()) as {
    rootfs: { diff_ids: string[] };
  };
  const layer = await (await get(registry, `app/blobs/${image.layers[0]?.digest}`)).arrayBuffer();
  assert.equal(sum(new Uint8Array(gunzipSync(layer)).buffer), config.rootfs.diff_ids[0]);
});

test('a media type that was not asked for is not found, or reduced to amd64, as distribution does', async (t) => {
  const registry = await open(t);
  registry.pushImage('app', 'image');
  registry.pushIndex('app', 'index', ['linux/arm64']);
  registry.pushIndex('app', 'docker', ['linux/arm64', 'linux/amd64'], { format: 'docker' });
  const accept = MEDIA_TYPES.docker.manifest;
  assert.equal((await get(registry, 'app/manifests/image', { headers: { accept } })).status, 404);
  assert.equal((await get(registry, 'app/manifests/index', { headers: { accept } })).status, 404);
  assert.equal((await get(registry, 'app/manifests/image', { headers: { accept: '*/*' } })).status, 404);
  const reduced = await get(registry, 'app/manifests/docker', { headers: { accept } });
  assert.equal(reduced.headers.get('content-type'), accept);
});

test('tags move, go, and come in pages', async (t) => {
  const registry = await open(t);
  const first = registry.pushImage('app', 'b');
  for (const tag of ['c', 'a', 'B']) registry.pushImage('app', tag);
  registry.moveTag('app', 'c', first);
  registry.removeTag('app', 'a');
  assert.equal((await get(registry, 'app/manifests/c')).headers.get('docker-content-digest'), first);
  assert.equal((await get(registry, 'app/manifests/a')).status, 404);
  const page = await get(registry, 'app/tags/list?n=2');
  assert.deepEqual(await page.json(), { name: 'app', tags: ['B', 'b'] });
  assert.equal(page.headers.get('link'), '</v2/app/tags/list?last=b&n=2>; rel="next"');
  const last = await get(registry, 'app/tags/list?last=b&n=2');
  assert.deepEqual(await last.json(), { name: 'app', tags: ['c'] });
  assert.equal(last.headers.get('link'), null);
  assert.equal((await get(registry, 'none/tags/list')).status, 404);
  registry.removeManifest('app', first);
  assert.equal((await get(registry, 'app/manifests/c')).status, 404);
});

test('clients can push: blobs at once or in parts, then a manifest whose parts are there', async (t) => {
  const registry = await open(t);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.oci.manifest,
    config: { digest: sum('{}') },
    layers: [{ digest: sum('layer') }],
  });
  const put = () =>
    get(registry, 'app/manifests/1', {
      method: 'PUT',
      body: manifest,
      headers: { 'content-type': MEDIA_TYPES.oci.manifest },
    });
  assert.equal((await put()).status, 400);
  assert.equal(
    (await get(registry, `app/blobs/uploads/?digest=${sum('{}')}`, { method: 'POST', body: '{}' })).status,
    201,
  );
  const started = await get(registry, 'app/blobs/uploads/', { method: 'POST' });
  assert.equal(started.status, 202);
  const location = registry.url + (started.headers.get('location') ?? '');
  assert.equal((await fetch(location, { method: 'PATCH', body: 'lay' })).headers.get('range'), '0-2');
  assert.equal((await fetch(`${location}?digest=${sum('other')}`, { method: 'PUT', body: 'er' })).status, 400);
  const again = await get(registry, 'app/blobs/uploads/', { method: 'POST' });
  const where = `${registry.url}${again.headers.get('location')}?digest=${encodeURIComponent(sum('layer'))}`;
  assert.equal((await fetch(where, { method: 'PUT', body: 'layer' })).status, 201);
  assert.equal((await put()).status, 201);
  assert.equal((await get(registry, 'app/manifests/1')).headers.get('docker-content-digest'), sum(manifest));
});

test('with passwords, only who has one may ask', async (t) => {
  const registry = await open(t, { auth: 'basic', passwords: { alice: 'a:b' } });
  registry.pushImage('app', '1');
  const refused = await get(registry, 'app/manifests/1');
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.get('www-authenticate'), 'Basic realm="test-registry"');
  assert.equal((await get(registry, 'app/manifests/1', { headers: basic('alice', 'wrong') })).status, 401);
  assert.equal((await get(registry, 'app/manifests/1', { headers: basic('alice', 'a:b') })).status, 200);
  assert.deepEqual(
    registry.requests.map(({ authorization }) => authorization),
    [null, 'basic', 'basic'],
  );
});

for (const tokensFrom of ['registry', 'elsewhere'] as const) {
  test(`with tokens from ${tokensFrom}, a token opens what it is for`, async (t) => {
    const registry = await open(t, {
      auth: 'token',
      tokensFrom,
      refreshTokens: { 'long-lived': 'robot' },
      actions: (user, repository) => (user !== null || repository === 'public' ? ['pull'] : []),
    });
    for (const name of ['public', 'private']) registry.pushImage(name, '1');
    assert.equal(registry.tokenHost === registry.host, tokensFrom === 'registry');
    const refused = await get(registry, 'private/manifests/1');
    const realm = `http://${registry.tokenHost}/token`;
    assert.equal(
      refused.headers.get('www-authenticate'),
      `Bearer realm="${realm}",service="test-registry",scope="repository:private:pull"`,
    );

    const ask = async (name: string, init: RequestInit = {}): Promise<string> => {
      const query = init.method === 'POST' ? '' : `?service=test-registry&scope=repository:${name}:pull`;
      const answer = await fetch(`${realm}${query}`, init);
      const { token, access_token: accessToken } = (await answer.json()) as Record<string, string>;
      return token ?? accessToken ?? '';
    };
    const use = async (name: string, token: string): Promise<number> =>
      (await get(registry, `${name}/manifests/1`, { headers: { authorization: `Bearer ${token}` } })).status;

    assert.equal(await use('public', await ask('public')), 200);
    assert.equal(await use('private', await ask('private')), 401);
    assert.equal(await use('private', await ask('public')), 401);
    const signedIn = await ask('private', { headers: basic('robot', 'secret') });
    assert.equal(await use('private', signedIn), 200);
    assert.equal(await use('public', signedIn), 401);
    assert.equal(await use('private', `${signedIn.slice(0, -4)}AAAA`), 401);
    const form = { service: 'test-registry', scope: 'repository:private:pull', grant_type: 'refresh_token' };
    const body = new URLSearchParams({ ...form, refresh_token: 'long-lived' });
    assert.equal(await use('private', await ask('private', { method: 'POST', body })), 200);
    assert.deepEqual(
      registry.tokenRequests.map(({ method, user }) => `${method} ${user}`),
      ['GET null', 'GET null', 'GET null', 'GET robot', 'POST robot'],
    );
  });
}

test('a token ends, and the answer need not say when', async (t) => {
  const registry = await open(t, { auth: 'token', tokenSeconds: 0, actions: () => ['pull'] });
  registry.pushImage('app', '1');
  const asked = await fetch(`${registry.url}/token?service=test-registry&scope=repository:app:pull`);
  const { token } = (await asked.json()) as { token: string };
  assert.equal((await get(registry, 'app/manifests/1', { headers: { authorization: `Bearer ${token}` } })).status, 401);

  const silent = await open(t, { auth: 'token', tokenSeconds: null });
  const answer = await fetch(`${silent.url}/token?service=test-registry`);
  assert.deepEqual(Object.keys((await answer.json()) as object), ['token']);
});

test('it speaks TLS with the certificate that it is given', async (t) => {
  const validity = validFor(new Date(), 3_600_000);
  const authority = await issueAuthority({ name: 'authority', ...validity });
  const tls = await issueServing({ authority, name: 'registry', hosts: ['127.0.0.1'], ...validity });
  const registry = await open(t, { tls });
  const digest = registry.pushImage('app', '1');
  const dispatcher = new Agent({ connect: { ca: authority.certificate } });
  t.after(() => dispatcher.close());
  const url = `${registry.url}/v2/app/manifests/1`;
  assert.match(url, /^https:/);
  const answer = await request(url, { dispatcher, headers: { accept: ACCEPT } });
  await answer.body.dump();
  assert.equal(answer.headers['docker-content-digest'], digest);
  await assert.rejects(fetch(url));

  registry.fault({ kind: 'reset', after: 'request' });
  await assert.rejects(request(url, { dispatcher }));
});

test('faults change the answer', async (t) => {
  const registry = await open(t);
  const digest = registry.pushImage('app', '1');
  const path = 'app/manifests/1';
  const remove = registry.fault({ kind: 'status', status: 429, headers: { 'retry-after': '7' } }, { method: 'HEAD' });
  const limited = await get(registry, path, { method: 'HEAD' });
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '7']);
  assert.equal((await get(registry, path)).status, 200);
  remove();
  assert.equal((await get(registry, path, { method: 'HEAD' })).status, 200);

  registry.fault({ kind: 'header', name: 'docker-content-digest', value: null }, { times: 1 });
  registry.fault({ kind: 'body', body: 'other' }, { times: 1, path: /manifests/ });
  const changed = await get(registry, path);
  assert.equal(changed.headers.get('docker-content-digest'), null);
  assert.equal(await changed.text(), 'other');
  assert.equal((await get(registry, path)).headers.get('docker-content-digest'), digest);

  registry.fault({ kind: 'redirect', location: 'http://169.254.169.254/' }, { times: 1 });
  const moved = await get(registry, path);
  assert.deepEqual([moved.status, moved.headers.get('location')], [307, 'http://169.254.169.254/']);
  registry.fault({ kind: 'challenge', challenge: 'Bearer realm="http://evil"' }, { times: 1 });
  assert.equal((await get(registry, path)).headers.get('www-authenticate'), 'Bearer realm="http://evil"');

  registry.fault({ kind: 'gzip' }, { times: 1 });
  const packed = await get(registry, path);
  assert.equal(packed.headers.get('content-encoding'), 'gzip');
  assert.equal(sum(await packed.arrayBuffer()), digest);
  registry.fault({ kind: 'bomb', bytes: 1_000_000 }, { times: 1 });
  const bomb = await get(registry, path);
  assert.ok(Number(bomb.headers.get('content-length')) < 2000);
  assert.equal((await bomb.arrayBuffer()).byteLength, 1_000_000);
});

test('faults of delivery: hanging, reset, endless and slow answers', async (t) => {
  const registry = await open(t);
  registry.pushImage('app', '1');
  const path = 'app/manifests/1';
  const ask = (): Promise<Response> => get(registry, path, { signal: AbortSignal.timeout(200) });

  registry.fault({ kind: 'hang', after: 'request' }, { times: 1 });
  await assert.rejects(ask(), { name: 'TimeoutError' });
  registry.fault({ kind: 'hang', after: 'headers' }, { times: 1 });
  const half = await ask();
  assert.equal(half.status, 200);
  await assert.rejects(half.arrayBuffer(), { name: 'TimeoutError' });

  registry.fault({ kind: 'reset', after: 'request' }, { times: 1 });
  await assert.rejects(ask(), (error: Error) => (error.cause as { code: string }).code === 'ECONNRESET');
  registry.fault({ kind: 'reset', after: 'headers' }, { times: 1 });
  await assert.rejects(async () => (await ask()).arrayBuffer());

  registry.fault({ kind: 'endless' }, { times: 1 });
  let bytes = 0;
  for await (const chunk of (await get(registry, path)).body ?? []) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > 1_000_000) break;
  }
  assert.ok(bytes > 1_000_000);

  registry.fault({ kind: 'trickle', bytes: 100 }, { times: 1 });
  const started = performance.now();
  assert.ok((await (await get(registry, path)).arrayBuffer()).byteLength > 300);
  assert.ok(performance.now() - started >= 50);
  registry.fault({ kind: 'delay', milliseconds: 60 }, { times: 1 });
  const later = performance.now();
  assert.equal((await get(registry, path)).status, 200);
  assert.ok(performance.now() - later >= 50);
});
