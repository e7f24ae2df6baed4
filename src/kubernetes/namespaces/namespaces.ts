import { asObject, valueAt } from '../../core/workload/json.ts';
import { createCache } from '../../platform/cache.ts';
import { withSignal } from '../../platform/deadline.ts';
import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from '../request/answer.ts';
import { resourcePath } from '../request/resource.ts';
import { type ReflectorEvent, startReflector } from '../watch.ts';

/** The labels of a namespace. */
export type NamespaceLabels = Readonly<Record<string, string>>;

/** The labels of all namespaces, as far as they are known. */
export interface Namespaces {
  /** Was every namespace read once? */
  isSynced(): boolean;
  /**
   * The labels of a namespace: at once where the watch knows it; else read directly, for as long as the budget lasts and 2 s at
   * most. Where that fails, the one label that follows from the name.
   */
  labels(name: string, budget: AbortSignal): NamespaceLabels | Promise<NamespaceLabels>;
  stop(): void;
}

const NAME_LABEL = 'kubernetes.io/metadata.name';
const READ_MILLISECONDS = 2000;
/** A namespace that was just made is in the watch a moment later; one that is not there is asked for again after this. */
const REMEMBERED_MILLISECONDS = 1000;
const MOST_REMEMBERED = 1000;

/**
 * Mirrors the labels of all namespaces, and nothing else of them.
 *
 * @param unread told of a namespace whose labels could not be read.
 */
export function startNamespaces(options: {
  readonly client: Pick<KubernetesClient, 'request' | 'watch'>;
  readonly observe: (event: ReflectorEvent) => void;
  readonly unread: (namespace: string, error: unknown) => void;
}): Namespaces {
  const { client, observe, unread } = options;
  const reflector = startReflector<NamespaceLabels>({
    client,
    path: resourcePath({ group: '', version: 'v1', resource: 'namespaces' }),
    representation: 'metadata',
    keep: labelsOf,
    observe,
  });
  const reads = createCache<NamespaceLabels>({
    maximumEntries: MOST_REMEMBERED,
    lifeMilliseconds: REMEMBERED_MILLISECONDS,
    now: () => performance.now(),
  });

  async function read(name: string): Promise<NamespaceLabels> {
    let labels: NamespaceLabels = { [NAME_LABEL]: name };
    try {
      const path = resourcePath({ group: '', version: 'v1', resource: 'namespaces', name });
      const signal = AbortSignal.timeout(READ_MILLISECONDS);
      labels = labelsOf(await client.request({ method: 'GET', path, representation: 'metadata', signal }));
    } catch (error) {
      unread(name, error);
    }
    reads.set(name, labels);
    return labels;
  }

  async function readWithin(name: string, budget: AbortSignal): Promise<NamespaceLabels> {
    const load = reads.share(name, Number.NEGATIVE_INFINITY, () => read(name));
    try {
      return await withSignal(load.result, budget);
    } catch {
      return { [NAME_LABEL]: name };
    }
  }

  return {
    isSynced: () => reflector.isSynced(),
    labels: (name, budget) => reflector.get(name) ?? reads.get(name) ?? readWithin(name, budget),
    stop: () => reflector.stop(),
  };
}

/** The labels of an object. */
export function labelsOf(object: JsonObject): NamespaceLabels {
  const labels = Object.entries(asObject(valueAt(object, ['metadata', 'labels'])) ?? {});
  return Object.fromEntries(labels.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
