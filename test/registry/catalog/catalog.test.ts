import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Keychain } from '../../../src/core/image/credentials.ts';
import { parsePlatform } from '../../../src/core/image/platform.ts';
import type { Catalog } from '../../../src/registry/catalog/catalog.ts';
import { type ResolverSetUp, ROBOT, reference, startResolver } from '../../support/resolver.ts';

async function start(t: TestContext, options: ResolverSetUp = {}) {
  const { registry, resolver } = await startResolver(t, options);
  const catalog: Catalog = resolver;
  const inspect = (image: string, platforms: readonly string[] = [], keychain: Keychain = async () => []) =>
    catalog.inspect({
      reference: reference(`${registry.host}/${image}`),
      platforms: platforms.map((text) => {
        const parsed = parsePlatform(text);
        return parsed.ok ? parsed.platform : assert.fail(text);
      }),
      keychain,
      signal: AbortSignal.timeout(5000),
    });
  return { registry, catalog, inspect };
}

const CREATED = '2026-11-21T10:00:00Z';
const BUILT = Date.parse(CREATED);

test('an image tells its digest, when it was built, and whether it runs on a platform', async (t) => {
  const { registry, inspect } = await start(t);
  const digest = registry.pushImage('app', '1', { platform: 'linux/arm64/v8', created: CREATED });
  const inspected = { kind: 'inspected', digest, built: BUILT, fits: true };
  assert.deepEqual(await inspect('app:1'), inspected);
  assert.deepEqual(await inspect(`app@${digest}`, ['linux/amd64', 'linux/arm64']), inspected);
  assert.deepEqual(await inspect('app:1', ['linux/amd64']), { ...inspected, built: null, fits: false });
});

test('of an index the wanted platforms are looked into, and the digest stays that of the index', async (t) => {
  const { registry, inspect } = await start(t);
  const digest = registry.pushIndex('app', '1', ['linux/amd64', 'linux/arm64']);
  assert.deepEqual(await inspect('app:1', ['linux/arm64']), { kind: 'inspected', digest, built: null, fits: true });
  const wanted = await inspect('app:1', ['windows/amd64']);
  assert.equal(wanted.kind === 'inspected' && wanted.fits, false);
});

test('what is in an image is asked once for each credential and platform, what its tag means each time', async (t) => {
  const { registry, inspect } = await start(t);
  const digest = registry.pushImage('app', '1', { platform: 'linux/amd64', created: CREATED });
  const asked = async (...args: Parameters<typeof inspect>) => {
    registry.clearRequests();
    const inspected = await inspect(...args);
    return [inspected, registry.requests.map(({ method }) => method).join(' ')];
  };
  const inspected = { kind: 'inspected', digest, built: BUILT, fits: true };
  assert.deepEqual(await asked('app:1'), [inspected, 'HEAD GET GET']);
  assert.deepEqual(await asked('app:1'), [inspected, 'HEAD']);
  registry.moveTag('app', '2', digest);
  assert.deepEqual(await asked('app:2'), [inspected, 'HEAD']);
  const unfit = { ...inspected, built: null, fits: false };
  assert.deepEqual(await asked('app:1', ['linux/arm64']), [unfit, 'HEAD GET GET']);
  assert.deepEqual(await asked('app:1', ['linux/arm64']), [unfit, 'HEAD']);
  assert.deepEqual(await asked('app:1', [], async () => [ROBOT]), [inspected, 'HEAD GET GET']);
  const moved = registry.pushImage('app', '1', { created: CREATED });
  assert.deepEqual(await asked('app:1'), [{ ...inspected, digest: moved }, 'HEAD GET GET']);
});

test('what could not be looked into is looked into again', async (t) => {
  const { registry, inspect } = await start(t);
  const digest = registry.pushImage('app', '1', { created: CREATED });
  const mend = registry.fault({ kind: 'status', status: 404 }, { path: /blobs/ });
  const failed = await inspect('app:1');
  assert.equal(failed.kind === 'failed' && failed.code, 'NotFound');
  mend();
  assert.deepEqual(await inspect('app:1'), { kind: 'inspected', digest, built: BUILT, fits: true });
});

test('the credentials are tried one after the other, without any last', async (t) => {
  const { registry, inspect, catalog } = await start(t, { auth: 'token' });
  registry.pushImage('app', '1', { created: CREATED });
  const wrong = { ...ROBOT, password: 'wrong' } as const;
  const found = await inspect('app:1', [], async () => [wrong, ROBOT]);
  assert.equal(found.kind === 'inspected' && found.built, BUILT);
  const refused = await inspect('app:1', [], async () => [wrong]);
  assert.equal(refused.kind === 'failed' && refused.code, 'Unauthorized');
  const listed = await catalog.listTags({
    reference: reference(`${registry.host}/app`),
    keychain: async () => [wrong, ROBOT],
    signal: AbortSignal.timeout(5000),
  });
  assert.deepEqual(listed, { kind: 'listed', tags: ['1'] });
});

test('a registry that hangs costs the time of the question, and no more', async (t) => {
  const { registry, catalog } = await start(t);
  registry.pushImage('app', '1');
  registry.fault({ kind: 'hang', after: 'request' });
  const listed = await catalog.listTags({
    reference: reference(`${registry.host}/app`),
    keychain: async () => [],
    signal: AbortSignal.timeout(200),
  });
  assert.equal(listed.kind === 'failed' && listed.code, 'Timeout');
});
