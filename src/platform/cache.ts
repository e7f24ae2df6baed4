import { LRUCache } from 'lru-cache';

/** A bounded memory with one load per key at a time. */
export interface Cache<Value extends object> {
  /** What is remembered, however old within its life. */
  get(key: string): Value | undefined;
  /** Remembers a value for the cache's life; the one that was used longest ago makes room. */
  set(key: string, value: Value): void;
  delete(key: string): void;
  /**
   * Joins the load of this key that runs, or starts one; nothing is remembered by it.
   *
   * A load that began before `since` is not joined but succeeded by one more, which begins when it ends and which everybody
   * who came meanwhile shares. So no key is ever loaded twice at once, however many ask, and whoever asks for what holds
   * from now on gets that.
   *
   * Nobody's signal reaches a load: whoever waits brings a deadline of his own (`withSignal`).
   *
   * @param since the earliest beginning that will do, in the cache's clock.
   */
  share(key: string, since: number, load: () => Promise<Value>): SharedLoad<Value>;
  /** How many keys are being loaded. */
  readonly loading: number;
}

/** A load that others may wait for as well. */
export interface SharedLoad<Value> {
  readonly result: Promise<Value>;
  /** Did it run (or wait for its turn) before this caller came? */
  readonly joined: boolean;
}

/** Bounds of a cache; times in milliseconds. */
export interface CacheOptions {
  readonly maximumEntries: number;
  readonly lifeMilliseconds: number;
  readonly now: () => number;
}

interface Load<Value> {
  /** When it began; null while it waits for the load before it. */
  startedAt: number | null;
  readonly result: Promise<Value>;
  next: Load<Value> | null;
}

/** Makes a cache; the only place that knows lru-cache. */
export function createCache<Value extends object>(options: CacheOptions): Cache<Value> {
  const { now } = options;
  const values = new LRUCache<string, Value>({
    max: options.maximumEntries,
    ttl: options.lifeMilliseconds,
    ttlResolution: 0,
    perf: { now },
  });
  const loads = new Map<string, Load<Value>>();

  function begin(key: string, load: () => Promise<Value>): Load<Value> {
    const started: Load<Value> = { startedAt: now(), result: settle(key, load), next: null };
    loads.set(key, started);
    return started;
  }

  async function settle(key: string, load: () => Promise<Value>): Promise<Value> {
    try {
      return await load();
    } finally {
      loads.delete(key);
    }
  }

  function queue(key: string, before: Load<Value>, load: () => Promise<Value>): Load<Value> {
    const waiting: Load<Value> = { startedAt: null, result: run(), next: null };
    async function run(): Promise<Value> {
      await before.result.catch(() => {}); // Its own callers hear of it.
      waiting.startedAt = now();
      loads.set(key, waiting);
      return await settle(key, load);
    }
    before.next = waiting;
    return waiting;
  }

  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    delete: (key) => void values.delete(key),
    get loading() {
      return loads.size;
    },
    share(key, since, load) {
      const running = loads.get(key);
      if (running === undefined) return { result: begin(key, load).result, joined: false };
      if (running.startedAt !== null && running.startedAt >= since) return { result: running.result, joined: true };
      if (running.next !== null) return { result: running.next.result, joined: true };
      return { result: queue(key, running, load).result, joined: false };
    },
  };
}
