import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { authorityExtensions, makeCertificate, nameOf, signerExtensions } from './certificate.ts';
import { contentsOf, der, generalizedTime, identifier, integer, octets, sequence, set } from './der.ts';

/** A private timestamp authority (RFC 3161), as a value: nothing listens. */
export interface TimestampAuthority {
  readonly root: Buffer;
  /** What it signs with. */
  readonly leaf: Buffer;
  /** @returns the whole answer's DER: somebody showed these bytes' SHA-256 at that time, milliseconds since 1970. */
  stamp(message: Buffer, at: number): Buffer;
  /** The same for a hash that was made already. */
  stampHash(hash: Buffer, at: number): Buffer;
}

const SHA256 = sequence(identifier('2.16.840.1.101.3.4.2.1'));
const ECDSA_WITH_SHA256 = sequence(identifier('1.2.840.10045.4.3.2'));
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const SIGNED_DATA = identifier('1.2.840.113549.1.7.2');
const TIMESTAMP_INFO = identifier('1.2.840.113549.1.9.16.1.4');
const POLICY = identifier('1.3.6.1.4.1.57264.2');
const YEAR = 365 * 86_400_000;
const SERIAL = 4711n;

/** Makes an authority with a root and what it signs with. */
export function createTimestampAuthority(now: number = Date.now()): TimestampAuthority {
  const top = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { subject: 'private timestamps', privateKey: top.privateKey };
  const life = { issuer, notBefore: now - YEAR, notAfter: now + YEAR };
  const { certificate: root } = makeCertificate({
    ...life,
    subject: issuer.subject,
    publicKey: top.publicKey,
    extensions: authorityExtensions(top.publicKey),
  });
  const { certificate: leaf } = makeCertificate({
    ...life,
    subject: 'private timestamps leaf',
    publicKey: own.publicKey,
    serial: SERIAL,
    extensions: signerExtensions(own.publicKey, top.publicKey, TIME_STAMPING),
  });

  function stampHash(hash: Buffer, at: number): Buffer {
    const imprint = sequence(SHA256, octets(hash));
    const info = sequence(integer(1n), POLICY, imprint, integer(1n), generalizedTime(at));
    const attributes = [
      sequence(identifier('1.2.840.113549.1.9.3'), set(TIMESTAMP_INFO)),
      sequence(identifier('1.2.840.113549.1.9.4'), set(octets(sha256(info)))),
      sequence(identifier('1.2.840.113549.1.9.16.2.47'), set(sequence(sequence(sequence(octets(sha256(leaf))))))),
    ].toSorted((a, b) => Buffer.compare(a, b));
    const signed = set(...attributes);
    const signer = sequence(
      integer(1n),
      sequence(nameOf(issuer.subject), integer(SERIAL)),
      SHA256,
      der(0xa0, contentsOf(signed)),
      ECDSA_WITH_SHA256,
      octets(sign('sha256', signed, own.privateKey)),
    );
    const data = sequence(integer(3n), set(SHA256), sequence(TIMESTAMP_INFO, der(0xa0, octets(info))), set(signer));
    return sequence(sequence(integer(0n)), sequence(SIGNED_DATA, der(0xa0, data)));
  }

  return { root, leaf, stampHash, stamp: (message, at) => stampHash(sha256(message), at) };
}

function sha256(content: Buffer): Buffer {
  return createHash('sha256').update(content).digest();
}
