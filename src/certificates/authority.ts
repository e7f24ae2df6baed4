import { X509Certificate } from 'node:crypto';
import { type CertificatePair, parsePair, signerProblem } from './pair.ts';

/** The certificate of an authority, by which clients know what it has signed. */
export interface TrustedAuthority {
  /** The SHA-256 fingerprint of its certificate. */
  readonly id: string;
  /** PEM, one certificate, without text around it. */
  readonly certificate: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** An authority that can sign. Its key must never be printed. */
export interface Authority extends TrustedAuthority {
  readonly key: string;
}

/** What a PEM text like a caBundle holds. */
export interface Bundle {
  /** Each once, in the text's order. */
  readonly authorities: readonly TrustedAuthority[];
  /** Is there nothing in it that can't be read as a certificate? */
  readonly isWhole: boolean;
}

/** API servers take no RSA key below 1024 bits, and everybody has stopped making those. */
const SHORTEST_KEY = 2048;

/** Reads all certificates of a PEM text; text around them does not count, as with every reader of such bundles. */
export function parseBundle(pem: string): Bundle {
  const found = new Map<string, TrustedAuthority>();
  let isWhole = true;
  for (const [block] of pem.matchAll(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)) {
    try {
      const authority = trusted(new X509Certificate(block));
      found.set(authority.id, authority);
    } catch {
      isWhole = false;
    }
  }
  return { authorities: [...found.values()], isWhole: isWhole && (found.size > 0 || pem.trim() === '') };
}

/** The certificates of a PEM text, parsed; those that can't be read are left out. */
export function parseChain(pem: string): readonly X509Certificate[] {
  return parseBundle(pem).authorities.map(({ certificate }) => new X509Certificate(certificate));
}

/** Reads a pair that shall sign serving certificates. Problems are half sentences; none holds a byte of the key. */
export function readAuthority(
  pair: CertificatePair,
): { ok: true; authority: Authority } | { ok: false; problem: string } {
  const parsed = parsePair(pair);
  if (!parsed.ok) return parsed;
  const { certificate, key } = parsed.pair;
  const length = key.asymmetricKeyDetails?.modulusLength ?? 0;
  const problem = signerProblem(parsed.pair) ?? (length < SHORTEST_KEY ? `its key has only ${length} bits` : null);
  if (problem !== null) return { ok: false, problem };
  return { ok: true, authority: { ...trusted(certificate), key: pair.key } };
}

function trusted(certificate: X509Certificate): TrustedAuthority {
  return {
    id: certificate.fingerprint256,
    certificate: certificate.toString(),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  };
}
