import assert from 'node:assert/strict';
import test from 'node:test';
import { readBundle, readLegacy } from '../../src/signature/material.ts';
import { newKey, OTHER_DIGEST, privateSigstore } from '../support/signed-image.ts';
import { signBundle, signingStatement, signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';

const { keyless, rekor, timestamps } = privateSigstore();
const SEEN = { at: Date.now(), rekor, timestamps };
const STATEMENT = signingStatement(OTHER_DIGEST);
const PAYLOAD = simpleSigning(OTHER_DIGEST);

test('a bundle is read with what was signed, its certificate, its log entries and its timestamps', () => {
  const key = keyless();
  const read = readBundle(Buffer.from(signBundle(STATEMENT, key, SEEN)));
  assert.ok(read.ok);
  const { content, certificate, logEntries, timestamps: stamps, format } = read.material;
  assert.deepEqual(
    [format, content.kind, content.payloadType],
    ['bundle', 'statement', 'application/vnd.in-toto+json'],
  );
  assert.equal(content.payload.toString(), STATEMENT);
  assert.equal(content.signed.toString(), `DSSEv1 28 application/vnd.in-toto+json ${STATEMENT.length} ${STATEMENT}`);
  assert.deepEqual(certificate, key.certificate);
  assert.deepEqual([logEntries.length, stamps.length], [1, 1]);
});

type Document = Record<string, Record<string, unknown>>;

function without(bundle: Document, key: string): Document {
  return Object.fromEntries(Object.entries(bundle).filter(([name]) => name !== key));
}

const BUNDLES: readonly (readonly [string, (bundle: Document) => unknown, RegExp])[] = [
  [
    'that signs bytes',
    (bundle) => ({
      ...without(bundle, 'dsseEnvelope'),
      messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' },
    }),
    /signs bytes/,
  ],
  [
    'with two signatures',
    (bundle) => ({
      ...bundle,
      dsseEnvelope: { ...bundle['dsseEnvelope'], signatures: [{ sig: 'AAAA' }, { sig: 'AAAA' }] },
    }),
    /no sigstore bundle/,
  ],
  [
    'with no signature',
    (bundle) => ({ ...bundle, dsseEnvelope: { ...bundle['dsseEnvelope'], signatures: [] } }),
    /no sigstore bundle/,
  ],
  [
    'without a proof of its log entry',
    (bundle) => ({
      ...bundle,
      verificationMaterial: {
        ...bundle['verificationMaterial'],
        tlogEntries: [{ logId: { keyId: 'AAAA' }, kindVersion: { kind: 'dsse', version: '0.0.1' } }],
      },
    }),
    /no sigstore bundle/,
  ],
  ['of another type', (bundle) => ({ ...bundle, mediaType: 'application/json' }), /no sigstore bundle/],
  ['without material', (bundle) => without(bundle, 'verificationMaterial'), /no sigstore bundle/],
  [
    'of many timestamps',
    (bundle) => ({
      ...bundle,
      verificationMaterial: {
        ...bundle['verificationMaterial'],
        timestampVerificationData: {
          rfc3161Timestamps: Array.from({ length: 9 }, () => ({ signedTimestamp: 'AAAA' })),
        },
      },
    }),
    /more log entries or timestamps/,
  ],
  ['that is a list', () => [], /no sigstore bundle/],
  ['that is null', () => null, /no sigstore bundle/],
  [
    'whose fields are of other types',
    () => ({ mediaType: 7, verificationMaterial: 'x', dsseEnvelope: [] }),
    /no sigstore bundle/,
  ],
];

for (const [what, alter, problem] of BUNDLES) {
  test(`a bundle ${what} can not be judged`, () => {
    const bundle = JSON.parse(signBundle(STATEMENT, keyless(), SEEN)) as Document;
    const read = readBundle(Buffer.from(JSON.stringify(alter(bundle))));
    assert.ok(!read.ok && problem.test(read.problem), JSON.stringify(read));
  });
}

test('what is no JSON is no bundle', () => {
  for (const text of ['', 'bundle', '{'.repeat(100_000)]) assert.equal(readBundle(Buffer.from(text)).ok, false);
});

test('a legacy signature is read with what came along, whatever of it there is', () => {
  const key = keyless();
  const whole = signLegacy(PAYLOAD, key, SEEN);
  const read = readLegacy(whole.annotations, Buffer.from(PAYLOAD));
  assert.ok(read.ok);
  const { content, certificate, logEntries, timestamps: stamps, format } = read.material;
  assert.deepEqual([format, content.kind, content.payload], ['legacy', 'simple signing', content.signed]);
  assert.deepEqual(certificate, key.certificate);
  assert.deepEqual([logEntries.length, stamps.length], [1, 1]);
  assert.deepEqual(logEntries[0]?.kindVersion, { kind: 'hashedrekord', version: '0.0.1' });
  const bare = readLegacy(signLegacy(PAYLOAD, { privateKey: newKey() }).annotations, Buffer.from(PAYLOAD));
  assert.ok(bare.ok);
  assert.deepEqual([bare.material.certificate, bare.material.logEntries, bare.material.timestamps], [null, [], []]);
});

const COSIGN = 'dev.sigstore.cosign';
const LEGACY: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ['without a signature', { 'dev.cosignproject.cosign/signature': '' }, /no signature/],
  ['with a certificate that is none', { [`${COSIGN}/certificate`]: 'certificate' }, /no PEM/],
  ['with a log entry that is none', { [`${COSIGN}/bundle`]: 'entry' }, /log entry/],
  ['with a log entry of other types', { [`${COSIGN}/bundle`]: '{"SignedEntryTimestamp":1,"Payload":{}}' }, /log entry/],
  [
    'with a log entry without a time',
    { [`${COSIGN}/bundle`]: '{"SignedEntryTimestamp":"AAAA","Payload":{"body":"e30=","logID":"00","logIndex":1}}' },
    /log entry/,
  ],
  ['with a timestamp that is none', { [`${COSIGN}/rfc3161timestamp`]: '[]' }, /timestamp/],
];

