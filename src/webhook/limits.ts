import type { Resolution } from '../core/image/resolution.ts';
import type { Verification } from '../core/signature/verification.ts';
import type { ResolveDigest } from './mutate.ts';
import { unanswered, type VerifyImage } from './verify-images.ts';

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
 * @returns the same resolver, but that past its share a question is RateLimited, or rejects with `TooManyQuestions`, as it wants.
 */
export function limitQuestions(resolve: ResolveDigest, limits: QuestionLimits): ResolveDigest {
  const shares = new Shares(limits);
  return async (question) => {
    const wait = shares.take(question.limit);
    if (wait > 0 && question.pastLimit === 'fail') return LIMITED;
    if (wait > 0) throw new TooManyQuestions(Math.max(1, Math.ceil(wait / 1000)));
    const resolution = await resolve(question);
    if (isFree(resolution)) shares.giveBack(question.limit);
    return resolution;
  };
}

const LIMITED: Resolution = {
  kind: 'failed',
  code: 'RateLimited',
  message: 'this namespace asks registries for more than its share',
  lastKnown: null,
};

/** A verification asks a registry four times as much as a resolution: for referrers, the older tag, a manifest and a blob. */
export const DEFAULT_VERIFICATION_LIMITS = { perSecond: 20, burst: 6000 } as const;

/**
 * The same for verifications, which are never a reason to send a review away, since Kubernetes' own controllers wait for theirs: past
 * its share a namespace is told that it could not be found out (RateLimited).
 */
export function limitVerifications(verify: VerifyImage, limits: QuestionLimits): VerifyImage {
  const shares = new Shares(limits);
  return async (question) => {
    const { limit, entries } = question;
    if (shares.take(limit) > 0) {
      return unanswered(entries, 'RateLimited', 'this namespace asks for more verifications than its share');
    }
    const verification = await verify(question);
    if (isRemembered(verification)) shares.giveBack(limit);
    return verification;
  };
}

/** A token bucket for each namespace. */
class Shares {
  readonly #now: () => number;
  readonly #interval: number;
  readonly #burst: number;
  /** When each bucket would be full again: the generic cell rate algorithm. */
  readonly #fullAt = new Map<string, number>();

  constructor({ now, perSecond, burst }: QuestionLimits) {
    this.#now = now;
    this.#interval = 1000 / perSecond;
    this.#burst = burst;
  }

  /** Takes one question of a namespace's share: 0, or the milliseconds until there is one. */
  take(namespace: string): number {
    const time = this.#now();
    const full = Math.max(this.#fullAt.get(namespace) ?? time, time);
    const wait = full - this.#burst * this.#interval - time + this.#interval;
    if (wait > 0) return wait;
    this.#fullAt.delete(namespace);
    this.#fullAt.set(namespace, full + this.#interval);
    if (this.#fullAt.size > MOST_NAMESPACES) this.#fullAt.delete(this.#fullAt.keys().next().value ?? '');
    return 0;
  }

  giveBack(namespace: string): void {
    const full = this.#fullAt.get(namespace);
    if (full !== undefined) this.#fullAt.set(namespace, full - this.#interval);
  }
}

function isFree(resolution: Resolution): boolean {
  return resolution.kind === 'resolved' && resolution.source === 'cache';
}

/** What is told without the signatures that it comes from was known already. */
function isRemembered({ verdicts, signatures }: Verification): boolean {
  return signatures.length === 0 && verdicts.every(({ verdict }) => verdict.kind === 'verified');
}
