import assert from 'node:assert/strict';
import test from 'node:test';
import type { Digest } from '../../src/core/image/digest.ts';
import {
  type Discovered,
  discoverBundles,
  discoverLegacy,
  type ListedReferrer,
  legacyTag,
  type SignatureSources,
  type SourceFailure,
  type SourceLayer,
} from '../../src/signature/discover.ts';
import { digestOf } from '../support/manifests.ts';
import { reference } from '../support/resolver.ts';
import { newKey, OTHER_DIGEST } from '../support/signed-image.ts';
import { signBundle, signingStatement, signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';

const KEY = { privateKey: newKey() };
const BUNDLE_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const LEGACY_TYPE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const BUNDLE = Buffer.from(signBundle(signingStatement(OTHER_DIGEST), KEY));
const SIGNED = signLegacy(simpleSigning(OTHER_DIGEST), KEY);
const PAYLOAD = Buffer.from(SIGNED.payload);
const PREDICATE = 'dev.sigstore.bundle.predicateType';
const MISSING: SourceFailure = { kind: 'failed', code: 'NotFound', message: 'it is not there' };
const QUESTION = {
  reference: reference(`ghcr.io/acme/app@${OTHER_DIGEST}`),
  keychain: async () => [],
  signal: new AbortController().signal,
};

interface Kept {
  readonly referrers?: readonly Partial<ListedReferrer>[];
  readonly listing?: SourceFailure;
  readonly isCut?: boolean;
  /** Layers by the manifest's digest or tag. */
  readonly manifest?: (name: string) => readonly Partial<SourceLayer>[] | SourceFailure;
  readonly blob?: (digest: Digest) => Buffer | SourceFailure;
}

/** What a registry has, and what was asked of it. */
function sources(kept: Kept) {
  const asked: string[] = [];
  const made: SignatureSources = {
    listReferrers: async ({ artifactType }) => {
      asked.push(`list ${artifactType}`);
      if (kept.listing !== undefined) return kept.listing;
      const referrers = (kept.referrers ?? []).map((one, index) => ({
        digest: digestOf(`referrer ${index}`),
        artifactType: BUNDLE_TYPE,
        annotations: {},
        ...one,
      }));
      return { kind: 'listed', referrers, isCut: kept.isCut ?? false };
    },
    readArtifact: async ({ reference: { digest, tag } }) => {
      const name = digest ?? tag ?? '';
      asked.push(`manifest ${name}`);
      const layers = kept.manifest?.(name) ?? MISSING;
      if (!Array.isArray(layers)) return layers as SourceFailure;
      const whole = layers.map((one: Partial<SourceLayer>) => ({
        digest: digestOf('a layer'),
        mediaType: BUNDLE_TYPE,
        size: 100,
        annotations: {},
        ...one,
      }));
      return { kind: 'read', artifactType: null, layers: whole, isCut: kept.isCut ?? false };
    },
    readBlob: async ({ digest, maximumBytes }) => {
      asked.push(`blob of ${maximumBytes}`);
      const bytes = kept.blob?.(digest) ?? BUNDLE;
      return Buffer.isBuffer(bytes) ? { kind: 'read', bytes } : bytes;
    },
  };
  return { asked, made };
}

async function all(found: AsyncGenerator<Discovered>): Promise<readonly string[]> {
  const list: string[] = [];
  for await (const one of found) {
    switch (one.kind) {
      case 'signature':
        list.push(`${one.material.format} signature`);
        break;
      case 'unreadable':
        list.push(`${one.format} unreadable: ${one.reason}`);
        break;
      case 'attestations':
        list.push(`${one.count} attestations`);
        break;
      case 'cut':
        list.push(`${one.format} cut at ${one.lookedAt}`);
        break;
      case 'failed':
        list.push(`${one.code}: ${one.message}`);
    }
  }
  return list;
}

const bundles = async (kept: Kept) => await all(discoverBundles(sources(kept).made, QUESTION));
const legacy = async (kept: Kept) => await all(discoverLegacy(sources(kept).made, QUESTION));
const one = { referrers: [{}] };

const BUNDLES: readonly (readonly [string, Kept, readonly string[]])[] = [
  ['nothing', {}, []],
  ['a bundle', { ...one, manifest: () => [{}] }, ['bundle signature']],
  [
    'a list that can not be had',
    { listing: { kind: 'failed', code: 'Timeout', message: 'too late' } },
    ['Timeout: too late'],
  ],
  ['a referrer that is gone', one, ['bundle unreadable: it is not there']],
  [
    'a registry that stops answering',
    { ...one, manifest: () => ({ kind: 'failed', code: 'Unreachable', message: 'gone' }) },
    ['Unreachable: gone'],
  ],
  [
    'a manifest without a bundle',
    { ...one, manifest: () => [{ mediaType: 'text/plain' }] },
    ['bundle unreadable: its manifest has no bundle'],
  ],
  [
    'a list of other things',
    { referrers: [{ artifactType: null }], manifest: () => [{ mediaType: 'text/plain' }] },
    [],
  ],
  [
    'a list that does not say that it is a bundle',
    { referrers: [{ artifactType: null }], manifest: () => [{}] },
    ['bundle signature'],
  ],
  [
    'a bundle of 100 MiB',
    { ...one, manifest: () => [{ size: 104_857_600 }], blob: () => assert.fail() },
    ['bundle unreadable: it has 104857600 bytes, more than are read'],
  ],
  [
    'a bundle that is larger than it says',
    {
      ...one,
      manifest: () => [{}],
      blob: () => ({ kind: 'failed', code: 'InvalidResponse', message: 'more than is read' }),
    },
    ['bundle unreadable: more than is read'],
  ],
  [
    'a blob that is no bundle',
    { ...one, manifest: () => [{}], blob: () => Buffer.from('{}') },
    ['bundle unreadable: it is no sigstore bundle'],
  ],
  [
    'attestations beside a signature',
    {
      referrers: [
        { annotations: { [PREDICATE]: 'https://slsa.dev/provenance/v1' } },
        { annotations: { [PREDICATE]: 'https://sigstore.dev/cosign/sign/v1' } },
      ],
      manifest: () => [{}],
    },
    ['1 attestations', 'bundle signature'],
  ],
  ['a list that was cut', { ...one, isCut: true, manifest: () => [{}] }, ['bundle signature', 'bundle cut at 1']],
];

for (const [what, kept, expected] of BUNDLES) {
  test(`in looking for bundles, ${what} is told as it is`, async () => {
    assert.deepEqual(await bundles(kept), expected);
  });
}

test('of ten thousand referrers fifty are looked at, those first that say that they are signatures', async () => {
  const signature = {
    annotations: { [PREDICATE]: 'https://sigstore.dev/cosign/sign/v1' },
    digest: digestOf('the signature'),
  };
  const { asked, made } = sources({
    referrers: [...Array.from({ length: 10_000 }, () => ({})), signature],
    manifest: () => [{}],
  });
  const found = await all(discoverBundles(made, QUESTION));
  assert.equal(asked.filter((line) => line.startsWith('manifest')).length, 50);
  assert.equal(asked[1], `manifest ${signature.digest}`);
  assert.deepEqual([found.length, found.at(-1)], [51, 'bundle cut at 50']);
});

test('who has seen enough has nothing more read than a few at a time', async () => {
  const { asked, made } = sources({ referrers: Array.from({ length: 50 }, () => ({})), manifest: () => [{}] });
  for await (const found of discoverBundles(made, QUESTION)) {
    assert.equal(found.kind, 'signature');
    break;
  }
  assert.equal(asked.filter((line) => line.startsWith('manifest')).length, 8);
});

const layer = { mediaType: LEGACY_TYPE, annotations: SIGNED.annotations };
const blob = () => PAYLOAD;

const LEGACY: readonly (readonly [string, Kept, readonly string[]])[] = [
  ['nothing', {}, []],
  ['two signatures', { manifest: () => [layer, layer], blob }, ['legacy signature', 'legacy signature']],
  [
    'a layer of another type',
    { manifest: () => [{ ...layer, mediaType: 'text/plain' }], blob },
    ['legacy unreadable: its layer is no signature'],
  ],
  [
    'a payload that is too large',
    { manifest: () => [{ ...layer, size: 2_000_000 }], blob },
    ['legacy unreadable: it has 2000000 bytes, more than are read'],
  ],
  ['a payload that is gone', { manifest: () => [layer], blob: () => MISSING }, ['legacy unreadable: it is not there']],
  [
    'a layer without a signature',
    { manifest: () => [{ ...layer, annotations: {} }], blob },
    ['legacy unreadable: it has no signature among its annotations'],
  ],
  [
    'a tag that is no manifest',
    { manifest: () => ({ kind: 'failed', code: 'InvalidResponse', message: 'no manifest' }) },
    ['legacy unreadable: no manifest'],
  ],
  [
    'a registry that refuses',
    { manifest: () => ({ kind: 'failed', code: 'Unauthorized', message: 'refused' }) },
    ['Unauthorized: refused'],
  ],
  [
    'more layers than are read',
    { isCut: true, manifest: () => [layer], blob },
    ['legacy signature', 'legacy cut at 1'],
  ],
];

for (const [what, kept, expected] of LEGACY) {
  test(`in looking for legacy signatures, ${what} is told as it is`, async () => {
    assert.deepEqual(await legacy(kept), expected);
  });
}

test('legacy signatures are looked for under the tag of the digest', async () => {
  const { asked, made } = sources({ manifest: () => [layer], blob });
  await all(discoverLegacy(made, QUESTION));
  assert.equal(legacyTag(OTHER_DIGEST), `sha256-${OTHER_DIGEST.slice(7)}.sig`);
  assert.deepEqual(asked, [`manifest ${legacyTag(OTHER_DIGEST)}`, 'blob of 262144']);
});
