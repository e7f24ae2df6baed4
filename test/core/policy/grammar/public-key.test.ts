import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { publicKeyProblem } from '../../../../src/core/policy/grammar/public-key.ts';
import { pemOf } from '../../../support/policy.ts';

function pemOfKey({ publicKey }: { readonly publicKey: KeyObject }): string {
  return String(publicKey.export({ format: 'pem', type: 'spki' }));
}

function block(bytes: readonly number[]): string {
  return `-----BEGIN PUBLIC KEY-----\n${Buffer.from(bytes).toString('base64')}\n-----END PUBLIC KEY-----\n`;
}

const ec = (namedCurve: string) => pemOfKey(generateKeyPairSync('ec', { namedCurve }));
const rsa = (modulusLength: number) => pemOfKey(generateKeyPairSync('rsa', { modulusLength }));
const P256 = ec('P-256');

const good: readonly (readonly [string, string])[] = [
  ['ECDSA on P-256', P256],
  ['ECDSA on P-384', ec('P-384')],
  ['ECDSA on P-521', ec('P-521')],
  ['RSA of 2048 bits', rsa(2048)],
  ['Ed25519', pemOfKey(generateKeyPairSync('ed25519'))],
  ['the key of the tests', pemOf('PUBLIC KEY')],
  ['several keys in one text', `# two\n${P256}${pemOf('PUBLIC KEY')}`],
];

for (const [name, text] of good) {
  test(`${name}: nothing is wrong`, () => {
    assert.equal(publicKeyProblem(text), null);
  });
}

const bad: readonly (readonly [string, string, RegExp])[] = [
  ['no PEM', 'x', /has no block -----BEGIN PUBLIC KEY-----/],
  ['a private key', pemOf('PRIVATE KEY'), /has a block of PRIVATE KEY/],
  ['DER of something else', block([0x30, 3, 2, 1, 1]), /no public key \(SubjectPublicKeyInfo\)/],
  ['a certificate under the wrong label', block([0x30, 4, 0x30, 2, 5, 0]), /no public key/],
  ['a key that is cut short', block([0x30, 14, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 5, 0, 1, 2, 3, 4]), /no public key/],
  ['a small RSA key', rsa(1024), /RSA key of 1024 bits: it takes ECDSA on P-256/],
  ['another curve', ec('secp256k1'), /a curve that is not known here/],
  ['a key that signs nothing', pemOfKey(generateKeyPairSync('x25519')), /an algorithm that is not known here/],
  ['a bad one behind a good one', `${P256}${rsa(1024)}`, /RSA key of 1024 bits/],
];

for (const [name, text, problem] of bad) {
  test(`${name}: refused`, () => {
    assert.match(publicKeyProblem(text) ?? '', problem);
  });
}
