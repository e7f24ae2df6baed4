import assert from 'node:assert/strict';
import test from 'node:test';
import { createVerifier } from '../../src/signature/verifier.ts';
import { reference } from '../support/resolver.ts';
import {
  broken,
  ISSUER,
  identity,
  newKey,
  OTHER_DIGEST,
  privateSigstore,
  publicPem,
  SUBJECT,
  startSigned,
  verifyEntry,
} from '../support/signed-image.ts';
import { signBundle, signingStatement, signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';

const KEY = newKey();
const OURS = verifyEntry({ keys: [publicPem(KEY)] });

test('a signature of an entry’s key verifies, in the old format and in the new', async (t) => {
  const old = await startSigned(t);
  await old.pushLegacy(signLegacy(simpleSigning(old.digest), { privateKey: KEY }));
  assert.match(JSON.stringify(await old.verdict(OURS)), /^{"kind":"verified","signer":"key SHA256:/);
  const bundled = await startSigned(t);
  await bundled.pushBundles(signBundle(signingStatement(bundled.digest), { privateKey: KEY }));
  assert.match(JSON.stringify(await bundled.verdict(OURS)), /^{"kind":"verified","signer":"key SHA256:/);
});

test('an identity’s signature verifies by a private trust root, in the old format and in the new', async (t) => {
  const { root, keyless, rekor, timestamps } = privateSigstore();
  const at = Date.now();
  const start = () => startSigned(t, { readTrustRoot: async () => root });
  const entry = verifyEntry({
    identities: [identity()],
    transparencyLog: 'required',
    trustRoot: { configMap: 'roots', key: 'private.json' },
  });
  const verified = { kind: 'verified', signer: `${SUBJECT} (${ISSUER})` };
  const old = await start();
  await old.pushLegacy(signLegacy(simpleSigning(old.digest), keyless(), { rekor, at }));
  assert.deepEqual(await old.verdict(entry), verified);
  const bundled = await start();
  await bundled.pushBundles(signBundle(signingStatement(bundled.digest), keyless(), { rekor, at }));
  assert.deepEqual(await bundled.verdict(entry), verified);
  const timeless = await start();
  const witnesses = { rekor, timeless: true, timestamps, at } as const;
  await timeless.pushBundles(signBundle(signingStatement(timeless.digest), keyless(), witnesses));
  assert.deepEqual(await timeless.verdict(entry), verified);
});

const legacyBy = (digest: string, privateKey = KEY) => signLegacy(simpleSigning(digest), { privateKey });

test('what was verified is not asked for again, whoever asks and whatever the entry is called', async (t) => {
  const { registry, digest, ask, verdict, pushLegacy, pass } = await startSigned(t);
  await pushLegacy(legacyBy(digest));
  registry.clearRequests();
  assert.equal((await verdict(OURS, { limit: 'shop' }))?.kind, 'verified');
  const cost = registry.requests.length;
  assert.equal(cost, 4);
  const again = await ask([{ ...OURS, name: 'the same again', action: 'warn' }], { limit: 'other' });
  assert.deepEqual([again.verdicts[0]?.verdict.kind, again.signatures], ['verified', []]);
  pass(5 * 3600);
  await verdict(OURS);
  assert.equal(registry.requests.length, cost);
  pass(2 * 3600);
  await verdict(OURS);
  assert.equal(registry.requests.length, 2 * cost);
});

test('what is not verified is remembered for half a minute, and only for who asked', async (t) => {
  const { registry, digest, verdict, pushLegacy, pass } = await startSigned(t);
  assert.equal((await verdict(OURS, { limit: 'shop' }))?.kind, 'unverified');
  await pushLegacy(legacyBy(digest));
  registry.clearRequests();
  assert.equal((await verdict(OURS, { limit: 'shop' }))?.kind, 'unverified');
  assert.equal(registry.requests.length, 0);
  assert.equal((await verdict({ ...OURS, transparencyLog: 'required' }, { limit: 'shop' }))?.kind, 'unverified');
  pass(31);
  assert.equal((await verdict(OURS, { limit: 'shop' }))?.kind, 'verified');
});

test('what is not verified for one is asked for by another', async (t) => {
  const { digest, verdict, pushLegacy } = await startSigned(t);
  assert.equal((await verdict(OURS, { limit: 'shop' }))?.kind, 'unverified');
  await pushLegacy(legacyBy(digest));
  assert.equal((await verdict(OURS, { limit: 'other' }))?.kind, 'verified');
});

test('everything is looked at anew where that is wanted', async (t) => {
  const { digest, ask, pushLegacy, pushBundles } = await startSigned(t);
  await pushBundles(signBundle(signingStatement(digest), { privateKey: KEY }));
  await pushLegacy(legacyBy(digest, newKey()), legacyBy(digest));
  await ask([OURS]);
  const { verdicts, signatures } = await ask([OURS], { wanted: 'everything' });
  assert.equal(verdicts[0]?.verdict.kind, 'verified');
  assert.deepEqual(
    signatures.map((one) => [one.format, one.entry, broken(one)]),
    [
      ['bundle', 'ours', ''],
      ['legacy', 'ours', 'key'],
      ['legacy', 'ours', ''],
    ],
  );
});

test('a thousand who ask at once cost what one costs', async (t) => {
  const { registry, digest, verdict, pushLegacy } = await startSigned(t);
  await pushLegacy(legacyBy(digest));
  registry.clearRequests();
  const verdicts = await Promise.all(Array.from({ length: 1000 }, () => verdict(OURS)));
  assert.ok(verdicts.every((one) => one?.kind === 'verified'));
  assert.equal(registry.requests.length, 4);
});

test('who gives up does not end it for the others', async (t) => {
  const { registry, digest, verdict, pushLegacy } = await startSigned(t);
  await pushLegacy(legacyBy(digest));
  registry.fault({ kind: 'delay', milliseconds: 100 }, { path: /referrers/, times: 1 });
  const [hasty, patient] = await Promise.all([verdict(OURS, { signal: AbortSignal.timeout(20) }), verdict(OURS)]);
  assert.deepEqual([hasty?.kind === 'failed' && hasty.code, patient?.kind], ['Timeout', 'verified']);
});

test('a registry that hangs is waited for as long as a flight lasts', async (t) => {
  const { registry, verdict } = await startSigned(t, { flightMilliseconds: 200 });
  registry.fault({ kind: 'hang', after: 'request' }, { path: /referrers|sig$/ });
  const late = await verdict(OURS);
  assert.deepEqual(late?.kind === 'failed' && late.code, 'Timeout');
});

const FAULTS = [
  ['is not reached', { kind: 'reset', after: 'request' }, 'Unreachable'],
  ['limits', { kind: 'status', status: 429 }, 'RateLimited'],
  ['refuses', { kind: 'status', status: 403 }, 'Forbidden'],
] as const;

for (const [what, fault, code] of FAULTS) {
  test(`where a registry ${what} the verdict is that it failed, in its own words`, async (t) => {
    const { registry, digest, verdict, pushLegacy, pass } = await startSigned(t);
    const clear = registry.fault(fault, { method: 'GET' });
    const failed = await verdict(OURS);
    assert.ok(failed?.kind === 'failed' && failed.message.includes(registry.host), JSON.stringify(failed));
    assert.equal(failed.code, code);
    clear();
    await pushLegacy(legacyBy(digest));
    pass(6);
    assert.equal((await verdict(OURS))?.kind, 'verified');
  });
}

test('every entry has its verdict, in order, also where one can not be made ready', async (t) => {
  const { digest, ask, pushLegacy } = await startSigned(t);
  await pushLegacy(legacyBy(digest));
  const rootless = verifyEntry({ identities: [identity()], trustRoot: { configMap: 'roots', key: 'x' } });
  const { verdicts } = await ask([rootless, OURS, verifyEntry({ keys: [publicPem(newKey())] }), OURS]);
  assert.deepEqual(
    verdicts.map(({ verdict }) => verdict.kind),
    ['failed', 'verified', 'unverified', 'verified'],
  );
  assert.deepEqual(await ask([]), { verdicts: [], signatures: [] });
});

test('a trust root that hangs is not waited for longer than the signal says', async (t) => {
  const { verdict } = await startSigned(t, { readTrustRoot: () => new Promise(() => {}) });
  const entry = verifyEntry({ identities: [identity()], trustRoot: { configMap: 'roots', key: 'x' } });
  const late = await verdict(entry, { signal: AbortSignal.timeout(20) });
  assert.deepEqual(late?.kind === 'failed' && late.code, 'Timeout');
});

test('another trust root is another question', async (t) => {
  const [one, other] = [privateSigstore(), privateSigstore()];
  let root = one.root;
  const { digest, verdict, pushLegacy, pass } = await startSigned(t, { readTrustRoot: async () => root });
  const entry = verifyEntry({ identities: [identity()], trustRoot: { configMap: 'roots', key: 'x' } });
  await pushLegacy(signLegacy(simpleSigning(digest), one.keyless(), { rekor: one.rekor, at: Date.now() }));
  assert.equal((await verdict(entry))?.kind, 'verified');
  root = other.root;
  pass(31);
  assert.equal((await verdict(entry))?.kind, 'unverified');
});

test('ten thousand referrers and bundles of 100 MiB cost neither memory nor time', async (t) => {
  const { registry, digest, target, verdict, pushLegacy } = await startSigned(t);
  const type = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  // Every other one is honest about its size.
  const manifests = Array.from({ length: 10_000 }, (_, number) => {
    const layers = [{ mediaType: type, digest: OTHER_DIGEST, size: number % 2 === 0 ? 104_857_600 : 1000 }];
    const body = JSON.stringify({ schemaVersion: 2, mediaType, artifactType: type, layers, annotations: { number } });
    const pushed = registry.pushManifest(target.repository, null, mediaType, body);
    return {
      mediaType,
      digest: pushed,
      size: body.length,
      artifactType: type,
      annotations: { number: String(number) },
    };
  });
  const index = 'application/vnd.oci.image.index.v1+json';
  registry.pushManifest(
    target.repository,
    digest.replace(':', '-'),
    index,
    JSON.stringify({ schemaVersion: 2, mediaType: index, manifests }),
  );
  registry.fault({ kind: 'status', status: 200 }, { path: new RegExp(OTHER_DIGEST) });
  registry.fault({ kind: 'endless' }, { path: new RegExp(OTHER_DIGEST) });
  const before = process.memoryUsage().rss;
  const found = await verdict(OURS);
  assert.ok(found?.kind === 'unverified', JSON.stringify(found));
  assert.match(found.reason, /^none of its 50 signatures holds .* only 50 were looked at/);
  assert.match(found.reason, /104857600 bytes, more than are read/);
  assert.ok(process.memoryUsage().rss - before < 150 * 2 ** 20);
  assert.ok(registry.requests.length < 150);
  // What its owner signed in the old way counts all the same.
  await pushLegacy(legacyBy(digest));
  assert.equal((await verdict(OURS, { limit: 'other' }))?.kind, 'verified');
});

test('what one namespace asks for without end keeps no other from its answer', async () => {
  const none = { kind: 'failed', code: 'NotFound', message: 'it is not there' } as const;
  let slow = 0;
  const verifier = createVerifier({
    sources: {
      listReferrers: async ({ reference: { repository }, signal }) => {
        if (repository.startsWith('slow/')) {
          slow += 1;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        }
        return { kind: 'listed', referrers: [], isCut: false };
      },
      readArtifact: async () => none,
      readBlob: async () => none,
    },
    readTrustRoot: null,
    now: () => performance.now(),
    flightMilliseconds: 300,
  });
  const ask = async (image: string, limit: string) => {
    const signal = AbortSignal.timeout(5000);
    const asked = { reference: reference(`ghcr.io/${image}@${OTHER_DIGEST}`), entries: [OURS], limit, signal };
    const { verdicts } = await verifier.verify({ ...asked, keychain: async () => [] });
    return verdicts[0]?.verdict;
  };
  const greedy = Array.from({ length: 200 }, (_, index) => ask(`slow/app-${index}`, 'greedy'));
  assert.equal((await ask('acme/app', 'shop'))?.kind, 'unverified');
  assert.equal(slow, 8);
  const late = await Promise.all(greedy);
  assert.ok(late.every((verdict) => verdict?.kind === 'failed' && verdict.code === 'Timeout'));
});

test('a reference without a digest can not be verified', async (t) => {
  const { resolver, registry } = await startSigned(t);
  const verifier = createVerifier({ sources: resolver, readTrustRoot: null, now: () => performance.now() });
  const question = { entries: [OURS], keychain: async () => [], signal: new AbortController().signal };
  await assert.rejects(
    verifier.verify({ ...question, reference: reference(`${registry.host}/acme/app:1`) }),
    /only a digest/,
  );
});
