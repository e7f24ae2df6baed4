import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ISSUER,
  identity,
  newKey,
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
