import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { spkiOf } from './public-key.ts';

/** Whose signature a log has recorded. */
export type LoggedKey =
  | { readonly kind: 'certificate'; readonly der: Buffer; readonly key: KeyObject }
  | { readonly kind: 'key'; readonly key: KeyObject };

/**
 * Reads from the body of a log's entry whose signature it records: entries of the kinds `hashedrekord`, `dsse` and `intoto` of Rekor,
 * and the first two of Rekor 2.
 *
 * @returns null where it names none, or several.
 */
export function readLoggedKey(body: Buffer): LoggedKey | null {
  try {
    const spec = at(JSON.parse(body.toString('utf8')), 'spec');
    const [found = null, ...more] = [
      pemOf(at(spec, 'signature', 'publicKey', 'content')),
      pemOf(at(only(at(spec, 'signatures')), 'verifier')),
      pemOf(at(only(at(spec, 'content', 'envelope', 'signatures')), 'publicKey')),
      rawOf(at(spec, 'hashedRekordV002', 'signature', 'verifier')),
      rawOf(at(only(at(spec, 'dsseV002', 'signatures')), 'verifier')),
    ].filter((one) => one !== null);
    return more.length === 0 ? found : null;
  } catch {
    return null;
  }
}

/** Is it the signature of this key, and where both name a certificate, of this one? */
export function isLoggedKey(logged: LoggedKey, key: KeyObject, certificate: Buffer | null): boolean {
  if (logged.kind === 'certificate' && certificate !== null) return logged.der.equals(certificate);
  return spkiOf(logged.key).equals(spkiOf(key));
}

/** A PEM text in base64. */
function pemOf(value: unknown): LoggedKey | null {
  if (typeof value !== 'string' || value === '') return null;
  const pem = Buffer.from(value, 'base64').toString('utf8');
  return pem.includes('BEGIN CERTIFICATE') ? ofCertificate(pem) : { kind: 'key', key: createPublicKey(pem) };
}

/** `Verifier` of Rekor 2: DER in base64. */
function rawOf(value: unknown): LoggedKey | null {
  const certificate = at(value, 'x509Certificate', 'rawBytes');
  if (typeof certificate === 'string') return ofCertificate(Buffer.from(certificate, 'base64'));
  const key = at(value, 'publicKey', 'rawBytes');
  if (typeof key !== 'string') return null;
  return { kind: 'key', key: createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' }) };
}

function ofCertificate(text: string | Buffer): LoggedKey {
  const { raw, publicKey } = new X509Certificate(text);
  return { kind: 'certificate', der: raw, key: publicKey };
}

function only(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? value[0] : undefined;
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    inner = (inner as Record<string, unknown>)[key];
  }
  return inner;
}
