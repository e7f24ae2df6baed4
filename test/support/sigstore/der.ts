/**
 * Writes DER (X.690), as much of it as certificates, certificate timestamps and RFC 3161 need. What a program that knows more
 * would refuse to write is what signatures are attacked with.
 */

/** One value: its identifier octet, and what it holds. */
export function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  if (length < 128) return Buffer.from([length]);
  const bytes = unsigned(BigInt(length));
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

function unsigned(value: bigint): Buffer {
  const digits = value.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
}

/** SEQUENCE. */
export function sequence(...content: readonly Buffer[]): Buffer {
  return der(0x30, ...content);
}

/** SET; its members have to be in order already. */
export function set(...content: readonly Buffer[]): Buffer {
  return der(0x31, ...content);
}

/** INTEGER, zero or more. */
export function integer(value: bigint): Buffer {
  const bytes = unsigned(value);
  return der(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

/** OBJECT IDENTIFIER, from its dotted form. */
export function identifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const septets = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return der(0x06, Buffer.from(bytes));
}

/** OCTET STRING. */
export function octets(content: Buffer): Buffer {
  return der(0x04, content);
}

/** BIT STRING of whole octets. */
export function bits(content: Buffer): Buffer {
  return der(0x03, Buffer.from([0]), content);
}

/** UTF8String. */
export function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text));
}

/** GeneralizedTime, to the second. */
export function generalizedTime(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replaceAll(/[-T:]|\.\d+/g, '');
  return der(0x18, Buffer.from(digits));
}

/** UTCTime, for the years until 2049. */
export function utcTime(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replaceAll(/[-T:]|\.\d+/g, '');
  return der(0x17, Buffer.from(digits.slice(2)));
}

/** BOOLEAN true. */
export const TRUE: Buffer = der(0x01, Buffer.from([0xff]));

/** The contents of a value: what stands behind its identifier and length. */
export function contentsOf(value: Buffer): Buffer {
  const first = value[1] ?? 0;
  return value.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f));
}
