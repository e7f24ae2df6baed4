const BLOCK = /^-----BEGIN (?<label>[A-Z0-9 ]+)-----$/;

/**
 * Says what is wrong with a text of PEM blocks (RFC 7468): each must carry the label and hold one whole DER value. Whether a
 * certificate says anything sensible is the TLS library's to judge.
 *
 * @returns null where nothing is wrong.
 */
export function pemProblem(text: string, label: 'CERTIFICATE' | 'PUBLIC KEY'): string | null {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  let blocks = 0;
  for (let index = 0; index < lines.length; index += 1) {
    // Text between blocks is explanatory, as in the bundles that operating systems ship.
    const found = BLOCK.exec(lines[index] ?? '')?.groups?.['label'];
    if (found === undefined) continue;
    if (found !== label) return `has a block of ${found}, not of ${label}`;
    const end = lines.indexOf(`-----END ${label}-----`, index);
    if (end === -1) return `has a block without its line -----END ${label}-----`;
    if (!isWholeDerSequence(lines.slice(index + 1, end).join('')))
      return `has a block that is not base64 of a ${label}`;
    blocks += 1;
    index = end;
  }
  return blocks === 0 ? `has no block -----BEGIN ${label}-----` : null;
}

/** ITU-T X.690: tag 0x30, a definite length, and exactly so many bytes. */
function isWholeDerSequence(base64: string): boolean {
  if (base64 === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return false;
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const [tag, first] = bytes;
  if (tag !== 0x30 || first === undefined) return false;
  if (first < 0x80) return bytes.length === 2 + first;
  const width = first & 0x7f;
  if (width === 0 || width > 3) return false;
  const length = bytes.slice(2, 2 + width).reduce((sum, byte) => sum * 256 + byte, 0);
  return bytes.length === 2 + width + length;
}
