import { isIPv6 } from 'node:net';

/** What one source may send. */
export interface SourceLimits {
  readonly perSecond: number;
  /** How many at once after a quiet time. */
  readonly burst: number;
}

/**
 * A release of fifty images for four platforms is 250 notifications of GitHub's at once, from a few addresses. Looking whether one
 * is genuine costs a millisecond at most.
 */
export const SOURCE_LIMITS: SourceLimits = { perSecond: 50, burst: 500 };

/** Senders choose their addresses; those that have not sent lately are forgotten first. */
const MOST_SOURCES = 10_000;

/** Says whether an address may send one more. */
export type SourceRate = (address: string) => boolean;

/** Makes a token bucket for each source. @param now milliseconds of a clock that never goes back. */
export function createSourceRate({ perSecond, burst }: SourceLimits, now: () => number): SourceRate {
  const interval = 1000 / perSecond;
  /** When each bucket would be full again: the generic cell rate algorithm. */
  const fullAt = new Map<string, number>();
  return (address) => {
    const source = networkOf(address);
    const time = now();
    const full = Math.max(fullAt.get(source) ?? time, time);
    if (full - time > (burst - 1) * interval) return false;
    fullAt.delete(source);
    fullAt.set(source, full + interval);
    if (fullAt.size > MOST_SOURCES) fullAt.delete(fullAt.keys().next().value ?? '');
    return true;
  };
}

/** A customer of IPv6 has 2^64 addresses: their network is one source. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [left = '', right] = address.split('::');
  const head = left.split(':').filter((group) => group !== '');
  if (right === undefined) return head.slice(0, 4).join(':');
  const tail = right.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
