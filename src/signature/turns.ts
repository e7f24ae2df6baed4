import { createLimiter, type Limiter } from '../platform/limiter.ts';

/** How many searches run at once: of one, such as a namespace, and of all together. */
export interface TurnsOptions {
  readonly ofOne: number;
  readonly ofAll: number;
  /** How many of one may wait. */
  readonly waiting: number;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** Lets nobody have all searches to himself, however many he asks for and however slow they are. */
export interface Turns {
  /**
   * Runs a task in its turn.
   *
   * @param of whose it is.
   * @param signal gives up the place in the queue; the task itself must watch its own.
   * @returns what the task gives; rejects with `QueueFull` at once where too many wait, and with `signal.reason`.
   */
  run<T>(of: string, task: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Makes the order of turns: of each in its own queue first, and only who is through that stands in the common one. */
export function createTurns({ ofOne, ofAll, waiting, now }: TurnsOptions): Turns {
  const bounds = { perSecond: null, now };
  const common = createLimiter({ ...bounds, concurrency: ofAll, waiting: Number.POSITIVE_INFINITY });
  const queues = new Map<string, { readonly own: Limiter; users: number }>();
  return {
    async run(of, task, signal) {
      const queue = queues.get(of) ?? { own: createLimiter({ ...bounds, concurrency: ofOne, waiting }), users: 0 };
      queues.set(of, queue);
      queue.users += 1;
      try {
        return await queue.own.run(() => common.run(task, signal), signal);
      } finally {
        queue.users -= 1;
        if (queue.users === 0) queues.delete(of);
      }
    },
  };
}