for (const [what, annotations, problem] of LEGACY) {
  test(`a legacy signature ${what} can not be judged`, () => {
    const signed = signLegacy(PAYLOAD, keyless(), SEEN);
    const read = readLegacy({ ...signed.annotations, ...annotations }, Buffer.from(PAYLOAD));
    assert.ok(!read.ok && problem.test(read.problem), JSON.stringify(read));
  });
}

/** In base64, more than any certificate, timestamp or log entry has. */
const LARGE = Buffer.alloc(40_000).toString('base64');

test('certificates, timestamps and log entries that are larger than any are not read', () => {
  const bundle = JSON.parse(signBundle(STATEMENT, keyless(), SEEN));
  const { verificationMaterial } = bundle;
  const [entry] = verificationMaterial.tlogEntries;
  const { inclusionProof } = entry;
  const large = [
    { certificate: { rawBytes: LARGE } },
    { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: LARGE }] } },
    { tlogEntries: [{ ...entry, canonicalizedBody: LARGE }] },
    { tlogEntries: [{ ...entry, inclusionProof: { ...inclusionProof, logIndex: '9'.repeat(40_000) } }] },
    { tlogEntries: [{ ...entry, inclusionProof: { ...inclusionProof, checkpoint: { envelope: LARGE } } }] },
  ];
  for (const part of large) {
    const wish = { ...bundle, verificationMaterial: { ...verificationMaterial, ...part } };
    const read = readBundle(Buffer.from(JSON.stringify(wish)));
    assert.ok(!read.ok && /larger than is read/.test(read.problem), JSON.stringify(read).slice(0, 200));
  }
});

test('a certificate of a megabyte of white space is no PEM text, and takes no time', () => {
  const { annotations } = signLegacy(PAYLOAD, keyless(), SEEN);
  const head = '-----BEGIN CERTIFICATE-----';
  const began = performance.now();
  for (const certificate of [`${head}${'\n'.repeat(1_000_000)}`, `${head}\nA `.repeat(30_000)]) {
    const read = readLegacy({ ...annotations, [`${COSIGN}/certificate`]: certificate }, Buffer.from(PAYLOAD));
    assert.ok(!read.ok && /no PEM/.test(read.problem));
  }
  assert.ok(performance.now() - began < 1000);
});
