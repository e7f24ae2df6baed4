import assert from 'node:assert/strict';
import { createPublicKey, type KeyObject } from 'node:crypto';
import test from 'node:test';
import { isLoggedKey, readLoggedKey } from '../../src/signature/logged-key.ts';
import { newKey, privateSigstore, publicPem } from '../support/signed-image.ts';
import { certificatePem } from '../support/sigstore/certificate.ts';

const KEY = newKey();
const { keyless } = privateSigstore();
const SIGNING = keyless();
const CERTIFICATE = SIGNING.certificate ?? assert.fail();
const OTHER = keyless().certificate ?? assert.fail();

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const der = (key: KeyObject): string => createPublicKey(key).export({ format: 'der', type: 'spki' }).toString('base64');

/** The specs of the kinds of entries, with a verifier in the place that each has for it. */
const KINDS: Readonly<Record<string, (pem: string, raw: object) => object>> = {
  'hashedrekord 0.0.1': (pem) => ({ signature: { content: '', publicKey: { content: base64(pem) } } }),
  'dsse 0.0.1': (pem) => ({ signatures: [{ signature: '', verifier: base64(pem) }] }),
  'intoto 0.0.2': (pem) => ({ content: { envelope: { signatures: [{ publicKey: base64(pem) }] } } }),
  'hashedrekord 0.0.2': (_pem, raw) => ({ hashedRekordV002: { signature: { verifier: raw } } }),
  'dsse 0.0.2': (_pem, raw) => ({ dsseV002: { signatures: [{ verifier: raw }] } }),
};

for (const [kind, specOf] of Object.entries(KINDS)) {
  test(`an entry of the kind ${kind} tells whose signature it is`, () => {
    const read = (pem: string, raw: object) => readLoggedKey(Buffer.from(JSON.stringify({ spec: specOf(pem, raw) })));
    const ofKey = read(publicPem(KEY), { publicKey: { rawBytes: der(KEY) } }) ?? assert.fail();
    assert.equal(isLoggedKey(ofKey, createPublicKey(KEY), null), true);
    assert.equal(isLoggedKey(ofKey, createPublicKey(newKey()), null), false);
    const ofLeaf =
      read(certificatePem(CERTIFICATE), { x509Certificate: { rawBytes: CERTIFICATE.toString('base64') } }) ??
      assert.fail();
    const key = createPublicKey(SIGNING.privateKey);
    assert.equal(isLoggedKey(ofLeaf, key, CERTIFICATE), true);
    assert.equal(isLoggedKey(ofLeaf, key, OTHER), false);
    assert.equal(isLoggedKey(ofLeaf, key, null), true);
  });
}

test('an entry that names no key, a broken one, or several is nobody’s', () => {
  const signatures = [{ verifier: base64(publicPem(KEY)) }];
  const bodies = [
    '',
    'null',
    '[]',
    '{"spec":null}',
    JSON.stringify({ spec: { signatures: [...signatures, ...signatures] } }),
    JSON.stringify({ spec: { signatures, signature: { publicKey: { content: base64(publicPem(newKey())) } } } }),
    JSON.stringify({ spec: { signatures: [{ verifier: base64('no key') }] } }),
    JSON.stringify({ spec: { signatures: [{ verifier: 7 }] } }),
    JSON.stringify({ spec: { hashedRekordV002: { signature: { verifier: { publicKey: { rawBytes: 'AAAA' } } } } } }),
  ];
  for (const body of bodies) assert.equal(readLoggedKey(Buffer.from(body)), null, body);
});
