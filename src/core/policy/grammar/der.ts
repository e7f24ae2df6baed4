/** The tag of a SEQUENCE (ITU-T X.690, 8.9). */
export const SEQUENCE = 0x30;

/** One value, and what stands behind it. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly rest: Uint8Array;
}

/** Longer lengths are of nothing that is read here. */
const MOST_LENGTH_BYTES = 3;

/** Reads the first value of DER (ITU-T X.690): a tag of one byte, a definite length, and so many bytes; null where there is none. */
export function readDer(bytes: Uint8Array): DerValue | null {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return null;
  const width = first < 0x80 ? 0 : first & 0x7f;
  if (width > MOST_LENGTH_BYTES || first === 0x80 || bytes.length < 2 + width) return null;
  const length = width === 0 ? first : bytes.slice(2, 2 + width).reduce((sum, byte) => sum * 256 + byte, 0);
  const start = 2 + width;
  if (bytes.length < start + length) return null;
  return { tag, content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
}
