import { setTimeout as sleep } from 'node:timers/promises';
import { createBackoff } from '../platform/backoff.ts';
import { withSignal } from '../platform/deadline.ts';
import type { KubernetesClient } from './client.ts';
import type { JsonObject } from './request/answer.ts';
import { isKubernetesError, isPassing, KubernetesError } from './request/error.ts';
import { keyOf, type ListOptions, listPages, versionOf } from './request/list.ts';

/** What a reflector mirrors, and what it keeps of it. */
export interface ReflectorOptions<T> extends Omit<ListOptions, 'signal'> {
  readonly client: Pick<KubernetesClient, 'request' | 'watch'>;
  /** What is kept of an object, which is as small as it can be; null for nothing. `kind` may be missing in the object. */
  readonly keep: (object: JsonObject) => T | null;
  /** Something about this key may have changed: it came, went, or is another. Look, and compare. */
  readonly changed?: (key: string) => void;
  readonly observe?: (event: ReflectorEvent) => void;
  /** After about so many milliseconds everything is listed again, which repairs whatever was missed; null (default) for never. */
  readonly relistMilliseconds?: number | null;
  /** The first and the last bound of the wait after a failure: 500 and 30000. */
  readonly backoffMilliseconds?: readonly [number, number];
}

/** What a reflector goes through, for logs and metrics. */
export type ReflectorEvent =
  /** The mirror is as the server just said. */
  | { readonly kind: 'listed'; readonly objects: number }
  /** A list or a watch failed; it is tried again after the wait. */
  | {
      readonly kind: 'failed';
      readonly doing: 'list' | 'watch';
      readonly error: unknown;
      readonly waitMilliseconds: number;
    }
  /** `keep` or `changed` threw: this object is left out, or this change was not heard. */
  | { readonly kind: 'thrown'; readonly error: unknown };

/** A mirror of a collection, by `NAMESPACE/NAME`, or `NAME` where there are no namespaces. */
export interface Reflector<T> {
  /** Was everything listed once? */
  isSynced(): boolean;
  /** Settles when everything was listed once; rejects with `signal.reason`, and when it was stopped before. */
  synced(signal: AbortSignal): Promise<void>;
  get(key: string): T | undefined;
  entries(): IterableIterator<[string, T]>;
  /** Ends it at once: nothing is called from then on. What was mirrored stays. */
  stop(): void;
}

interface Kept<T> {
  readonly value: T;
  readonly version: string;
}

