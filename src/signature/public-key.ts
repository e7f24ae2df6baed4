import { constants, createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** A key whose signatures count. */
export interface TrustedKey {
  readonly key: KeyObject;
  /** `SHA256:` and the base64 of its hash (SubjectPublicKeyInfo), to be told from others by. */
  readonly fingerprint: string;
}

const BLOCK = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;

/**
 * Reads the public keys of PEM texts, each of which may hold several.
 *
 * @returns the keys; those of a kind that signs nothing here are left out, as they hold for nothing.
 */
export function readKeys(texts: readonly string[]): readonly TrustedKey[] {
  return texts
    .flatMap((text) => text.match(BLOCK) ?? [])
    .flatMap((block) => {
      try {
        const key = createPublicKey(block);
        return [{ key, fingerprint: fingerprintOf(key) }];
      } catch {
        return [];
      }
    });
}

function fingerprintOf(key: KeyObject): string {
  return `SHA256:${createHash('sha256').update(spkiOf(key)).digest('base64').replace(/=+$/, '')}`;
}

/** A key's DER (SubjectPublicKeyInfo), by which keys are compared. */
export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

/** Smaller ones are broken. */
const LEAST_RSA_BITS = 2048;

/** The hash that belongs to a curve (sigstore's algorithm registry), and SHA-256, which cosign takes for all before version 3. */
const HASHES_OF_CURVE: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['sha256'],
  secp384r1: ['sha384', 'sha256'],
  secp521r1: ['sha512', 'sha256'],
};
const RSA_HASHES = ['sha256', 'sha384', 'sha512'];
const RSA_PADDINGS = [constants.RSA_PKCS1_PADDING, constants.RSA_PKCS1_PSS_PADDING];

/**
 * Did a key sign these bytes? ECDSA on the curves of NIST (signatures in DER), RSA of 2048 bits or more by PKCS #1 v1.5 or PSS, and
 * Ed25519, with the hashes that cosign uses with each. Nothing else holds.
 */
export function isSignedBy(key: KeyObject, signed: Buffer, signature: Buffer): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return holds(() => verify(null, signed, key, signature));
  if (type === 'ec') {
    const hashes = HASHES_OF_CURVE[details?.namedCurve ?? ''] ?? [];
    return hashes.some((hash) => holds(() => verify(hash, signed, key, signature)));
  }
  if (type !== 'rsa' || (details?.modulusLength ?? 0) < LEAST_RSA_BITS) return false;
  return RSA_HASHES.some((hash) =>
    RSA_PADDINGS.some((padding) => holds(() => verify(hash, signed, { key, padding }, signature))),
  );
}

/** Node throws for some signatures that are none. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
