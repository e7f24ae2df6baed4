import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type AlternativeName,
  alternativeNames,
  authorityExtensions,
  type Extension,
  makeCertificate,
  signerExtensions,
} from './certificate.ts';
import { octets, utf8 } from './der.ts';

/** Whom a certificate is made for, and how it differs from what Fulcio would make. */
export interface LeafWish {
  readonly publicKey: KeyObject;
  readonly names: readonly AlternativeName[];
  /** Null leaves out the extensions that name it; `old` gives only the first of them, as years ago. */
  readonly issuer: string | null;
  readonly issuerExtensions?: 'both' | 'old';
  /** Milliseconds since 1970; ten minutes long. */
  readonly notBefore: number;
  /** The extended key usage; code signing otherwise. */
  readonly use?: string;
  /** A stranger's is one of a log that nobody knows. */
  readonly timestamp?: 'embedded' | 'none' | 'stranger';
}

/** A private Fulcio with its certificate log, as values: nothing listens. */
export interface Fulcio {
  readonly root: Buffer;
  readonly intermediate: Buffer;
  readonly logKey: KeyObject;
  /** @returns the leaf's DER. */
  issue(wish: LeafWish): Buffer;
}

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const CERTIFICATE_TIMESTAMPS = '1.3.6.1.4.1.11129.2.4.2';
const ISSUER_OLD = '1.3.6.1.4.1.57264.1.1';
const ISSUER = '1.3.6.1.4.1.57264.1.8';
const LIFE = 10 * 60_000;
const YEAR = 365 * 86_400_000;

/** Makes an authority with a root and an intermediate. @see https://github.com/sigstore/fulcio/blob/main/docs/certificate-specification.md */
export function createFulcio(now: number = Date.now()): Fulcio {
  const top = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const middle = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const log = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const life = { notBefore: now - YEAR, notAfter: now + YEAR };
  const topIssuer = { subject: 'private fulcio', privateKey: top.privateKey };
  const middleIssuer = { subject: 'private fulcio intermediate', privateKey: middle.privateKey };
  const { certificate: root } = makeCertificate({
    subject: topIssuer.subject,
    publicKey: top.publicKey,
    issuer: topIssuer,
    ...life,
    extensions: authorityExtensions(top.publicKey),
  });
  const { certificate: intermediate } = makeCertificate({
    subject: middleIssuer.subject,
    publicKey: middle.publicKey,
    issuer: topIssuer,
    ...life,
    extensions: authorityExtensions(middle.publicKey),
  });

  function issue(wish: LeafWish): Buffer {
    const extensions: Extension[] = [
      ...signerExtensions(wish.publicKey, middle.publicKey, wish.use ?? CODE_SIGNING),
      alternativeNames(wish.names),
    ];
    if (wish.issuer !== null) {
      extensions.push({ oid: ISSUER_OLD, value: Buffer.from(wish.issuer) });
      if (wish.issuerExtensions !== 'old') extensions.push({ oid: ISSUER, value: utf8(wish.issuer) });
    }
    const certificate = {
      subject: '',
      publicKey: wish.publicKey,
      issuer: middleIssuer,
      notBefore: wish.notBefore,
      notAfter: wish.notBefore + LIFE,
      serial: BigInt(`0x41${createHash('sha256').update(JSON.stringify(wish.names)).digest('hex').slice(0, 30)}`),
    };
    const plain = makeCertificate({ ...certificate, extensions });
    const { timestamp = 'embedded' } = wish;
    if (timestamp === 'none') return plain.certificate;
    const keys = timestamp === 'stranger' ? stranger : log;
    const list = certificateTimestamp(plain.signed, middle.publicKey, keys, wish.notBefore);
    return makeCertificate({
      ...certificate,
      extensions: [...extensions, { oid: CERTIFICATE_TIMESTAMPS, value: octets(list) }],
    }).certificate;
  }

  return { root, intermediate, logKey: log.publicKey, issue };
}

/** A list of one timestamp over a certificate that does not have it yet (RFC 6962, 3.2 and 3.3). */
function certificateTimestamp(
  signed: Buffer,
  issuer: KeyObject,
  log: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  at: number,
): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(at));
  const statement = Buffer.concat([
    Buffer.from([0, 0]),
    time,
    Buffer.from([0, 1]),
    spkiHash(issuer),
    prefixed(signed, 3),
    Buffer.from([0, 0]),
  ]);
  const timestamp = Buffer.concat([
    Buffer.from([0]),
    spkiHash(log.publicKey),
    time,
    Buffer.from([0, 0]),
    Buffer.from([4, 3]),
    prefixed(sign('sha256', statement, log.privateKey), 2),
  ]);
  return prefixed(prefixed(timestamp, 2), 2);
}

function prefixed(content: Buffer, width: number): Buffer {
  const length = Buffer.alloc(width);
  length.writeUIntBE(content.length, 0, width);
  return Buffer.concat([length, content]);
}

/** How logs are named: SHA-256 of their public key. */
export function spkiHash(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest();
}
