import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bits, der, generalizedTime, identifier, integer, octets, sequence, set, TRUE, utcTime, utf8 } from './der.ts';

/** What a certificate says of whom it was made for. */
export type AlternativeName =
  | { readonly kind: 'email' | 'uri' | 'dns'; readonly value: string }
  /** Fulcio's own for user names. */
  | { readonly kind: 'other'; readonly value: string };

/** An extension, with its value's DER. */
export interface Extension {
  readonly oid: string;
  readonly critical?: true;
  readonly value: Buffer;
}

/** What a certificate is to say. */
export interface CertificateWish {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly subject: string; readonly privateKey: KeyObject };
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Extension[];
  /** That of a certificate which is made again with one extension more. */
  readonly serial?: bigint;
}

const COMMON_NAME = '2.5.4.3';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const OTHER_NAME = '1.3.6.1.4.1.57264.1.7';

/** Makes a certificate (RFC 5280), signed with ECDSA and SHA-256, and the part of it that was signed. */
export function makeCertificate(wish: CertificateWish): { readonly certificate: Buffer; readonly signed: Buffer } {
  const serial = wish.serial ?? BigInt(`0x40${randomBytes(15).toString('hex')}`);
  const algorithm = sequence(identifier(ECDSA_WITH_SHA256));
  const signed = sequence(
    der(0xa0, integer(2n)),
    integer(serial),
    algorithm,
    nameOf(wish.issuer.subject),
    sequence(timeOf(wish.notBefore), timeOf(wish.notAfter)),
    nameOf(wish.subject),
    wish.publicKey.export({ format: 'der', type: 'spki' }),
    der(0xa3, sequence(...wish.extensions.map(extensionOf))),
  );
  const certificate = sequence(signed, algorithm, bits(sign('sha256', signed, wish.issuer.privateKey)));
  return { certificate, signed };
}

function extensionOf({ oid, critical, value }: Extension): Buffer {
  return sequence(identifier(oid), ...(critical ? [TRUE] : []), octets(value));
}

/** A name (X.501) of one part; Fulcio's leaves have none. */
export function nameOf(commonName: string): Buffer {
  return commonName === '' ? sequence() : sequence(set(sequence(identifier(COMMON_NAME), utf8(commonName))));
}

function timeOf(milliseconds: number): Buffer {
  return new Date(milliseconds).getUTCFullYear() < 2050 ? utcTime(milliseconds) : generalizedTime(milliseconds);
}

/** `basicConstraints` and `keyUsage` of one that issues others. */
export function authorityExtensions(publicKey: KeyObject): readonly Extension[] {
  return [
    { oid: '2.5.29.19', critical: true, value: sequence(TRUE) },
    { oid: '2.5.29.15', critical: true, value: der(0x03, Buffer.from([1, 0x06])) },
    subjectKey(publicKey),
  ];
}

/** `keyUsage` digitalSignature and the extended use that is named. */
export function signerExtensions(publicKey: KeyObject, issuer: KeyObject, use: string): readonly Extension[] {
  const isTimestamping = use === '1.3.6.1.5.5.7.3.8';
  return [
    { oid: '2.5.29.15', critical: true, value: der(0x03, Buffer.from([7, 0x80])) },
    { oid: '2.5.29.37', ...(isTimestamping && { critical: true }), value: sequence(identifier(use)) },
    subjectKey(publicKey),
    { oid: '2.5.29.35', value: sequence(der(0x80, keyIdentifier(issuer))) },
  ];
}

function subjectKey(publicKey: KeyObject): Extension {
  return { oid: '2.5.29.14', value: octets(keyIdentifier(publicKey)) };
}

function keyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest();
}

/** `subjectAltName`, critical as where there is no subject. */
export function alternativeNames(names: readonly AlternativeName[]): Extension {
  return { oid: '2.5.29.17', critical: true, value: sequence(...names.map(generalName)) };
}

function generalName({ kind, value }: AlternativeName): Buffer {
  switch (kind) {
    case 'email':
      return der(0x81, Buffer.from(value));
    case 'dns':
      return der(0x82, Buffer.from(value));
    case 'uri':
      return der(0x86, Buffer.from(value));
    case 'other':
      return der(0xa0, identifier(OTHER_NAME), der(0xa0, utf8(value)));
  }
}

/** PEM of a certificate. */
export function certificatePem(certificate: Buffer): string {
  const lines = certificate.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
