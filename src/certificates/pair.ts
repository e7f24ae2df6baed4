import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its private key. */
export interface CertificatePair {
  /** PEM, one certificate. */
  readonly certificate: string;
  /** PEM, PKCS #8 where we made it. Whatever is read from here must never be printed. */
  readonly key: string;
}

/** A pair as node:crypto reads it. */
export interface ParsedPair {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** What a serving certificate is wanted for. */
export interface ServingWish {
  /** The certificate of the authority that must have issued it. */
  readonly authority: X509Certificate;
  /** DNS names and addresses that it must hold. */
  readonly hosts: readonly string[];
  readonly now: Date;
}

/** Reads a pair. Problems are half sentences about it; none holds a byte of the key. */
export function parsePair(pair: CertificatePair): { ok: true; pair: ParsedPair } | { ok: false; problem: string } {
  let certificate: X509Certificate;
  let key: KeyObject;
  try {
    certificate = new X509Certificate(pair.certificate);
  } catch {
    return { ok: false, problem: 'the certificate can not be read as PEM' };
  }
  try {
    key = createPrivateKey(pair.key);
  } catch {
    return { ok: false, problem: 'the key can not be read as an unencrypted PEM key' };
  }
  if (!certificate.checkPrivateKey(key)) return { ok: false, problem: 'the key is not that of the certificate' };
  return { ok: true, pair: { certificate, key } };
}

/** Why a pair can't sign serving certificates now; null where it can. */
export function authorityProblem(pair: ParsedPair, now: Date): string | null {
  return signerProblem(pair) ?? validityProblem(pair.certificate, now);
}

/** Why a pair can't sign serving certificates at any time; null where it can. */
export function signerProblem({ certificate, key }: ParsedPair): string | null {
  if (!certificate.ca) return 'it is not an authority (basic constraints without CA)';
  if (key.asymmetricKeyType !== 'rsa') return `its key is of type ${key.asymmetricKeyType}, only RSA can sign here`;
  return null;
}

/** Why a pair can't serve what is wanted; null where it can. */
export function servingProblem({ certificate }: ParsedPair, wish: ServingWish): string | null {
  if (!certificate.checkIssued(wish.authority) || !certificate.verify(wish.authority.publicKey)) {
    return 'it was issued by another authority';
  }
  const missing = wish.hosts.filter((host) => !isFor(certificate, host));
  if (missing.length > 0) return `it is not for ${missing.join(', ')} (${certificate.subjectAltName ?? 'no names'})`;
  return validityProblem(certificate, wish.now);
}

function isFor(certificate: X509Certificate, host: string): boolean {
  if (isIP(host) !== 0) return certificate.checkIP(host) !== undefined;
  return certificate.checkHost(host, { subject: 'never' }) !== undefined;
}

function validityProblem(certificate: X509Certificate, now: Date): string | null {
  if (now > certificate.validToDate) return `it ended on ${certificate.validToDate.toISOString()}`;
  if (now < certificate.validFromDate) return `it begins on ${certificate.validFromDate.toISOString()}`;
  return null;
}
