import { createCache } from '../platform/cache.ts';
import type { KubernetesClient } from './client.ts';
import { readConfigMap } from './config-maps.ts';
import { isKubernetesError, isPassing } from './request/error.ts';

/** A trust root that could not be read: names and constant sentences, never content. */
export interface TrustRootProblem {
  readonly configMap: string;
  readonly key: string;
  readonly problem: string;
}

/** How trust roots are read. */
export interface TrustRootsOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** tagpin's own: a policy names no other. */
  readonly namespace: string;
  /** Is told of every failed read, which are at most one in five seconds for each text. */
  readonly observe: (problem: TrustRootProblem) => void;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** A policy has a few; each is up to 1 MiB, as a ConfigMap is. */
const MOST_ROOTS = 20;
const READ_MILLISECONDS = 3000;
const FAILURE_LIFE = 5000;
/** While the API server is away, what it said last still holds. */
const LAST_LIFE = 3_600_000;

type Read = { readonly text: string } | { readonly problem: string };

/**
 * Makes what reads trust roots from ConfigMaps, each by its name, so that a role can name it. It remembers failures for five seconds;
 * how long a text holds is its reader's affair, but for when the API server gives no answer: then the last one holds, for an hour.
 *
 * @returns gives the text under a key; rejects with an Error whose message says why there is none, half a sentence.
 */
export function createTrustRoots(options: TrustRootsOptions): (configMap: string, key: string) => Promise<string> {
  const { client, namespace, observe, now } = options;
  const failures = createCache<Read>({ maximumEntries: MOST_ROOTS, lifeMilliseconds: FAILURE_LIFE, now });
  const last = createCache<{ readonly text: string }>({ maximumEntries: MOST_ROOTS, lifeMilliseconds: LAST_LIFE, now });

  async function read(name: string, configMap: string, key: string): Promise<Read> {
    const tell = (problem: string): Read => {
      observe({ configMap, key, problem });
      const failure = { problem };
      failures.set(name, failure);
      return failure;
    };
    const gone = (problem: string): Read => {
      last.delete(name);
      return tell(problem);
    };
    try {
      const signal = AbortSignal.timeout(READ_MILLISECONDS);
      const found = await readConfigMap(client, { namespace, name: configMap, key }, signal);
      if (found === null) return gone('there is no such ConfigMap');
      if (found.text === null) return gone('the ConfigMap has no such key');
      const root = { text: found.text };
      last.set(name, root);
      return root;
    } catch (error) {
      if (isKubernetesError(error, 'Forbidden')) return gone("it may not be read: name it in the chart's trustRoots");
      if (!isPassing(error) && !isTimeout(error)) return gone('the API server refused it');
      const failure = tell('the API server gave no answer');
      return last.get(name) ?? failure;
    }
  }

  return async (configMap, key) => {
    const name = JSON.stringify([configMap, key]);
    const failure = failures.get(name);
    const known = failure === undefined ? undefined : (last.get(name) ?? failure);
    const share = () => failures.share(name, Number.NEGATIVE_INFINITY, () => read(name, configMap, key)).result;
    const found = known ?? (await share());
    if ('text' in found) return found.text;
    throw new Error(found.problem);
  };
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
