import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import test from 'node:test';
import { isSignedBy, readKeys, spkiOf } from '../../src/signature/public-key.ts';

const TEXT = Buffer.from('what is signed');
const pair = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ED = generateKeyPairSync('ed25519');
const P256 = pair('P-256');
const P384 = pair('P-384');
const P521 = pair('P-521');

const { RSA_PKCS1_PADDING: v15, RSA_PKCS1_PSS_PADDING: pss } = constants;
const ROWS = [
  ['ECDSA on P-256', P256, (key: typeof P256) => sign('sha256', TEXT, key.privateKey), true],
  ['ECDSA on P-384 with its hash', P384, (key: typeof P384) => sign('sha384', TEXT, key.privateKey), true],
  ['ECDSA on P-384 with SHA-256', P384, (key: typeof P384) => sign('sha256', TEXT, key.privateKey), true],
  ['ECDSA on P-521 with its hash', P521, (key: typeof P521) => sign('sha512', TEXT, key.privateKey), true],
  ['ECDSA on P-256 with SHA-1', P256, (key: typeof P256) => sign('sha1', TEXT, key.privateKey), false],
  [
    'ECDSA in the form of IEEE P1363',
    P256,
    (key: typeof P256) => sign('sha256', TEXT, { key: key.privateKey, dsaEncoding: 'ieee-p1363' as const }),
    false,
  ],
  ['RSA by PKCS #1 v1.5', RSA, (key: typeof RSA) => sign('sha256', TEXT, { key: key.privateKey, padding: v15 }), true],
  ['RSA by PSS', RSA, (key: typeof RSA) => sign('sha256', TEXT, { key: key.privateKey, padding: pss }), true],
  [
    'RSA by PSS with SHA-512',
    RSA,
    (key: typeof RSA) => sign('sha512', TEXT, { key: key.privateKey, padding: pss }),
    true,
  ],
  ['RSA with SHA-1', RSA, (key: typeof RSA) => sign('sha1', TEXT, key.privateKey), false],
  ['Ed25519', ED, (key: typeof ED) => sign(null, TEXT, key.privateKey), true],
] as const;

for (const [what, keys, make, isHeld] of ROWS) {
  test(`${what} ${isHeld ? 'holds' : 'does not hold'}`, () => {
    const signature = make(keys);
    assert.equal(isSignedBy(keys.publicKey, TEXT, signature), isHeld);
    assert.equal(isSignedBy(keys.publicKey, Buffer.from('another text'), signature), false);
    assert.equal(isSignedBy(keys.publicKey, TEXT, Buffer.alloc(0)), false);
    const others = [RSA, ED, P256, P384, P521].filter((one) => one !== keys);
    assert.deepEqual(
      others.filter(({ publicKey }) => isSignedBy(publicKey, TEXT, signature)),
      [],
    );
  });
}

test('curves of others, small RSA keys and keys that do not sign hold for nothing', () => {
  const odd = pair('secp256k1');
  assert.equal(isSignedBy(odd.publicKey, TEXT, sign('sha256', TEXT, odd.privateKey)), false);
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  assert.equal(isSignedBy(small.publicKey, TEXT, sign('sha256', TEXT, small.privateKey)), false);
  assert.equal(isSignedBy(generateKeyPairSync('x25519').publicKey, TEXT, Buffer.alloc(64)), false);
});

test('all keys of all texts are read, and what is none is left out', () => {
  const pem = (keys: typeof P256): string => keys.publicKey.export({ format: 'pem', type: 'spki' }) as string;
  const broken = '-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n';
  const keys = readKeys([`# ours\n${pem(P256)}\n${pem(ED)}`, broken, pem(P384), '']);
  assert.deepEqual(
    keys.map(({ key }) => spkiOf(key).toString('hex')),
    [P256, ED, P384].map(({ publicKey }) => spkiOf(publicKey).toString('hex')),
  );
  for (const { fingerprint } of keys) assert.match(fingerprint, /^SHA256:[A-Za-z0-9+/]{43}$/);
});
