import { createCache, type SharedLoad } from '../../platform/cache.ts';
import type { Described } from '../client.ts';
import { RegistryError } from '../error.ts';

/** What one question came to: an answer, or why there is none. */
export type Outcome = ({ readonly kind: 'described' } & Described) | RegistryError;

/** One question to a registry, that all who ask it share. */
export interface Journey {
  /** Equal for equal questions with equal credentials, and for those only. */
  readonly key: string;
  /** The earliest beginning of a flight under way that will do, in the clock of the flights. */
  readonly since: number;
  /** The host asked, for messages. */
  readonly host: string;
  /** Whose share of the work it is; empty for nobody's. */
  readonly limit: string;
  /** Asks, until the signal says stop. Rejects with `RegistryError`. */
  readonly fly: (signal: AbortSignal) => Promise<Described>;
  /** Hears what came of it, and when it began. Not called for what was never asked. */
  readonly landed: (outcome: Outcome, started: number) => void;
}

/** The questions under way: each once, bounded in time by itself and not by those who wait for it. */
export interface Flights {
  /** Joins the flight of this key, or begins one. The result rejects for programming errors only. */
  board(journey: Journey): SharedLoad<Outcome>;
  /** Ends all flights, and lets none begin. */
  close(): void;
}

const MOST_FLIGHTS = 4096;
/** A Pod may have a hundred images; nobody needs more at once. */
const MOST_FLIGHTS_OF_ONE = 128;

/**
 * Makes the board of flights.
 *
 * @param milliseconds how long a flight may take.
 * @param now a clock that never goes back, in milliseconds.
 */
export function createFlights(milliseconds: number, now: () => number): Flights {
  const loads = createCache<Outcome>({ maximumEntries: 1, lifeMilliseconds: 1, now });
  const running = new Set<AbortController>();
  const runningOf = new Map<string, number>();
  let isClosed = false;

  async function takeOff({ host, limit, fly, landed }: Journey): Promise<Outcome> {
    const own = runningOf.get(limit) ?? 0;
    if (isClosed) return new RegistryError('Closed', { host });
    if (running.size >= MOST_FLIGHTS || (limit !== '' && own >= MOST_FLIGHTS_OF_ONE)) {
      return new RegistryError('TooManyQuestions', { host });
    }
    const started = now();
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(new RegistryError('TimedOut', { host })), milliseconds);
    running.add(ending);
    runningOf.set(limit, own + 1);
    try {
      const outcome = await outcomeOf(fly(ending.signal));
      if (!isClosed) landed(outcome, started);
      return outcome;
    } finally {
      clearTimeout(timer);
      running.delete(ending);
      const left = (runningOf.get(limit) ?? 1) - 1;
      if (left === 0) runningOf.delete(limit);
      else runningOf.set(limit, left);
    }
  }

  return {
    board: (journey) => loads.share(journey.key, journey.since, () => takeOff(journey)),
    close() {
      isClosed = true;
      for (const flight of running) flight.abort(new RegistryError('Closed', { host: 'the registry' }));
    },
  };
}

async function outcomeOf(asked: Promise<Described>): Promise<Outcome> {
  try {
    return { kind: 'described', ...(await asked) };
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
}
