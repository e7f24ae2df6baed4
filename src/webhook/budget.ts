import { parseDuration } from '../core/duration.ts';

/** The API server's own default where a webhook names no timeout. */
const DEFAULT_TIMEOUT = 10_000;
/** The longest that it allows. */
const LONGEST_TIMEOUT = 30_000;
/** Longer texts are no duration that anyone writes. */
const LONGEST_TEXT = 64;

/**
 * How many milliseconds the answer to a request may take: its `?timeout=` (a Go duration; 10 s where it is missing or is
 * none; at most 30 s) less the smaller of 1 s and a fifth of it, which the way there and back takes.
 *
 * @param url the path with its query.
 */
export function budgetOf(url: string): number {
  const start = url.indexOf('?');
  const timeout = (start === -1 ? null : timeoutIn(url.slice(start + 1))) ?? DEFAULT_TIMEOUT;
  return timeout - Math.min(1000, timeout / 5);
}

function timeoutIn(query: string): number | null {
  const parameter = query.split('&').find((each) => each.startsWith('timeout='));
  const text = parameter === undefined ? null : decode(parameter.slice('timeout='.length));
  const timeout = text === null || text.length > LONGEST_TEXT ? null : parseDuration(text);
  return timeout === null || timeout <= 0 ? null : Math.min(timeout, LONGEST_TIMEOUT);
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The same for one URL after the other: an API server sends the same timeout with every request. */
export function rememberBudget(): (url: string) => number {
  let last = '';
  let budget = budgetOf(last);
  return (url) => {
    if (url !== last) budget = budgetOf(url);
    last = url;
    return budget;
  };
}

/** The time that one request has: one timer for its body and for its answer. */
export class Budget {
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  #timer: NodeJS.Timeout;
  #onEnd: (() => void) | null = null;

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
    // The server keeps the process alive, not those that it serves no more.
    this.#timer = setTimeout(end, milliseconds, this).unref();
  }

  /** Aborted when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What else is done then, in place of what was said before. */
  onEnd(action: (() => void) | null): void {
    this.#onEnd = action;
  }

  /** After the end: does something when the caller's own patience is about to end too, unless the request is answered. */
  beforeTimeout(action: () => void): void {
    // A fifth of the timeout, a quarter of what is left of it, at most 1 s: half of that is still before the end.
    this.#timer = setTimeout(action, Math.min(1000, this.#milliseconds / 4) / 2).unref();
  }

  /** The request is answered. */
  close(): void {
    this.#onEnd = null;
    clearTimeout(this.#timer);
  }

  /** The time is over. */
  end(): void {
    this.#controller.abort(new DOMException('the time for this answer is over', 'TimeoutError'));
    this.#onEnd?.();
  }
}

/** One function for all timers. */
function end(budget: Budget): void {
  budget.end();
}
