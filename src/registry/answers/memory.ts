import type { Digest } from '../../core/image/digest.ts';
import type { ResolutionFailureCode } from '../../core/image/resolution.ts';
import { type Cache, createCache } from '../../platform/cache.ts';
import type { Described } from '../client.ts';
import { RegistryError } from '../error.ts';
import type { Outcome } from './flight.ts';

/** How a question was answered from memory, or that it was not: nothing remembered, or nothing fresh enough. */
export type LookupResult = 'hit' | 'negative' | 'stale' | 'miss' | 'shared';

/**
 * What registries have said, by question and credential. A digest is kept for a day, for when the registry does not answer;
 * how old it may be to count as an answer is for each who asks to say. A failure is kept for seconds.
 */
export interface Memory {
  /** The remembered outcome that is fresh enough, or null; and how that is called. */
  find(key: string, maxAgeMilliseconds: number): { readonly outcome: Outcome | null; readonly result: LookupResult };
  /** The last digest, at most a day old, and when it was asked for. */
  lastKnown(key: string): { readonly digest: Digest; readonly at: number } | null;
  /** @param at when the question was put: an answer is as old as its question. */
  remember(key: string, outcome: Outcome, at: number): void;
}

interface Entry {
  readonly known: (Described & { readonly at: number }) | null;
  readonly failure: { readonly error: RegistryError; readonly until: number } | null;
}

const DAY = 24 * 3_600_000;
/** About 500 bytes an entry: 10 MB at most. */
const MOST_ENTRIES = 20_000;

/** Seconds for which a failure is remembered; short where a push or a new grant is likely to be what is waited for. */
const FAILURE_SECONDS: Readonly<Record<ResolutionFailureCode, number>> = {
  NotFound: 5,
  Unauthorized: 10,
  Forbidden: 10,
  RateLimited: 5,
  Unreachable: 5,
  Timeout: 5,
  NotAllowed: 5,
  InvalidResponse: 10,
  NoMatchingPlatform: 10,
};
const LONGEST_FAILURE_SECONDS = 30;

/** Makes a memory. `now` is a clock that never goes back, in milliseconds. */
export function createMemory(now: () => number): Memory {
  const entries: Cache<Entry> = createCache({ maximumEntries: MOST_ENTRIES, lifeMilliseconds: DAY, now });

  return {
    find(key, maxAgeMilliseconds) {
      const { known, failure } = entries.get(key) ?? { known: null, failure: null };
      if (maxAgeMilliseconds > 0) {
        const time = now();
        if (failure !== null && failure.until > time) return { outcome: failure.error, result: 'negative' };
        if (failure === null && known !== null && time - known.at <= maxAgeMilliseconds) {
          return { outcome: { kind: 'described', digest: known.digest, mediaType: known.mediaType }, result: 'hit' };
        }
      }
      return { outcome: null, result: known === null ? 'miss' : 'stale' };
    },
    lastKnown(key) {
      const known = entries.get(key)?.known ?? null;
      return known !== null && now() - known.at <= DAY ? known : null;
    },
    remember(key, outcome, at) {
      const before = entries.get(key)?.known ?? null;
      if (!(outcome instanceof RegistryError)) {
        entries.set(key, { known: { digest: outcome.digest, mediaType: outcome.mediaType, at }, failure: null });
        return;
      }
      if (outcome.reason === 'QueueFull') return; // That was us, and a moment later it may be over.
      const asked = (outcome.retryAfterMilliseconds ?? 0) / 1000;
      const seconds = Math.min(Math.max(FAILURE_SECONDS[outcome.code], asked), LONGEST_FAILURE_SECONDS);
      entries.set(key, { known: before, failure: { error: outcome, until: now() + seconds * 1000 } });
    },
  };
}
