import { hintKey, type RegistryHint } from '../../core/receivers/hint.ts';

/** How hints wait; times in milliseconds. */
export interface HintTimes {
  /** From a hint to its passing on, so that the pushes of one build are one. */
  readonly debounce: number;
  /** Between two times that the same hint is passed on. */
  readonly pause: number;
}

/** A push is often several requests within a second. Who repeats a request makes nobody look more often than this. */
const HINT_TIMES: HintTimes = { debounce: 2000, pause: 10_000 };

/** More repositories than these are not pushed to in two seconds. */
const MOST_PENDING = 1000;

/** Hints on their way. */
export interface HintQueue {
  /** Takes a hint, joins it to the same one that waits already, or refuses it where too many wait. */
  add(hint: RegistryHint): 'taken' | 'joined' | 'refused';
  /** Forgets what waits. */
  close(): void;
}

/** Makes a queue. @param now milliseconds of a clock that never goes back. */
export function createHintQueue(options: {
  readonly pass: (hint: RegistryHint) => void;
  readonly now: () => number;
  readonly times?: HintTimes;
}): HintQueue {
  const { pass, now, times = HINT_TIMES } = options;
  const pending = new Map<string, { readonly hint: RegistryHint; readonly due: number }>();
  /** When each was passed on, as long as that matters. */
  const passed = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;

  function schedule(): void {
    if (timer !== null || pending.size === 0) return;
    const next = Math.min(...[...pending.values()].map(({ due }) => due));
    timer = setTimeout(run, Math.max(0, next - now()));
  }

  function run(): void {
    timer = null;
    const time = now();
    for (const [key, at] of passed) if (at + times.pause <= time) passed.delete(key);
    for (const [key, { hint, due }] of pending) {
      if (due > time) continue;
      pending.delete(key);
      passed.set(key, time);
      pass(hint);
    }
    schedule();
  }

  return {
    add(hint) {
      const key = hintKey(hint);
      if (pending.has(key)) return 'joined';
      if (pending.size >= MOST_PENDING) return 'refused';
      const time = now();
      const last = passed.get(key) ?? Number.NEGATIVE_INFINITY;
      pending.set(key, { hint, due: Math.max(time + times.debounce, last + times.pause) });
      // A hint that is due before those that wait is one that was not passed on lately; the timer may be of one that was.
      if (timer !== null) clearTimeout(timer);
      timer = null;
      schedule();
      return 'taken';
    },
    close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      pending.clear();
    },
  };
}
