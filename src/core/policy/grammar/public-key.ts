import { readDer, SEQUENCE } from './der.ts';
import { readPem } from './pem.ts';

const OBJECT_IDENTIFIER = 0x06;
const BIT_STRING = 0x03;
const INTEGER = 0x02;
/** Smaller keys are broken, and their signatures hold for nothing. */
const LEAST_RSA_BITS = 2048;

/** Object identifiers of algorithms (RFC 3279, 5480, 8410) as hexadecimal digits of their DER. */
const RSA = '2a864886f70d010101';
const ELLIPTIC = '2a8648ce3d0201';
const ED25519 = '2b6570';
/** Named curves, and the bytes of one coordinate. */
const CURVES: ReadonlyMap<string, number> = new Map([
  ['2a8648ce3d030107', 32],
  ['2b81040022', 48],
  ['2b81040023', 66],
]);

const KINDS = 'ECDSA on P-256, P-384 or P-521, RSA of 2048 bits or more, or Ed25519';

/**
 * Says what is wrong with a text of public keys: PEM blocks of SubjectPublicKeyInfo (RFC 5280, 4.1) of a kind whose signatures are
 * verified. Whether a point is on its curve is the cryptographic library's to judge.
 *
 * @returns null where nothing is wrong.
 */
export function publicKeyProblem(text: string): string | null {
  const read = readPem(text, 'PUBLIC KEY');
  if ('problem' in read) return read.problem;
  for (const block of read.blocks) {
    const problem = keyProblem(block);
    if (problem !== null) return problem;
  }
  return null;
}

function keyProblem(block: Uint8Array): string | null {
  const none = 'has a block that is no public key (SubjectPublicKeyInfo)';
  const algorithm = inner(block);
  const key = algorithm === null ? null : readDer(algorithm.rest);
  if (algorithm?.tag !== SEQUENCE || key?.tag !== BIT_STRING || key.rest.length > 0) return none;
  const identifier = readDer(algorithm.content);
  const [unused, ...bits] = key.content;
  if (identifier?.tag !== OBJECT_IDENTIFIER || unused !== 0) return none;
  switch (hex(identifier.content)) {
    case ED25519:
      return bits.length === 32 ? null : none;
    case ELLIPTIC: {
      const curve = readDer(identifier.rest);
      const size = curve?.tag === OBJECT_IDENTIFIER ? CURVES.get(hex(curve.content)) : undefined;
      if (size === undefined) return `has a key on a curve that is not known here: it takes ${KINDS}`;
      return isPoint(bits, size) ? null : none;
    }
    case RSA: {
      const modulus = inner(Uint8Array.from(bits));
      if (modulus?.tag !== INTEGER) return none;
      const size = bitLength(modulus.content);
      return size >= LEAST_RSA_BITS ? null : `has an RSA key of ${size} bits: it takes ${KINDS}`;
    }
    default:
      return `has a key of an algorithm that is not known here: it takes ${KINDS}`;
  }
}

/** The first value inside of a SEQUENCE. */
function inner(bytes: Uint8Array) {
  const outer = readDer(bytes);
  return outer?.tag === SEQUENCE ? readDer(outer.content) : null;
}

/** SEC 1, 2.3.3: both coordinates, or one with the sign of the other. */
function isPoint([form, ...coordinates]: readonly number[], size: number): boolean {
  if (form === 4) return coordinates.length === 2 * size;
  return (form === 2 || form === 3) && coordinates.length === size;
}

function bitLength(integer: Uint8Array): number {
  const start = integer.findIndex((byte) => byte !== 0);
  const first = integer[start];
  return first === undefined ? 0 : (integer.length - start - 1) * 8 + (32 - Math.clz32(first));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
