/** How long to wait before the next try, longer after each. */
export interface Backoff {
  /**
   * Milliseconds before the next try: by chance up to a bound that doubles with every call, so that those who failed
   * together do not come back together.
   *
   * @param asked what the other side asks for at least; null where it says nothing.
   */
  next(asked: number | null): number;
  /** Things are well again: the bound is the first one. */
  reset(): void;
}

/** Nobody may keep us waiting for longer by asking for it. */
const LONGEST_ASKED = 5 * 60_000;

/**
 * Makes a backoff with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @param first the first bound in milliseconds.
 * @param last the largest one.
 * @param random a number from 0 up to 1.
 */
export function createBackoff(first: number, last: number, random: () => number = Math.random): Backoff {
  let bound = first;
  return {
    next(asked) {
      const jitter = random() * bound;
      bound = Math.min(last, bound * 2);
      return Math.min(asked ?? 0, LONGEST_ASKED) + jitter;
    },
    reset() {
      bound = first;
    },
  };
}
