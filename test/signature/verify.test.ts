/** Each row of the table is a signature that somebody might make. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { VerifyEntry } from '../../src/core/signature/verification.ts';
import { type ReadMaterial, readBundle, readLegacy } from '../../src/signature/material.ts';
import { readKeys } from '../../src/signature/public-key.ts';
import { readTrustRoot } from '../../src/signature/trust-root.ts';
import { judgeSignature } from '../../src/signature/verify.ts';
import {
  CASES,
  DIGEST,
  early,
  HOUR,
  KEY,
  LOGGED,
  NOW,
  OURS,
  SEEN,
  SIGSTORE,
  US,
  withEntry,
} from '../cases/signatures.ts';
import { broken, newKey } from '../support/signed-image.ts';
import {
  type SigningKey,
  signBundle,
  signingStatement,
  signLegacy,
  simpleSigning,
  type Witnesses,
} from '../support/sigstore/signatures.ts';

const { root: ROOT, keyless, rekor, timestamps } = SIGSTORE;

function judge(read: ReadMaterial, entry: VerifyEntry, rootText = ROOT) {
  assert.ok(read.ok, JSON.stringify(read));
  const root = readTrustRoot(rootText);
  assert.ok(root.ok);
  return judgeSignature(read.material, DIGEST, { entry, keys: readKeys(entry.keys), root: root.root });
}

for (const { what, entry, key = keyless(), seen, digest = DIGEST, alter, broken: expected } of CASES) {
  for (const format of ['legacy', 'bundle'] as const) {
    test(`${expected === '' ? 'holds' : 'does not hold'}: ${what} (${format})`, () => {
      const read = format === 'legacy' ? legacy(digest, key, seen) : bundle(digest, key, seen);
      assert.ok(read.ok, JSON.stringify(read));
      const judged = judge({ ok: true, material: alter?.(read.material) ?? read.material }, entry);
      assert.deepEqual([broken(judged), judged.holds], [expected, expected === ''], JSON.stringify(judged, null, 1));
      for (const { ok, reason } of judged.checks) assert.ok(ok || (reason !== null && reason.length < 700));
    });
  }
}

function legacy(digest: string, key: SigningKey, seen?: Witnesses): ReadMaterial {
  const { payload, annotations } = signLegacy(simpleSigning(digest), key, seen);
  return readLegacy(annotations, Buffer.from(payload));
}

function bundle(digest: string, key: SigningKey, seen?: Witnesses): ReadMaterial {
  return readBundle(Buffer.from(signBundle(signingStatement(digest), key, seen)));
}

test('a log without times proves that an entry is there, and a timestamp when', () => {
  const key = keyless();
  const timeless = { at: NOW, rekor, timeless: true } as const;
  assert.equal(broken(judge(bundle(DIGEST, key, { ...timeless, timestamps }), US)), '');
  assert.equal(broken(judge(bundle(DIGEST, key, timeless), US)), 'signing time, certificate');
});

test('a time that only stands beside a proof is nobody’s word', () => {
  const read = bundle(DIGEST, early, { at: NOW, rekor, timeless: true });
  assert.ok(read.ok);
  const integratedTime = String(Math.floor((NOW - 2 * HOUR) / 1000) + 60);
  const judged = judge({ ok: true, material: withEntry(read.material, { integratedTime }) }, US);
  assert.equal(broken(judged), 'signing time, certificate');
});

test('an altered proof of inclusion does not hold', () => {
  const read = bundle(DIGEST, keyless(), { at: NOW, rekor, timeless: true, timestamps });
  assert.ok(read.ok);
  const { inclusionProof } = read.material.logEntries[0] ?? assert.fail();
  assert.ok(inclusionProof);
  const altered = withEntry(read.material, { inclusionProof: { ...inclusionProof, hashes: [Buffer.alloc(32)] } });
  assert.equal(broken(judge({ ok: true, material: altered }, US)), 'transparency log');
});

test('an attestation is no signature, whoever made it', () => {
  const statement = signingStatement(DIGEST, 'https://slsa.dev/provenance/v1');
  assert.equal(broken(judge(readBundle(Buffer.from(signBundle(statement, { privateKey: KEY }))), OURS)), 'payload');
});

test('a payload of another type is no signature, whoever made it', () => {
  const { payload, annotations } = signLegacy(simpleSigning(DIGEST, 'something else'), { privateKey: KEY });
  assert.equal(broken(judge(readLegacy(annotations, Buffer.from(payload)), OURS)), 'payload');
});

test('a key’s log entry has to be of that key, also where a certificate came along', () => {
  const other = keyless();
  const read = legacy(DIGEST, { privateKey: KEY, certificate: other.certificate ?? assert.fail() }, SEEN);
  assert.equal(broken(judge(read, LOGGED)), 'transparency log');
  assert.equal(broken(judge(read, OURS)), '');
});

test('where a trust root has no certificate logs, certificates need none', () => {
  const root = JSON.stringify({ ...JSON.parse(ROOT), ctlogs: [] });
  const key = keyless({ timestamp: 'none' });
  assert.equal(broken(judge(legacy(DIGEST, key, SEEN), US)), 'certificate');
  assert.equal(broken(judge(legacy(DIGEST, key, SEEN), US, root)), '');
});

test('a signer is told by its key or its names, and names can not break a line', () => {
  assert.match(judge(legacy(DIGEST, { privateKey: KEY }), OURS).signer, /^key SHA256:/);
  assert.equal(judge(legacy(DIGEST, { privateKey: newKey() }), OURS).signer, 'an unknown key');
  const key = keyless({ names: [{ kind: 'uri', value: 'https://a.test/\n\u001b[2J' }] });
  assert.equal(judge(legacy(DIGEST, key, SEEN), US).signer, 'https://a.test/ [2J (https://issuer.test)');
});
