import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from './answer.ts';
import { KubernetesError } from './error.ts';

/** What is listed. */
export interface ListOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** A collection, of `resourcePath`. */
  readonly path: string;
  /** `labelSelector`, `fieldSelector`. */
  readonly query?: Readonly<Record<string, string>>;
  /** `metadata`: objects come without spec and status. */
  readonly representation?: 'object' | 'metadata';
  /** How many objects are asked for at a time: 500. */
  readonly pageSize?: number;
  readonly signal?: AbortSignal;
}

/** A part of a collection. */
export interface ListPage {
  /** Objects of lists have neither `kind` nor `apiVersion`. */
  readonly items: readonly JsonObject[];
  /** The state that all pages of a list show; a watch can go on from there. */
  readonly version: string;
}

const PAGE = 500;

/**
 * Lists a collection page by page, so that only one of them is held (https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks).
 *
 * It throws KubernetesError, `Expired` where so much time passed between pages that the list must be begun again.
 */
export async function* listPages({ client, path, ...options }: ListOptions): AsyncGenerator<ListPage, void> {
  const { query = {}, representation = 'object', pageSize = PAGE, signal } = options;
  for (let token = ''; ; ) {
    const list = await client.request({
      method: 'GET',
      path,
      query: { ...query, limit: String(pageSize), ...(token !== '' && { continue: token }) },
      representation,
      ...(signal && { signal }),
    });
    const { items } = list;
    const { resourceVersion: version, continue: next = '' } = metadataOf(list);
    // Go writes an empty list as null.
    if (!Array.isArray(items ?? []) || typeof version !== 'string' || version === '') {
      throw new KubernetesError('BadAnswer', `GET ${path}: the answer is no list`);
    }
    if (typeof next !== 'string' || (next !== '' && next === token)) {
      throw new KubernetesError('BadAnswer', `GET ${path}: the list can not be continued`);
    }
    yield { items: (items ?? []) as readonly JsonObject[], version };
    if (next === '') return;
    token = next;
  }
}

/** The key of an object in a collection: `NAMESPACE/NAME`, or `NAME` where there are no namespaces; null for what has no name. */
export function keyOf(object: JsonObject): string | null {
  const { namespace, name } = metadataOf(object);
  if (typeof name !== 'string' || name === '') return null;
  return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : name;
}

/** Its `resourceVersion`, which differs whenever anything of the object does; empty where there is none. */
export function versionOf(object: JsonObject): string {
  const { resourceVersion } = metadataOf(object);
  return typeof resourceVersion === 'string' ? resourceVersion : '';
}

function metadataOf({ metadata }: JsonObject): JsonObject {
  return typeof metadata === 'object' && metadata !== null ? (metadata as JsonObject) : {};
}
