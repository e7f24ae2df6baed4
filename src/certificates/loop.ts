import { setTimeout as sleep } from 'node:timers/promises';
import { createBackoff } from '../platform/backoff.ts';

/** Something that is looked at again and again. */
export interface Loop {
  /** Ends it when the round that is under way has ended, or a little later: an API server may not answer for long. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /** Looks at everything, and does what is due. Must not reject. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  /** Milliseconds between two rounds, a quarter more or less, so that replicas part. */
  readonly every: number;
  /** Tells of changes, each of which makes a round at once. Where it ends or rejects, it is called again a little later. */
  readonly watch: (changed: () => void, signal: AbortSignal) => Promise<void>;
  /** The watch has failed, or works again (null). */
  readonly watched: (problem: unknown) => void;
}

/** So many changes are answered at once; in a fight with somebody who changes things back, one a second. */
const BURST = 10;
const REFILL_MILLISECONDS = 1000;
const LONGEST_END = 2000;
/** A watch that lived so long shows that the server is well. */
const HEALTHY = 10_000;

/** Starts with a round at once. */
export function startLoop({ round, every, watch, watched }: LoopOptions): Loop {
  const ending = new AbortController();
  const { signal } = ending;
  let hint = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    let turns = BURST;
    let counted = performance.now();
    while (!signal.aborted) {
      hint = Promise.withResolvers<void>();
      await round(signal);
      const pause = new AbortController();
      const time = sleep(every * (0.75 + Math.random() / 2), undefined, {
        signal: AbortSignal.any([signal, pause.signal]),
      }).catch(() => {});
      await Promise.race([time, hint.promise]);
      pause.abort();
      turns = Math.min(BURST, turns + (performance.now() - counted) / REFILL_MILLISECONDS) - 1;
      counted = performance.now();
      if (turns < 0) await sleep(REFILL_MILLISECONDS, undefined, { signal }).catch(() => {});
    }
  }

  async function listen(): Promise<void> {
    const backoff = createBackoff(500, 30_000);
    while (!signal.aborted) {
      const since = performance.now();
      const error = await watch(() => {
        watched(null);
        hint.resolve();
      }, signal).then(
        () => null,
        (reason: unknown) => reason ?? new Error('the watch failed'),
      );
      if (signal.aborted) return;
      if (performance.now() - since >= HEALTHY) backoff.reset();
      if (error !== null) watched(error);
      await sleep(backoff.next(null), undefined, { signal }).catch(() => {});
    }
  }

  const ended = Promise.all([run(), listen()]);
  return {
    async stop() {
      ending.abort();
      hint.resolve();
      await Promise.race([ended, sleep(LONGEST_END, undefined, { ref: false })]);
    },
  };
}
