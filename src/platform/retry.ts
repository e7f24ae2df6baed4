import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';

/** The delay before a second try: short, since somebody waits, and with jitter, so that those who failed together part. */
const RETRY_DELAY = { initialDelay: 100, maxDelay: 300 };

/**
 * Does something, and once more shortly after where it failed for a passing reason.
 *
 * @param isTransient whether a failure may pass.
 * @param signal ends the waiting for the second try.
 */
export async function retryOnce<T>(
  task: () => Promise<T>,
  isTransient: (error: unknown) => boolean,
  signal: AbortSignal,
): Promise<T> {
  const policy = retry(handleWhen(isTransient), { maxAttempts: 1, backoff: new ExponentialBackoff(RETRY_DELAY) });
  return await policy.execute(task, signal);
}

/**
 * Reads a `Retry-After` header: seconds, or an HTTP date (RFC 9110, 10.2.3).
 *
 * @param now milliseconds since 1970.
 * @returns how long to wait in milliseconds, at least 0; null where the header says nothing that can be read.
 */
export function readRetryAfter(header: string | null, now: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
