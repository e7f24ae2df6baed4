import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Credential } from '../../../src/core/image/credentials.ts';
import { byDigest, type ImageReference, withTag } from '../../../src/core/image/reference.ts';
import { createArtifacts } from '../../../src/registry/artifact/artifact.ts';
import { RegistryError } from '../../../src/registry/error.ts';
import { digestOf } from '../../support/manifests.ts';
import { type ResolverSetUp, ROBOT, reference, startResolver } from '../../support/resolver.ts';

const BUNDLE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const DIGEST = digestOf('the image');
const TAG = DIGEST.replace(':', '-');

async function start(t: TestContext, options: ResolverSetUp = {}) {
  const { registry, resolver } = await startResolver(t, options);
  const image = reference(`${registry.host}/app@${DIGEST}`);
  const asked = (credentials: readonly Credential[] = []) => ({
    reference: image,
    keychain: async () => credentials,
    signal: AbortSignal.timeout(10_000),
  });
  const list = async (credentials?: readonly Credential[]) => {
    const listed = await resolver.listReferrers({ ...asked(credentials), artifactType: BUNDLE });
    if (listed.kind === 'failed') return `${listed.code}: ${listed.message.replace(registry.host, 'HOST')}`;
    return { names: listed.referrers.map(({ annotations }) => annotations['name']), isCut: listed.isCut };
  };
  const refusal = async (): Promise<string> => {
    const listed = await list();
    return typeof listed === 'string' ? listed : assert.fail(JSON.stringify(listed));
  };
  const api = (manifests: readonly (object | null)[], more: { path?: RegExp; link?: string } = {}) =>
    registry.fault(
      {
        kind: 'status',
        status: 200,
        headers: { 'content-type': INDEX, ...(more.link !== undefined && { link: more.link }) },
        body: JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }),
      },
      { path: more.path ?? /\/referrers\// },
    );
  return { registry, resolver, image, asked, list, refusal, api };
}

function named(name: string, artifactType: string | undefined = BUNDLE): object {
  return { mediaType: MANIFEST, digest: digestOf(name), size: 1, artifactType, annotations: { name } };
}

test('referrers are listed by the API, of one type, also where the registry does not filter', async (t) => {
  const { registry, list, api } = await start(t);
  api([
    named('a'),
    named('an sbom', 'application/spdx+json'),
    { ...named('b'), artifactType: undefined },
    { digest: 'none' },
    null,
  ]);
  assert.deepEqual(await list(), { names: ['a', 'b'], isCut: false });
  const type = 'application%2Fvnd.dev.sigstore.bundle.v0.3%2Bjson';
  assert.deepEqual(
    registry.requests.map(({ path }) => path),
    [`/v2/app/referrers/${DIGEST}?artifactType=${type}`],
  );
});

test('a registry whose filter hides what it lists as something empty is asked again without it', async (t) => {
  const { registry, list, api } = await start(t);
  api([named('a', 'application/vnd.oci.empty.v1+json')]);
  const clear = registry.fault(
    {
      kind: 'status',
      status: 200,
      headers: { 'content-type': INDEX, 'oci-filters-applied': 'artifactType' },
      body: '{"manifests":[]}',
    },
    { path: /artifactType/ },
  );
  assert.deepEqual(await list(), { names: ['a'], isCut: false });
  assert.equal(registry.requests.length, 2);
  clear();
});

test('pages are followed, and a circle of them ends', async (t) => {
  const { list, api } = await start(t);
  api([named('a')], { link: `</v2/app/referrers/${DIGEST}?last=a>; rel="next"` });
  api([named('b')], { path: /last=a/, link: `</v2/app/referrers/${DIGEST}?last=b>; rel="next"` });
  api([named('c')], { path: /last=b/, link: `</v2/app/referrers/${DIGEST}?last=a>; rel="next"` });
  assert.deepEqual(await list(), { names: ['a', 'b', 'c'], isCut: false });
});

