import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesClient } from './client.ts';
import { createLeaseClaim, type HeldLease } from './lease-claim.ts';
import { KubernetesError } from './request/error.ts';

/** What an election is about, and what the elected does. */
export interface ElectionOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Who we are to people: the name of the Pod. What tells candidates apart is added to it. */
  readonly candidate: string;
  /**
   * The work, which must end soon after its signal is aborted: with that somebody else may have begun. Where it ends well before, we
   * lead on without work; where it rejects, another may try.
   */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  readonly observe?: (event: ElectionEvent) => void;
  /** How long the others wait after the last renewal that they saw: 15, whole seconds. */
  readonly leaseSeconds?: number;
  /** How long after the last renewal work goes on at most: 10000, less than the lease. */
  readonly renewMilliseconds?: number;
  /** How often it is renewed, or tried for: 2000. */
  readonly retryMilliseconds?: number;
}

/** What an elector goes through, for logs and metrics. */
export type ElectionEvent =
  | { readonly kind: 'elected' }
  /** Another has taken the Lease, or it could not be renewed in time, or the work failed. */
  | { readonly kind: 'lost'; readonly why: 'taken' | 'late' | 'work' }
  | { readonly kind: 'follows'; readonly leader: string }
  /** The Lease could not be read or written; it is tried again. */
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'workFailed'; readonly error: unknown };

/** One of several candidates, of which one leads. */
export interface Elector {
  isLeader(): boolean;
  /** Ends the work and gives the Lease back, so that another leads at once; settles when that is done or can't be done in time. */
  stop(): Promise<void>;
}

/**
 * Takes part in the election of a leader through a Lease of `coordination.k8s.io/v1`, as client-go does it. Clocks are not
 * compared: a Lease is over when it has not changed before our eyes for as long as it says. Every write is conditional.
 *
 * That no two lead at once holds as long as processes are not suspended while they work. What leaders write must be safe all the same.
 */
export function startElector(options: ElectionOptions): Elector {
  const { client, namespace, name, lead } = options;
  const { leaseSeconds = 15, renewMilliseconds = 10_000, retryMilliseconds = 2000 } = options;
  const identity = `${options.candidate}_${randomUUID()}`;
  const stopping = new AbortController();
  const lease = createLeaseClaim({
    client,
    namespace,
    name,
    identity,
    leaseSeconds,
    follows: (leader) => observe({ kind: 'follows', leader }),
  });
  let held: HeldLease | null = null;
  let isWorking = false;

  function observe(event: ElectionEvent): void {
    try {
      options.observe?.(event);
    } catch {
      // There is nobody left to tell.
    }
  }

  /** A claim that may fail: then what was held is held on. */
  async function tryClaim(signal: AbortSignal): Promise<{ readonly held: HeldLease | null; readonly asked: number }> {
    try {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(renewMilliseconds / 2)]);
      return { held: await lease.claim(held, bounded), asked: 0 };
    } catch (error) {
      if (!signal.aborted) observe({ kind: 'failed', error });
      const asked = error instanceof KubernetesError ? (error.retryAfterMilliseconds ?? 0) : 0;
      return { held, asked: Math.min(asked, leaseSeconds * 1000) };
    }
  }

  /** Waits for the next try: with some chance, so that candidates do not come together. */
  async function pause(atLeast: number, signal: AbortSignal): Promise<void> {
    const milliseconds = Math.max(atLeast, retryMilliseconds * (1 + Math.random() / 5));
    await sleep(milliseconds, undefined, { signal }).catch(() => {});
  }

  /** Where that is not possible, the others wait until it is over. */
  async function release(mine: HeldLease): Promise<void> {
    const left = Math.min(renewMilliseconds / 2, mine.at + leaseSeconds * 1000 - performance.now());
    if (left <= 0) return;
    await lease.release(mine, AbortSignal.timeout(left)).catch((error: unknown) => observe({ kind: 'failed', error }));
  }

  /** Works and renews, until it is lost or to stop. */
  async function serve(): Promise<void> {
    const ending = new AbortController();
    let why: 'taken' | 'late' | 'work' | null = null;
    const end = (reason: typeof why): void => {
      if (ending.signal.aborted) return;
      why = reason;
      isWorking = false;
      ending.abort(new Error(reason === null ? 'the elector was stopped' : 'the Lease was lost'));
    };
    const onStop = (): void => end(null);
    let timer: NodeJS.Timeout | undefined;
    const arm = ({ at }: HeldLease): void => {
      clearTimeout(timer);
      timer = setTimeout(() => end('late'), Math.max(0, at + renewMilliseconds - performance.now()));
    };
    if (held !== null) arm(held);
    isWorking = true;
    observe({ kind: 'elected' });
    stopping.signal.addEventListener('abort', onStop, { once: true });
    const work = (async () => {
      try {
        await lead(ending.signal);
      } catch (error) {
        if (ending.signal.aborted) return;
        observe({ kind: 'workFailed', error });
        end('work');
      }
    })();
    while (!ending.signal.aborted) {
      await pause(0, ending.signal);
      if (ending.signal.aborted) break;
      const { held: renewed } = await tryClaim(ending.signal);
      if (ending.signal.aborted) break;
      held = renewed;
      if (renewed === null) end('taken');
      else arm(renewed);
    }
    clearTimeout(timer);
    stopping.signal.removeEventListener('abort', onStop);
    if (why !== null) observe({ kind: 'lost', why });
    const mine = held;
    held = null;
    // Work that goes on must not meet that of another: the Lease is given back after it, or not at all.
    const until = mine === null ? 0 : mine.at + renewMilliseconds - performance.now();
    const isDone = await endsWithin(work, Math.max(0, until));
    if (isDone && mine !== null && why !== 'taken') await release(mine);
    if (!isDone) await Promise.race([work, aborted(stopping.signal)]);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const { held: claimed, asked } = await tryClaim(stopping.signal);
      held = claimed;
      if (claimed !== null && !stopping.signal.aborted) await serve();
      else if (claimed !== null) await release(claimed);
      if (!stopping.signal.aborted) await pause(asked, stopping.signal);
    }
  }

  const running = run();
  return {
    isLeader: () => isWorking && held !== null && performance.now() < held.at + renewMilliseconds,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function endsWithin(work: Promise<void>, milliseconds: number): Promise<boolean> {
  const waiting = new AbortController();
  const late = sleep(milliseconds, false, { signal: waiting.signal }).catch(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    waiting.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