/** Bookmarks come every minute or so, whatever else happens. A connection that is quiet for longer is dead, or soon made again. */
const QUIET = 100_000;
/** The server ends a watch after 4 to 6 minutes, by chance, so that replicas don't come back together. */
const SHORTEST_WATCH_SECONDS = 240;
const WATCH_SPREAD_SECONDS = 120;
/** A watch that lived so long shows that the server is well. */
const HEALTHY = 10_000;
/** So many failures in a row, and everything is listed: perhaps it is our position that the server can't go on from. */
const FAILURES_BEFORE_LIST = 5;
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Mirrors a collection: lists it in pages, then watches from there, and goes on for as long as it is not stopped, whatever the
 * server, the network and the handlers do (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
 *
 * It is level-triggered: what happened while a connection was broken is told as one change, or, where nothing is different in
 * the end, not at all.
 */
export function startReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, path, query = {}, representation = 'object', relistMilliseconds = null } = options;
  const backoff = createBackoff(...(options.backoffMilliseconds ?? [500, 30_000]));
  const ending = new AbortController();
  const { signal } = ending;
  const firstList = Promise.withResolvers<void>();
  firstList.promise.catch(() => {}); // Perhaps nobody waits.
  let isSynced = false;
  let mirror = new Map<string, Kept<T>>();
  /** Where the next watch goes on from; null: everything must be listed first. */
  let position: string | null = null;

  function observe(event: ReflectorEvent): void {
    if (signal.aborted) return;
    try {
      options.observe?.(event);
    } catch {
      // There is nobody left to tell.
    }
  }

  /** Runs what was handed in: it must not end the mirroring. */
  function guarded<R>(task: () => R, otherwise: R): R {
    try {
      return task();
    } catch (error) {
      observe({ kind: 'thrown', error });
      return otherwise;
    }
  }

  function tell(key: string): void {
    if (!signal.aborted) guarded(() => options.changed?.(key), undefined);
  }

  /** What is kept of an object goes in. Gives its key where something is different now, or else null. */
  function put(into: Map<string, Kept<T>>, object: JsonObject): string | null {
    const key = keyOf(object);
    if (key === null) return null;
    const value = guarded(() => options.keep(object), null);
    if (value === null) return into.delete(key) ? key : null;
    into.set(key, { value, version: versionOf(object) });
    return key;
  }

  /** The mirror is exchanged when the last page is there: a list that fails half-way changes nothing. */
  async function list(): Promise<string> {
    const next = new Map<string, Kept<T>>();
    let version = '';
    for await (const page of listPages({ ...options, signal })) {
      ({ version } = page);
      for (const object of page.items) put(next, object);
    }
    const before = mirror;
    mirror = next;
    isSynced = true;
    firstList.resolve();
    observe({ kind: 'listed', objects: next.size });
    for (const [key, { version }] of next) if (version === '' || before.get(key)?.version !== version) tell(key);
    for (const key of before.keys()) if (!next.has(key)) tell(key);
    return version;
  }

  function apply(type: string, object: JsonObject): void {
    if (signal.aborted) return;
    if (type === 'ADDED' || type === 'MODIFIED') {
      const key = put(mirror, object);
      if (key !== null) tell(key);
    } else if (type === 'DELETED') {
      const key = keyOf(object);
      if (key !== null && mirror.delete(key)) tell(key);
    } else if (type !== 'BOOKMARK') return;
    position = versionOf(object) || position;
  }

  async function watch(from: string, until: AbortSignal): Promise<void> {
    const timeoutSeconds = String(SHORTEST_WATCH_SECONDS + Math.floor(Math.random() * WATCH_SPREAD_SECONDS));
    await client.watch(
      {
        path,
        query: { ...query, resourceVersion: from, allowWatchBookmarks: 'true', timeoutSeconds },
        representation,
        quietMilliseconds: QUIET,
      },
      apply,
      until,
    );
  }

  async function run(): Promise<void> {
    let relistAt = Number.POSITIVE_INFINITY;
    let failures = 0;
    while (!signal.aborted) {
      let watchedSince: number | null = null;
      let problem: { readonly error: unknown } | null = null;
      const relist = new AbortController();
      let timer: NodeJS.Timeout | undefined;
      try {
        if (position === null) {
          position = await list();
          if (relistMilliseconds !== null)
            relistAt = performance.now() + relistMilliseconds * (0.9 + Math.random() / 5);
        }
        watchedSince = performance.now();
        if (relistAt < Number.POSITIVE_INFINITY)
          timer = setTimeout(() => relist.abort(), Math.min(relistAt - watchedSince, LONGEST_TIMER));
        await watch(position, AbortSignal.any([signal, relist.signal]));
      } catch (error) {
        problem = { error };
      } finally {
        clearTimeout(timer);
      }
      if (signal.aborted) return;
      const isHealthy = watchedSince !== null && performance.now() - watchedSince >= HEALTHY;
      if (isHealthy) {
        backoff.reset();
        failures = 0;
      }
      if (relist.signal.aborted) {
        position = null;
      } else if (problem !== null || !isHealthy) {
        failures += 1;
        const error = problem?.error ?? null;
        if (failures % FAILURES_BEFORE_LIST === 0 || (error !== null && !canGoOn(error))) position = null;
        const wait = backoff.next(error instanceof KubernetesError ? error.retryAfterMilliseconds : null);
        const doing = watchedSince === null ? 'list' : 'watch';
        if (problem !== null) observe({ kind: 'failed', doing, error, waitMilliseconds: wait });
        await sleep(wait, undefined, { signal }).catch(() => {});
      }
    }
  }

  void run();
  return {
    isSynced: () => isSynced,
    synced: (caller) => withSignal(firstList.promise, caller),
    get: (key) => mirror.get(key)?.value,
    *entries() {
      for (const [key, { value }] of mirror) yield [key, value];
    },
    stop() {
      ending.abort(new Error('the reflector was stopped'));
      firstList.reject(signal.reason);
    },
  };
}

/** May a watch go on from where the last one was, after this? */
function canGoOn(error: unknown): boolean {
  return isPassing(error) && !isKubernetesError(error, 'Expired');
}