test('pages elsewhere are not asked', async (t) => {
  const { registry, api, refusal } = await start(t);
  api([named('a')], { link: '<https://evil.test/v2/app/referrers/x>; rel="next"' });
  assert.match(await refusal(), /^NotAllowed: HOST says that more of what refers to app@sha256:/);
  assert.equal(registry.requests.length, 1);
});

test('ten thousand referrers cost a few pages: a thousand are kept, and it is said that there are more', async (t) => {
  const { registry, list, api } = await start(t);
  const page = Array.from({ length: 1000 }, (_, index) => named(`${index}`));
  api(page, { link: `</v2/app/referrers/${DIGEST}?last=x>; rel="next"` });
  const first = await list();
  assert.ok(typeof first === 'object' && first.names.length === 1000 && first.isCut);
  assert.equal(registry.requests.length, 1);
});

test('a referrer that is listed ten thousand times is one, and hides nobody', async (t) => {
  const { list, api } = await start(t);
  api([...Array.from({ length: 10_000 }, () => named('the same')), named('ours')]);
  assert.deepEqual(await list(), { names: ['the same', 'ours'], isCut: false });
});

test('what does not filter and has no end is read for ten pages', async (t) => {
  const { registry, list, api } = await start(t);
  for (let page = 0; page < 20; page += 1) {
    const path = page === 0 ? /artifactType/ : new RegExp(`page=${page}$`);
    api([named('x', 'other')], { path, link: `</v2/app/referrers/${DIGEST}?page=${page + 1}>; rel="next"` });
  }
  assert.deepEqual(await list(), { names: [], isCut: true });
  assert.equal(registry.requests.length, 10);
});

