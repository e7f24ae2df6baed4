import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import test from 'node:test';
import { readCertificate } from '../../src/signature/certificate.ts';
import { readBundle } from '../../src/signature/material.ts';
import { proveLogEntries, proveTimes, refuteCertificate } from '../../src/signature/proof.ts';
import { readTrustRoot } from '../../src/signature/trust-root.ts';
import { OTHER_DIGEST, privateSigstore } from '../support/signed-image.ts';
import { signBundle, signingStatement, type Witnesses } from '../support/sigstore/signatures.ts';

const { root, keyless, rekor, timestamps } = privateSigstore();
const NOW = Math.floor(Date.now() / 1000) * 1000;

function signed(witnesses: Witnesses) {
  const signing = keyless();
  const read = readBundle(Buffer.from(signBundle(signingStatement(OTHER_DIGEST), signing, witnesses)));
  const trusted = readTrustRoot(root);
  assert.ok(read.ok && trusted.ok);
  const { material } = read;
  const { certificate } = material;
  const key = createPublicKey(signing.privateKey);
  const parsed = readCertificate(certificate ?? assert.fail()) ?? assert.fail();
  return { material, key, certificate, parsed, trust: trusted.root.material };
}

test('what holds of several counts, and the rest says why it does not', () => {
  const { material, key, certificate, trust } = signed({ at: NOW, rekor });
  const [entry = assert.fail()] = material.logEntries;
  const broken = { ...entry, canonicalizedBody: Buffer.from('{"kind":"dsse"') };
  const { held, reason } = proveLogEntries({ ...material, logEntries: [broken, entry] }, { key, certificate }, trust);
  assert.deepEqual(held, [entry]);
  assert.match(reason ?? '', /could not be verified/);
});

test('times are told apart: those of logs and those of authorities', () => {
  const { material, key, trust } = signed({ at: NOW, rekor, timestamps });
  const { held, reason } = proveTimes(material, key, { trust, logged: material.logEntries });
  assert.deepEqual([held.map((time) => time.$case), reason], [['transparency-log', 'timestamp-authority'], null]);
  assert.deepEqual(proveTimes({ ...material, timestamps: [] }, key, { trust, logged: [] }).held, []);
});

test('a certificate has to be in force at every time', () => {
  const { material, parsed, key, trust } = signed({ at: NOW, rekor, timestamps });
  const { held } = proveTimes(material, key, { trust, logged: material.logEntries });
  assert.equal(refuteCertificate(material, parsed, { trust, times: held }), null);
  const late = { ...(material.logEntries[0] ?? assert.fail()), integratedTime: String(NOW / 1000 + 3600) };
  const times = [...held, { $case: 'transparency-log', tlogEntry: late } as const];
  assert.match(refuteCertificate(material, parsed, { trust, times }) ?? '', /not valid or expired/);
  assert.match(refuteCertificate(material, parsed, { trust, times: [] }) ?? '', /expected 1 timestamps/);
});
