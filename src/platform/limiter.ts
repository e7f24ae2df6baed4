import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';

/** Lets so many tasks run at once, and start so many a second. */
export interface Limiter {
  /**
   * Runs a task in its turn.
   *
   * @param signal gives up the place in the queue; the task itself must watch its own.
   * @returns what the task gives; rejects with `QueueFull` at once where too many wait, and with `signal.reason`.
   */
  run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Too many tasks wait already. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
}

/** Bounds of a limiter. */
export interface LimiterOptions {
  readonly concurrency: number;
  /** How many may wait for their turn. */
  readonly waiting: number;
  /** How many may start in a second, with a burst of as many; null for no limit. */
  readonly perSecond: number | null;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** Makes a limiter. */
export function createLimiter({ concurrency, waiting, perSecond, now }: LimiterOptions): Limiter {
  const limit = pLimit(concurrency);
  const interval = perSecond === null ? 0 : 1000 / perSecond;
  const burst = Math.max(0, Math.floor(perSecond ?? 0) - 1) * interval;
  /** When the bucket would be full again: the generic cell rate algorithm, a token bucket without a timer. */
  let fullAt = Number.NEGATIVE_INFINITY;

  function delay(): number {
    const time = now();
    fullAt = Math.max(fullAt, time);
    const wait = Math.max(0, fullAt - burst - time);
    fullAt += interval;
    return wait;
  }

  return {
    async run(task, signal) {
      if (limit.pendingCount >= waiting) throw new QueueFull('too many tasks are waiting');
      return await limit(async () => {
        signal.throwIfAborted();
        const wait = perSecond === null ? 0 : delay();
        if (wait > 0) await sleep(wait, undefined, { signal });
        return await task();
      });
    },
  };
}