for (const status of [400, 404, 405, 406, 501]) {
  test(`where the API is answered with ${status} the index under the fallback tag is read`, async (t) => {
    const { registry, list } = await start(t);
    registry.fault({ kind: 'status', status }, { path: /\/referrers\// });
    registry.pushManifest(
      'app',
      TAG,
      INDEX,
      JSON.stringify({ schemaVersion: 2, manifests: [named('a'), named('b', 'other')] }),
    );
    assert.deepEqual(await list(), { names: ['a'], isCut: false });
    assert.deepEqual(
      registry.requests.map(({ path }) => path.replace(/\?.*/, '')),
      [`/v2/app/referrers/${DIGEST}`, `/v2/app/manifests/${TAG}`],
    );
  });
}

test('where any path is answered with a page there is no API', async (t) => {
  const { registry, list } = await start(t);
  registry.fault(
    { kind: 'status', status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' },
    { path: /\/referrers\// },
  );
  assert.deepEqual(await list(), { names: [], isCut: false });
});

test('nothing under either is no failure, and an answer that is none is', async (t) => {
  const { registry, list, api, refusal } = await start(t);
  assert.deepEqual(await list(), { names: [], isCut: false });
  registry.pushManifest('app', TAG, INDEX, '{"schemaVersion":2}');
  assert.match(await refusal(), /^InvalidResponse: HOST answers with no list of what refers to app@sha256:/);
  api([]);
  assert.deepEqual(await list(), { names: [], isCut: false });
});

for (const [status, code] of [
  [403, 'Forbidden'],
  [500, 'Unreachable'],
  [503, 'Unreachable'],
  [418, 'InvalidResponse'],
] as const) {
  test(`a status of ${status} is a failure, and not that there are none`, async (t) => {
    const { registry, refusal } = await start(t);
    registry.fault({ kind: 'status', status }, { path: /\/referrers\// });
    assert.match(await refusal(), new RegExp(`^${code}: HOST `));
  });
}

test('an index of referrers of more than is read is a failure, and costs no more memory than that', async (t) => {
  const { registry, refusal } = await start(t);
  registry.fault(
    { kind: 'status', status: 200, headers: { 'content-type': INDEX }, body: '' },
    { path: /\/referrers\// },
  );
  registry.fault({ kind: 'endless' }, { path: /\/referrers\// });
  assert.match(await refusal(), /^InvalidResponse: HOST answers with more than is read/);
});

test('credentials are tried in order, as for images, and a refusal of all is one', async (t) => {
  const { list, refusal } = await start(t, { auth: 'basic' });
  const stranger: Credential = { kind: 'basic', username: 'stranger', password: 'none' };
  assert.deepEqual(await list([stranger, ROBOT]), { names: [], isCut: false });
  assert.match(await refusal(), /^Unauthorized: /);
});

test('a host that the policy leaves out is not asked', async (t) => {
  const { registry, refusal } = await start(t, { registries: () => ({ allow: ['ghcr.io'] }) });
  assert.match(await refusal(), /^NotAllowed: /);
  assert.equal(registry.requests.length, 0);
});

const SIGNATURE = JSON.stringify({
  schemaVersion: 2,
  mediaType: MANIFEST,
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf('{}'), size: 2 },
  layers: [{ mediaType: 'text/plain', digest: digestOf('a layer'), size: 7, annotations: { key: 'value' } }],
});

test('a manifest is read by its tag or its digest, with its layers and their annotations', async (t) => {
  const { registry, resolver, asked, image } = await start(t);
  const digest = registry.pushManifest('app', 'x.sig', MANIFEST, SIGNATURE);
  const layers = [{ mediaType: 'text/plain', digest: digestOf('a layer'), size: 7, annotations: { key: 'value' } }];
  const whole = { kind: 'read', artifactType: 'application/vnd.oci.image.config.v1+json', layers, isCut: false };
  const read = (reference: ImageReference, maximumBytes = 10_000) =>
    resolver.readArtifact({ ...asked(), reference, maximumBytes });
  assert.deepEqual(await read(withTag(image, 'x.sig')), whole);
  assert.deepEqual(await read(byDigest(image, digest)), whole);
  const missing = await read(withTag(image, 'y.sig'));
  assert.deepEqual(missing.kind === 'failed' && missing.code, 'NotFound');
  const long = await read(withTag(image, 'x.sig'), 100);
  assert.match(long.kind === 'failed' ? long.message : '', /answers with more than is read/);
  registry.fault({ kind: 'body', body: SIGNATURE.replace('value', 'other') }, { path: new RegExp(digest) });
  const altered = await read(byDigest(image, digest));
  assert.deepEqual(altered.kind === 'failed' && altered.code, 'InvalidResponse');
});

test('a blob is read up to what is wanted, and has to be the one that its digest names', async (t) => {
  const { registry, resolver, asked } = await start(t);
  const answer = (body: string | Buffer) =>
    registry.fault({ kind: 'status', status: 200, body: body.toString() }, { path: /blobs/ });
  const read = (digest = digestOf('bytes'), maximumBytes = 1024) =>
    resolver.readBlob({ ...asked(), digest, maximumBytes });
  const clear = answer('bytes');
  assert.deepEqual(await read(), { kind: 'read', bytes: Buffer.from('bytes') });
  const another = await read(digestOf('other bytes'));
  assert.deepEqual(another.kind === 'failed' && another.code, 'InvalidResponse');
  clear();
  const unlimited = registry.fault({ kind: 'endless' }, { path: /blobs/ });
  registry.fault({ kind: 'status', status: 200 }, { path: /blobs/, times: 1 });
  const endless = await read();
  assert.match(endless.kind === 'failed' ? endless.message : '', /answers with more than is read/);
  unlimited();
  const missing = await read();
  assert.deepEqual(missing.kind === 'failed' && missing.code, 'NotFound');
});

test('only a digest has referrers', async () => {
  const artifacts = createArtifacts({
    inquire: () => assert.fail(),
    attempt: () => assert.fail(),
  });
  const question = {
    reference: reference('ghcr.io/app:1'),
    keychain: async () => [],
    signal: new AbortController().signal,
  };
  await assert.rejects(artifacts.listReferrers({ ...question, artifactType: BUNDLE }), /only a digest/);
  assert.equal(new RegistryError('NoReferrers', { host: 'h' }).code, 'InvalidResponse');
});
