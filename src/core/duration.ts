const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const UNIT = '(?:\\d+\\.?\\d*|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h|d)';
const DURATION = new RegExp(`^[+-]?(?:0|(?:${UNIT})+)$`);

/** Go counts nanoseconds in 63 bits, a little over 292 years. */
const LONGEST = 2 ** 63 / 1e6;

/**
 * Reads a duration as Go's `time.ParseDuration` does, with `d` for 24 hours besides: `10s`, `1m30s`, `1.5h`, `7d`.
 *
 * @returns milliseconds, fractions and negative values included; null where the text is no duration, also a number
 * without its unit.
 */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    total += Number(amount) * (MILLISECONDS[unit ?? ''] ?? 0);
  }
  if (total >= LONGEST) return null;
  return text.startsWith('-') && total !== 0 ? -total : total;
}

/** Milliseconds as a duration for people, without units that are zero: `1m30s`, `1.5s`, `250ms`, `7d`, `0s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 0) return `-${formatDuration(-milliseconds)}`;
  if (milliseconds === 0) return '0s';
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const days = Math.floor(milliseconds / 86_400_000);
  const hours = Math.floor(milliseconds / 3_600_000) % 24;
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = (milliseconds % 60_000) / 1000;
  return [
    [days, 'd'],
    [hours, 'h'],
    [minutes, 'm'],
    [seconds, 's'],
  ]
    .filter(([amount]) => amount !== 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join('');
}
