import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDigest } from '../../src/core/image/digest.ts';
import { hashOf, matchesDigest, mediaTypeOf, parseImageConfig, parseManifest } from '../../src/registry/manifest.ts';

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const DOCKER_IMAGE = 'application/vnd.docker.distribution.manifest.v2+json';
const SCHEMA_1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const DIGEST = `sha256:${'a'.repeat(64)}`;

const image = { schemaVersion: 2, config: { digest: DIGEST, mediaType: 'c' }, layers: [] };
const index = { schemaVersion: 2, manifests: [] };

// [what was sent, Content-Type, what it is]
const table: readonly (readonly [unknown, string | null, string])[] = [
  [image, OCI_IMAGE, `image ${OCI_IMAGE}`],
  [image, DOCKER_IMAGE, `image ${DOCKER_IMAGE}`],
  [index, OCI_INDEX, `index ${OCI_INDEX}`],
  [index, DOCKER_LIST, `index ${DOCKER_LIST}`],
  [{ ...image, mediaType: OCI_IMAGE }, OCI_IMAGE, `image ${OCI_IMAGE}`],
  [{ ...image, mediaType: DOCKER_IMAGE }, 'application/json', `image ${DOCKER_IMAGE}`],
  [{ ...index, mediaType: DOCKER_LIST }, null, `index ${DOCKER_LIST}`],
  [image, 'application/octet-stream', `image ${OCI_IMAGE}`],
  [index, 'text/plain', `index ${OCI_INDEX}`],
  [{ ...image, mediaType: DOCKER_IMAGE }, OCI_IMAGE, 'nothing'],
  [{ ...image, manifests: [] }, OCI_IMAGE, 'nothing'],
  [image, OCI_INDEX, 'nothing'],
  [index, OCI_IMAGE, 'nothing'],
  [{ ...image, mediaType: 7 }, OCI_IMAGE, 'nothing'],
  [image, 'text/html', 'nothing'],
  [{ schemaVersion: 2 }, OCI_IMAGE, 'nothing'],
  [{ ...image, schemaVersion: 3 }, OCI_IMAGE, 'nothing'],
  [[], OCI_IMAGE, 'nothing'],
  [null, OCI_IMAGE, 'nothing'],
  ['text', OCI_IMAGE, 'nothing'],
  [{ schemaVersion: 1, fsLayers: [] }, 'application/json', 'retired'],
  [image, SCHEMA_1, 'retired'],
];

for (const [body, contentType, expected] of table) {
  test(`${JSON.stringify(body)?.slice(0, 70)} as ${contentType} is ${expected}`, () => {
    const manifest = parseManifest(Buffer.from(JSON.stringify(body)), contentType);
    const shown = manifest === null || manifest === 'retired' ? manifest : `${manifest.kind} ${manifest.mediaType}`;
    assert.equal(shown ?? 'nothing', expected);
  });
}

test('a web page and deep nesting are no manifests', () => {
  assert.equal(parseManifest(Buffer.from('<html>'), null), null);
  assert.equal(parseManifest(Buffer.from('['.repeat(1_000_000)), OCI_IMAGE), null);
});

test('of an index the entries with a sound digest and a type are kept', () => {
  const platform = { os: 'linux', architecture: 'arm', variant: 'v7' };
  const manifests = [
    { digest: DIGEST, mediaType: OCI_IMAGE, platform },
    { digest: DIGEST, mediaType: OCI_IMAGE },
    { digest: 'sha256:../../x', mediaType: OCI_IMAGE, platform },
    { digest: DIGEST, platform },
    null,
    7,
  ];
  const manifest = parseManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })), OCI_INDEX);
  assert.ok(typeof manifest === 'object' && manifest?.kind === 'index');
  assert.deepEqual(manifest.entries, [
    { digest: DIGEST, mediaType: OCI_IMAGE, platform },
    { digest: DIGEST, mediaType: OCI_IMAGE, platform: null },
  ]);
});

test('a configuration says what an image was built for and when, or does not', () => {
  const read = (value: unknown) => parseImageConfig(Buffer.from(JSON.stringify(value)));
  const linux = { os: 'linux', architecture: 'amd64' };
  assert.deepEqual(read(linux), { platform: { ...linux, variant: null }, built: null });
  assert.deepEqual(read({ os: 'linux' }), { platform: null, built: null });
  assert.deepEqual(read([]), { platform: null, built: null });
  for (const [created, built] of [
    ['2026-11-21T10:00:00.123456789Z', Date.UTC(2026, 10, 21, 10, 0, 0, 123)],
    ['2026-11-21T12:00:00+02:00', Date.UTC(2026, 10, 21, 10)],
    ['1970-01-01T00:00:00Z', 0],
    ['0001-01-01T00:00:00Z', null],
    ['yesterday', null],
    [7, null],
  ] as const) {
    assert.equal(read({ created }).built, built, String(created));
  }
});

test('media types are compared without case and parameters', () => {
  assert.equal(mediaTypeOf(' Application/JSON ; charset=utf-8'), 'application/json');
  assert.equal(mediaTypeOf(''), null);
  assert.equal(mediaTypeOf(null), null);
});

test('digests are of the bytes, by the algorithm that they name', () => {
  const body = Buffer.from('{}');
  const sha256 =
    parseDigest('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a') ?? assert.fail();
  assert.equal(hashOf(body, 'sha256'), sha256);
  assert.equal(matchesDigest(body, sha256), true);
  assert.equal(matchesDigest(Buffer.from('{} '), sha256), false);
  assert.match(hashOf(body, 'sha512') ?? '', /^sha512:[0-9a-f]{128}$/);
});
