import type { Resolution } from '../core/image/resolution.ts';
import type { ResolveDigest } from './mutate.ts';

/** How many reviews are answered at once, and how many wait for that. */
export interface GateOptions {
  readonly running: number;
  readonly waiting: number;
  /** How long one waits before it is sent away. */
  readonly patienceMilliseconds: number;
}

/**
 * A review that runs waits for registries, 10 s at most, and holds its parsed body meanwhile: 30 KB as they usually are, so
 * 1,000 are 30 MB of the 200 that the webhook may have. As many may wait. The API server sends again after a second what was
 * sent away, so that nobody has to wait longer than that.
 */
export const DEFAULT_GATE: GateOptions = { running: 1000, waiting: 1000, patienceMilliseconds: 1000 };

/** Lets in as many as there is room for, the others in their order, and sends away who would wait too long. */
export class Gate {
  readonly #options: GateOptions;
  readonly #queue = new Set<(isIn: boolean) => void>();
  #running = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** True where there is room now; else whether there was in time. Who gets in must `leave`. */
  enter(): boolean | Promise<boolean> {
    const { running, waiting, patienceMilliseconds } = this.#options;
    if (this.#running < running) {
      this.#running += 1;
      return true;
    }
    if (this.#queue.size >= waiting) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => {
      this.#queue.delete(turn);
      resolve(false);
    }, patienceMilliseconds);
    const turn = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    this.#queue.add(turn);
    return promise;
  }

  leave(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#running -= 1;
    } else {
      this.#queue.delete(next);
      next(true);
    }
  }
}

/** What a namespace may ask of registries. Answers from a pin or from memory cost nothing. */
export interface QuestionLimits {
  readonly perSecond: number;
  /** How many at once after a quiet time. */
  readonly burst: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * A registry answers 8 requests at a time in about 50 ms, 160 a second: half of that is one namespace's share. The burst is
 * 1,200 workloads of 5 images each, more than is applied to one namespace at once.
 */
export const DEFAULT_QUESTION_LIMITS = { perSecond: 80, burst: 6000 } as const;

/** A namespace has asked for more than its share: its reviews have to come again. */
export class TooManyQuestions extends Error {
  override readonly name = 'TooManyQuestions';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('this namespace asks registries for more than its share');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Callers choose the names of namespaces; those that have not asked lately are forgotten first. */
const MOST_NAMESPACES = 10_000;

/**
 * Bounds what each namespace may ask of registries, by a token bucket of its own.
 *
 * @returns the same resolver, but that it rejects with `TooManyQuestions`.
 */
export function limitQuestions(resolve: ResolveDigest, limits: QuestionLimits): ResolveDigest {
  const { now, perSecond, burst } = limits;
  const interval = 1000 / perSecond;
  /** When each bucket would be full again: the generic cell rate algorithm. */
  const fullAt = new Map<string, number>();

  const take = (namespace: string): void => {
    const time = now();
    const full = Math.max(fullAt.get(namespace) ?? time, time);
    const wait = full - burst * interval - time + interval;
    if (wait > 0) throw new TooManyQuestions(Math.max(1, Math.ceil(wait / 1000)));
    fullAt.delete(namespace);
    fullAt.set(namespace, full + interval);
    if (fullAt.size > MOST_NAMESPACES) fullAt.delete(fullAt.keys().next().value ?? '');
  };
  const giveBack = (namespace: string): void => {
    const full = fullAt.get(namespace);
    if (full !== undefined) fullAt.set(namespace, full - interval);
  };
  return async (question) => {
    take(question.limit);
    const resolution = await resolve(question);
    if (isFree(resolution)) giveBack(question.limit);
    return resolution;
  };
}

function isFree(resolution: Resolution): boolean {
  return resolution.kind === 'resolved' && resolution.source === 'cache';
}
