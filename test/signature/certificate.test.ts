import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import test from 'node:test';
import { readCertificate } from '../../src/signature/certificate.ts';
import { newKey, privateSigstore } from '../support/signed-image.ts';
import { alternativeNames, authorityExtensions, makeCertificate } from '../support/sigstore/certificate.ts';
import { identifier, octets, sequence, utf8 } from '../support/sigstore/der.ts';
import type { LeafWish } from '../support/sigstore/fulcio.ts';

const { keyless } = privateSigstore();

function read(wish: Partial<LeafWish>) {
  return readCertificate(keyless(wish).certificate ?? assert.fail()) ?? assert.fail('no certificate');
}

test('every name that signs is read: URIs, e-mail addresses and Fulcio’s own, and no host', () => {
  const { identity } = read({
    names: [
      { kind: 'email', value: 'release@acme.test' },
      { kind: 'dns', value: 'acme.test' },
      { kind: 'uri', value: 'https://acme.test/ä' },
      { kind: 'other', value: 'somebody!acme.test' },
    ],
  });
  assert.deepEqual(identity.subjects, ['release@acme.test', 'https://acme.test/ä', 'somebody!acme.test']);
});

test('the issuer is that of the newer extension, or of the older where there is no other', () => {
  assert.equal(read({ issuer: 'https://issuer.test' }).identity.issuer, 'https://issuer.test');
  assert.equal(read({ issuer: 'https://old.test', issuerExtensions: 'old' }).identity.issuer, 'https://old.test');
  assert.equal(read({ issuer: null }).identity.issuer, null);
});

function custom(extensions: Parameters<typeof makeCertificate>[0]['extensions']) {
  const privateKey = newKey();
  const { certificate } = makeCertificate({
    subject: '',
    publicKey: createPublicKey(privateKey),
    issuer: { subject: 'self', privateKey },
    notBefore: Date.now(),
    notAfter: Date.now() + 60_000,
    extensions,
  });
  return readCertificate(certificate);
}

const ISSUER = '1.3.6.1.4.1.57264.1.8';
const CODE_SIGNING = { oid: '2.5.29.37', value: sequence(identifier('1.3.6.1.5.5.7.3.3')) };

test('an issuer that is no text, or two of them, is none', () => {
  assert.equal(custom([{ oid: ISSUER, value: octets(Buffer.from('https://issuer.test')) }])?.identity.issuer, null);
  assert.equal(
    custom([{ oid: ISSUER, value: Buffer.concat([utf8('https://one.test'), utf8('https://two.test')]) }])?.identity
      .issuer,
    null,
  );
  const twice = { oid: ISSUER, value: utf8('https://issuer.test') };
  assert.equal(custom([twice, twice]), null);
  const named = alternativeNames([{ kind: 'uri', value: 'https://a.test' }]);
  assert.equal(custom([named, named]), null);
});

test('only what may sign code, and issues nothing, is for signing', () => {
  assert.equal(read({}).isForSigning, true);
  assert.equal(read({ use: '1.3.6.1.5.5.7.3.1' }).isForSigning, false);
  assert.equal(custom([CODE_SIGNING])?.isForSigning, true);
  assert.equal(custom([])?.isForSigning, false);
  assert.equal(custom([CODE_SIGNING, ...authorityExtensions(createPublicKey(newKey()))])?.isForSigning, false);
});

test('what is no certificate is none', () => {
  const der = keyless().certificate ?? assert.fail();
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from('certificate'),
    der.subarray(0, -1),
    Buffer.concat([der, der]),
    sequence(),
  ]) {
    assert.equal(readCertificate(bytes), null);
  }
});
