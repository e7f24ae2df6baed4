import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryHint } from '../core/receivers/hint.ts';
import { createBackoff } from '../platform/backoff.ts';

/** What is done again and again. */
export interface LoopNeeds {
  /** One cycle; how long after it the next begins, in milliseconds. Whatever it throws means that it is tried again. */
  readonly cycle: (hints: readonly RegistryHint[], signal: AbortSignal) => Promise<number>;
  /** Hears of a cycle that threw, and when it is tried again. */
  readonly failed: (error: unknown, waitMilliseconds: number) => void;
}

/** Cycles, one at a time. */
export interface SweepLoop {
  /** Begins a cycle now, or after the one that runs. */
  hint(hint: RegistryHint): void;
  /** Works until the signal: it is only for who leads. Settles when the cycle that ran has ended, too. */
  run(signal: AbortSignal): Promise<void>;
}

const BACKOFF = [2000, 120_000] as const;
/** More pushes than these between two cycles are not told apart: a cycle looks at everything anyway. */
const MOST_HINTS = 1000;

/** Makes a loop; what is heard while another leads is kept for the first cycle. */
export function createLoop({ cycle, failed }: LoopNeeds): SweepLoop {
  const backoff = createBackoff(...BACKOFF);
  let hints: RegistryHint[] = [];
  let wake = new AbortController();

  async function turn(signal: AbortSignal): Promise<number> {
    const heard = hints;
    hints = [];
    try {
      const wait = await cycle(heard, signal);
      backoff.reset();
      return wait;
    } catch (error) {
      if (signal.aborted) return 0;
      hints = [...heard, ...hints].slice(0, MOST_HINTS);
      const wait = backoff.next(null);
      failed(error, wait);
      return wait;
    }
  }

  return {
    hint(hint) {
      if (hints.length < MOST_HINTS) hints.push(hint);
      wake.abort();
    },
    async run(signal) {
      while (!signal.aborted) {
        wake = new AbortController();
        const wait = await turn(signal);
        if (signal.aborted) return;
        await sleep(wait, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => {});
      }
    },
  };
}
