import { readDer, SEQUENCE } from './der.ts';

const BLOCK = /^-----BEGIN (?<label>[A-Z0-9 ]+)-----$/;

/**
 * Says what is wrong with a text of PEM blocks (RFC 7468): each must carry the label and hold one whole DER value. Whether a
 * certificate says anything sensible is the TLS library's to judge.
 *
 * @returns null where nothing is wrong.
 */
export function pemProblem(text: string, label: PemLabel): string | null {
  const read = readPem(text, label);
  return 'problem' in read ? read.problem : null;
}

/** What blocks hold. */
export type PemLabel = 'CERTIFICATE' | 'PUBLIC KEY';

/** The DER of each block, or what is wrong with the text. */
export function readPem(
  text: string,
  label: PemLabel,
): { readonly blocks: readonly Uint8Array[] } | { readonly problem: string } {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const blocks: Uint8Array[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    // Text between blocks is explanatory, as in the bundles that operating systems ship.
    const found = BLOCK.exec(lines[index] ?? '')?.groups?.['label'];
    if (found === undefined) continue;
    if (found !== label) return { problem: `has a block of ${found}, not of ${label}` };
    const end = lines.indexOf(`-----END ${label}-----`, index);
    if (end === -1) return { problem: `has a block without its line -----END ${label}-----` };
    const der = decodeSequence(lines.slice(index + 1, end).join(''));
    if (der === null) return { problem: `has a block that is not base64 of a ${label}` };
    blocks.push(der);
    index = end;
  }
  return blocks.length === 0 ? { problem: `has no block -----BEGIN ${label}-----` } : { blocks };
}

/** One whole DER value of the kind SEQUENCE; null for all else. */
function decodeSequence(base64: string): Uint8Array | null {
  if (base64 === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const value = readDer(bytes);
  return value?.tag === SEQUENCE && value.rest.length === 0 ? bytes : null;
}
