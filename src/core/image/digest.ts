/**
 * A content digest: `sha256:`, `sha384:` or `sha512:` and lower-case hexadecimal of exactly the algorithm's length. Only
 * `parseDigest` makes one, so a value of this type is safe in a URL, a patch, an annotation and a log line.
 */
export type Digest = string & { readonly __brand: 'Digest' };

export type DigestAlgorithm = 'sha256' | 'sha384' | 'sha512';

const HEX_LENGTH: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

/**
 * Reads a digest as the OCI image specification's `descriptor.md` registers algorithms.
 *
 * @returns the digest, or null where the text is anything else: another algorithm, upper-case or too few digits.
 */
export function parseDigest(text: string): Digest | null {
  const colon = text.indexOf(':');
  const length = HEX_LENGTH.get(text.slice(0, Math.max(colon, 0)));
  const hex = text.slice(colon + 1);
  return length !== undefined && hex.length === length && /^[0-9a-f]+$/.test(hex) ? (text as Digest) : null;
}

/** The algorithm by which a digest's content is hashed, as `node:crypto` names it. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm;
}

/** The digest cut to twelve digits, for people: `sha256:0123456789ab`. */
export function shortDigest(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':') + 13);
}
