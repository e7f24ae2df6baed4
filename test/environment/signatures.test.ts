/**
 * Signatures that a real cosign made with keys, in a real registry: what it signs is verified, and what it did not sign like this is
 * not, whatever is copied, altered or attested.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { fetchText, pushBlob, pushDocument, targetOf } from '../support/sigstore/push.ts';
import type { CosignKey, SignatureFormat } from './cosign.ts';
import { PROGRAMS, skipWithout } from './programs.ts';
import { failedChecks, openSignatureBench, REGISTRIES, type SignatureBench } from './signature-bench.ts';
import { startSigstoreServices } from './sigstore-services.ts';

const skip = skipWithout(PROGRAMS.registry, PROGRAMS.referrersRegistry, PROGRAMS.crane, PROGRAMS.cosign);

const FORMATS: readonly SignatureFormat[] = ['legacy', 'bundle'];
const registries = Object.keys(REGISTRIES) as readonly (keyof typeof REGISTRIES)[];

/** Kinds of keys that cosign signs images with, and that it verifies itself. */
async function keysOf({ cosign }: SignatureBench): Promise<Readonly<Record<string, CosignKey>>> {
  return {
    generated: await cosign.generateKey(),
    'p-384': await cosign.importKey(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
    rsa: await cosign.importKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  };
}

function signed(bench: SignatureBench, image: string, format: SignatureFormat, key: CosignKey): Promise<void> {
  return bench.cosign.sign(image, format, { kind: 'key', key });
}

for (const registry of registries) {
  for (const format of FORMATS) {
    test(`a registry ${registry}: what cosign signs with a key (${format}) is verified by it and by no other`, {
      skip,
    }, async (t) => {
      const bench = await openSignatureBench(t, registry);
      const keys = Object.entries(await keysOf(bench));
      const images: string[] = [];
      for (const [name, key] of keys) {
        const image = await bench.pushSigned(`acme/${name}`);
        await signed(bench, image, format, key);
        const digests = name === 'p-384' ? ['--signature-digest-algorithm', 'sha384'] : [];
        assert.ok(await bench.cosign.verifies(image, format, key, digests), name);
        images.push(image);
      }
      const entriesOf = (isOwn: boolean) =>
        keys.map(([name]) => ({
          images: [`${bench.host}/acme/${name}`],
          keys: keys.flatMap(([other, { publicKey }]) => ((other === name) === isOwn ? [publicKey] : [])),
          transparencyLog: 'optional' as const,
        }));

      const { code, answers } = await bench.verify(images, entriesOf(true));
      assert.equal(code, 0, JSON.stringify(answers));
      assert.deepEqual(
        answers.map(({ signatures }) => signatures.map((signature) => signature.format)),
        [[format], [format], [format]],
      );
      const refused = await bench.verify(images, entriesOf(false));
      assert.deepEqual([refused.code, refused.answers.map(failedChecks)], [1, [[['key']], [['key']], [['key']]]]);
    });
  }
}

test('a plain Ed25519 signature is verified; what cosign 3 signs with such keys it refuses itself, and so do we', {
  skip,
}, async (t) => {
  const bench = await openSignatureBench(t);
  const key = await bench.cosign.importKey(generateKeyPairSync('ed25519').privateKey);
  const image = await bench.pushSigned('acme/plain');
  const { stdout: payload } = await bench.cosign.run(['generate', image]);
  await bench.cosign.attach(image, payload, key);
  const prehashed = await bench.pushSigned('acme/prehashed');
  await signed(bench, prehashed, 'legacy', key);

  const { code, answers } = await bench.verify([image, prehashed], {
    keys: [key.publicKey],
    transparencyLog: 'optional',
  });
  const ofCosign = [image, prehashed].map((one) => bench.cosign.verifies(one, 'legacy', key));
  assert.deepEqual(await Promise.all(ofCosign), [true, false]);
  assert.deepEqual([code, answers.map(({ verified }) => verified)], [1, [true, false]]);
  assert.match(answers[1]?.entries[0]?.reason ?? '', /Ed25519ph, which hashes first, is not supported/);
});

test('an index is verified by its own signature, and its members by theirs', { skip }, async (t) => {
  const bench = await openSignatureBench(t);
  const key = await bench.cosign.generateKey();
  const members = [`${bench.host}/acme/app:a`, `${bench.host}/acme/app:b`] as const;
  const [first] = [
    await bench.pushImage(members[0], 'amd64', { platform: 'linux/amd64' }),
    await bench.pushImage(members[1], 'arm64', { platform: 'linux/arm64' }),
  ];
  await bench.pushIndex(`${bench.host}/acme/app:index`, members);
  const entry = { keys: [key.publicKey], transparencyLog: 'optional' } as const;
  for (const format of FORMATS) {
    const index = `${bench.host}/acme/app:index`;
    const digest = await bench.crane('digest', index);
    await signed(bench, `${bench.host}/acme/app@${digest}`, format, key);
    const { code, answers } = await bench.verify([index], entry);
    assert.deepEqual([code, answers[0]?.digest], [0, digest]);
  }
  assert.equal((await bench.verify([members[0]], entry)).code, 1);
  await signed(bench, `${bench.host}/acme/app@${first}`, 'bundle', key);
  assert.equal((await bench.verify([members[0]], entry)).code, 0);
});

test('several signatures are alternatives, in one format and in both', { skip }, async (t) => {
  const bench = await openSignatureBench(t);
  const keys = [await bench.cosign.generateKey(), await bench.cosign.generateKey()] as const;
  const image = await bench.pushSigned('acme/app');
  for (const key of keys) for (const format of FORMATS) await signed(bench, image, format, key);
  for (const { publicKey } of keys) {
    const { code, answers } = await bench.verify([image], { keys: [publicKey], transparencyLog: 'optional' });
    assert.deepEqual([code, answers[0]?.signatures.length], [0, 4]);
  }
});

test('a signature that stands in the public log is wanted unless the entry says otherwise', { skip }, async (t) => {
  const bench = await openSignatureBench(t);
  const services = await startSigstoreServices();
  t.after(() => services.close());
  const key = await bench.cosign.generateKey();
  for (const format of FORMATS) {
    const logged = await bench.pushSigned(`acme/logged-${format}`);
    await bench.cosign.sign(logged, format, { kind: 'key', key, services });
    const unlogged = await bench.pushSigned(`acme/unlogged-${format}`);
    await signed(bench, unlogged, format, key);
    const { code, answers } = await bench.verify([logged, unlogged], { keys: [key.publicKey] }, services.trustedRoot);
    assert.equal(code, 1);
    assert.deepEqual(answers.map(failedChecks), [[[]], [['transparency log']]], format);
    // A log that nobody named is no log.
    const elsewhere = await bench.verify([logged], { keys: [key.publicKey] });
    assert.deepEqual([elsewhere.code, elsewhere.answers.map(failedChecks)], [1, [[['transparency log']]]]);
  }
});

/** How a signature comes to stand by an image that nobody signed; each says which check has to find it out. */
const attacks: Readonly<
  Record<
    string,
    { readonly check: string; readonly make: (scene: AttackScene) => Promise<void>; readonly reason: RegExp }
  >
> = {
  "the legacy signature of another image is copied to this one's tag": {
    check: 'payload',
    reason: /names the digest/,
    make: ({ bench, good, bad }) => bench.crane('copy', tagOf(good, '.sig'), tagOf(bad, '.sig')).then(() => {}),
  },
  "the index of another image's bundles is copied to this one's fallback tag": {
    check: 'payload',
    reason: /names the digest/,
    make: ({ bench, goodBundled, bad }) => bench.crane('copy', tagOf(goodBundled), tagOf(bad)).then(() => {}),
  },
  "the digest in a legacy signature's payload is altered": {
    check: 'key',
    reason: /altered/,
    make: ({ good, bad }) => copyLegacy(good, bad, (payload) => payload.replace(digestOf(good), digestOf(bad))),
  },
  'a payload of another type is signed': {
    check: 'payload',
    reason: /of the type "promise to sign it later"/,
    make: ({ bench, bad, key }) => bench.cosign.attach(bad, simple(digestOf(bad), 'promise to sign it later'), key),
  },
  'a payload is signed that names no digest': {
    check: 'payload',
    reason: /names the digest \(none\)/,
    make: ({ bench, bad, key }) =>
      bench.cosign.attach(bad, '{"critical":{"type":"cosign container image signature"}}', key),
  },
  'an attestation is signed, not the image': {
    check: 'payload',
    reason: /attests .*example\.com.*, and is no signature/,
    make: ({ bench, bad, key }) => bench.cosign.attest(bad, key),
  },
  'an attestation says that it is a signature': {
    check: 'payload',
    reason: /attests ".*", and is no signature/,
    async make({ bench, bad, key }) {
      await bench.cosign.attest(bad, key);
      await relabel(bad);
    },
  },
};

interface AttackScene {
  readonly bench: SignatureBench;
  /** Signed in the old format. */
  readonly good: string;
  /** Signed with a bundle. */
  readonly goodBundled: string;
  /** Not signed. */
  readonly bad: string;
  readonly key: CosignKey;
}

/** All in one repository: who may push to it is who attacks. */
async function attackScene(t: TestContext) {
  const bench = await openSignatureBench(t);
  const key = await bench.cosign.generateKey();
  const push = async (content: string): Promise<string> => {
    return `${bench.host}/acme/app@${await bench.pushImage(`${bench.host}/acme/app:1`, content)}`;
  };
  const good = await push('good');
  const goodBundled = await push('good, bundled');
  await signed(bench, good, 'legacy', key);
  await signed(bench, goodBundled, 'bundle', key);
  return { bench, good, goodBundled, key, push };
}

test('nothing is verified that was not signed like this', { skip }, async (t) => {
  const scene = await attackScene(t);
  const entry = { keys: [scene.key.publicKey], transparencyLog: 'optional' } as const;
  const { code } = await scene.bench.verify([scene.good, scene.goodBundled], entry);
  assert.equal(code, 0);
  for (const [attack, { check, reason, make }] of Object.entries(attacks)) {
    await t.test(attack, async () => {
      const bad = await scene.push(attack);
      await make({ ...scene, bad });
      const { code, answers } = await scene.bench.verify([bad], entry);
      const [answer = assert.fail()] = answers;
      assert.deepEqual([code, answer.verified, failedChecks(answer)], [1, false, [[check]]]);
      assert.match(answer.entries[0]?.reason ?? '', reason);
    });
  }
});

function digestOf(image: string): string {
  return image.slice(image.indexOf('@') + 1);
}

function tagOf(image: string, suffix = ''): string {
  return `${image.replace('@sha256:', ':sha256-')}${suffix}`;
}

function simple(digest: string, type: string): string {
  return JSON.stringify({ critical: { image: { 'docker-manifest-digest': digest }, type } });
}

interface Manifest {
  readonly layers: readonly { readonly digest: string; readonly mediaType: string; readonly annotations?: object }[];
  readonly manifests: readonly { readonly digest: string }[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Puts one image's legacy signature by another, its payload altered and its annotations as they were. */
async function copyLegacy(from: string, to: string, alter: (payload: string) => string): Promise<void> {
  const target = targetOf(from);
  const manifest = JSON.parse(
    await fetchText(target, `manifests/${tagOf(from, '.sig').split(':').at(-1)}`),
  ) as Manifest;
  const [layer = assert.fail()] = manifest.layers;
  const payload = await fetchText(target, `blobs/${layer.digest}`);
  const altered = await pushBlob(target, Buffer.from(alter(payload)), layer.mediaType);
  const layers = [{ ...layer, ...altered }];
  await pushDocument(target, tagOf(to, '.sig').split(':').at(-1) ?? '', { ...manifest, layers });
}

/** Makes the manifests that refer to an image say of themselves that they are signatures. */
async function relabel(image: string): Promise<void> {
  const target = targetOf(image);
  const tag = tagOf(image).split(':').at(-1) ?? '';
  const index = JSON.parse(await fetchText(target, `manifests/${tag}`)) as Manifest;
  const annotations = { 'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1' };
  const manifests: object[] = [];
  for (const listed of index.manifests) {
    const document = JSON.parse(await fetchText(target, `manifests/${listed.digest}`)) as Manifest;
    const pushed = await pushDocument(target, null, { ...document, annotations });
    manifests.push({ ...listed, ...pushed, annotations });
  }
  await pushDocument(target, tag, { ...index, manifests });
}
