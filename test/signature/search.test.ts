import assert from 'node:assert/strict';
import test from 'node:test';
import { readKeys } from '../../src/signature/public-key.ts';
import { look, tooLate } from '../../src/signature/search.ts';
import { reference } from '../support/resolver.ts';
import { broken, newKey, OTHER_DIGEST, publicPem, startSigned, verifyEntry } from '../support/signed-image.ts';
import { signBundle, signingStatement, signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';

const KEY = newKey();
const OTHER = newKey();
const demand = (name: string, ...keys: ReturnType<typeof newKey>[]) => {
  const entry = verifyEntry({ name, keys: keys.map(publicPem) });
  return { entry, keys: readKeys(entry.keys), root: null };
};

async function start(t: Parameters<typeof startSigned>[0]) {
  const signed = await startSigned(t);
  const search = (demands: Parameters<typeof look>[2], wanted: 'verdicts' | 'everything' = 'verdicts') =>
    look(
      signed.resolver,
      {
        reference: reference(`${signed.registry.host}/${signed.target.repository}@${signed.digest}`),
        keychain: async () => [],
        signal: AbortSignal.timeout(5000),
        wanted,
      },
      demands,
    );
  return { ...signed, search };
}

test('where nothing is signed it is said where was looked', async (t) => {
  const { search, registry, digest } = await start(t);
  const { verdicts, signatures } = await search([demand('ours', KEY)]);
  const where = `among its referrers or under ${digest.slice(0, 19).replace(':', '-')}….sig in ${registry.host}/acme/app`;
  assert.deepEqual(verdicts, [{ kind: 'unverified', reason: `no signature of it was found ${where}` }]);
  assert.deepEqual(signatures, []);
});

test('a bundle that does not hold does not keep a legacy signature from holding', async (t) => {
  const { search, digest, pushBundles, pushLegacy } = await start(t);
  await pushBundles(signBundle(signingStatement(digest), { privateKey: OTHER }));
  await pushLegacy(signLegacy(simpleSigning(digest), { privateKey: KEY }));
  const { verdicts, signatures } = await search([demand('ours', KEY)]);
  assert.equal(verdicts[0]?.kind, 'verified');
  assert.deepEqual(
    signatures.map((one) => [one.format, broken(one)]),
    [
      ['bundle', 'key'],
      ['legacy', ''],
    ],
  );
});

test('where a bundle holds, legacy signatures are looked for only where everything is wanted', async (t) => {
  const { search, registry, digest, pushBundles, pushLegacy } = await start(t);
  await pushLegacy(signLegacy(simpleSigning(digest), { privateKey: KEY }));
  await pushBundles(signBundle(signingStatement(digest), { privateKey: KEY }));
  registry.clearRequests();
  await search([demand('ours', KEY)]);
  assert.equal(
    registry.requests.some(({ path }) => path.endsWith('.sig')),
    false,
  );
  const { signatures } = await search([demand('ours', KEY)], 'everything');
  assert.deepEqual(
    signatures.map(({ format }) => format),
    ['bundle', 'legacy'],
  );
});

test('every demand has to be met by a signature of its own, and one signature may meet several', async (t) => {
  const { search, digest, pushLegacy } = await start(t);
  const sign = (privateKey: typeof KEY) => signLegacy(simpleSigning(digest), { privateKey });
  await pushLegacy(sign(newKey()), sign(KEY), sign(OTHER));
  const { verdicts } = await search([
    demand('a', KEY),
    demand('b', OTHER),
    demand('c', KEY, OTHER),
    demand('d', newKey()),
  ]);
  assert.deepEqual(
    verdicts.map(({ kind }) => kind),
    ['verified', 'verified', 'verified', 'unverified'],
  );
});

test('a reason tells of three signatures what does not hold, and counts the rest', async (t) => {
  const { search, digest, pushLegacy } = await start(t);
  const sign = (of: string) => signLegacy(simpleSigning(of), { privateKey: newKey() });
  await pushLegacy(sign(digest));
  const one = (await search([demand('ours', KEY)])).verdicts[0];
  assert.ok(one?.kind === 'unverified');
  assert.match(
    one.reason,
    /^its only signature does not hold \(legacy \.sig sha256:[0-9a-f]{12} by an unknown key: key: it was made with none of the entry’s keys, or altered since\)$/,
  );
  await pushLegacy(sign(digest), sign(digest), sign(OTHER_DIGEST), sign(digest), sign(digest));
  const several = (await search([demand('ours', KEY)])).verdicts[0];
  assert.ok(several?.kind === 'unverified');
  assert.match(
    several.reason,
    /^none of its 5 signatures holds \(.*payload: its payload names the digest "sha256:.* and 2 more\)$/,
  );
});

test('where a registry fails there is no verdict unless another signature holds', async (t) => {
  const { search, registry, digest, pushLegacy } = await start(t);
  registry.fault({ kind: 'status', status: 403 }, { path: /referrers/ });
  const nothing = (await search([demand('ours', KEY)])).verdicts[0];
  assert.deepEqual(nothing?.kind === 'failed' && nothing.code, 'Forbidden');
  await pushLegacy(signLegacy(simpleSigning(digest), { privateKey: KEY }));
  assert.equal((await search([demand('ours', KEY)])).verdicts[0]?.kind, 'verified');
});

test('what is too late says so', () => {
  assert.deepEqual(tooLate(reference('ghcr.io/acme/app:1')), {
    kind: 'failed',
    code: 'Timeout',
    message: 'the signatures at ghcr.io were not verified in time: try again later',
  });
});
