/** A decimal number of any length: build numbers and dates pass 2^53. */
export interface ExactNumber {
  readonly whole: bigint;
  /** The digits behind the point, without zeros at the end. */
  readonly fraction: string;
  readonly negative: boolean;
}

const NUMBER = /^(?<sign>[+-]?)(?<whole>[0-9]+)(?:\.(?<fraction>[0-9]+))?$/;

/** Reads a decimal number; null where the text is none. Exponents are no numbers here: `1e5` is the start of a commit's hash. */
export function parseNumber(text: string): ExactNumber | null {
  const { sign, whole, fraction = '' } = NUMBER.exec(text)?.groups ?? {};
  if (whole === undefined) return null;
  return { whole: BigInt(whole), fraction: fraction.replace(/0+$/, ''), negative: sign === '-' };
}

/** Negative where `a` is the smaller one. */
export function compareNumbers(a: ExactNumber, b: ExactNumber): number {
  if (a.negative !== b.negative) return isZero(a) && isZero(b) ? 0 : a.negative ? -1 : 1;
  const size = compareSizes(a, b);
  return a.negative ? -size : size;
}

function compareSizes(a: ExactNumber, b: ExactNumber): number {
  if (a.whole !== b.whole) return a.whole < b.whole ? -1 : 1;
  // Digits behind the point compare as texts: a longer one with the same beginning is the larger.
  return a.fraction < b.fraction ? -1 : a.fraction > b.fraction ? 1 : 0;
}

function isZero({ whole, fraction }: ExactNumber): boolean {
  return whole === 0n && fraction === '';
}
