import { asString, valueAt } from '../core/workload/json.ts';
import type { KubernetesClient } from './client.ts';
import type { JsonObject } from './request/answer.ts';
import { isKubernetesError, KubernetesError } from './request/error.ts';
import { resourcePath } from './request/resource.ts';
import { type Reflector, type ReflectorEvent, startReflector } from './watch.ts';

/** One text of a ConfigMap. */
export interface ConfigMapText {
  /** Null where it has no text under the key. */
  readonly text: string | null;
  readonly uid: string;
  /** What a write must still find there. */
  readonly version: string;
}

/** Which text: a key of a ConfigMap. */
export interface ConfigMapKey {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
}

/** The field manager of what tagpin writes. */
const FIELD_MANAGER = 'tagpin';

/** Mirrors one text, by a watch that asks for this one ConfigMap, so that a role can name it. */
export function watchConfigMap(options: {
  readonly client: Pick<KubernetesClient, 'request' | 'watch'>;
  readonly wanted: ConfigMapKey;
  readonly changed: () => void;
  readonly observe: (event: ReflectorEvent) => void;
}): Reflector<ConfigMapText> {
  const { client, wanted, changed, observe } = options;
  return startReflector({
    client,
    path: resourcePath({ group: '', version: 'v1', resource: 'configmaps', namespace: wanted.namespace }),
    query: { fieldSelector: `metadata.name=${wanted.name}` },
    keep: (object) => textOf(object, wanted.key),
    changed,
    observe,
  });
}

/**
 * Reads one text.
 *
 * @returns null where there is no such ConfigMap. @throws KubernetesError
 */
export async function readConfigMap(
  client: Pick<KubernetesClient, 'request'>,
  wanted: ConfigMapKey,
  signal: AbortSignal,
): Promise<ConfigMapText | null> {
  try {
    return textOf(await client.request({ method: 'GET', path: pathOf(wanted), signal }), wanted.key);
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}

/**
 * Writes one text with server-side apply, so that the role that allows it can name the ConfigMap also for its creation, and
 * nothing else of the object is touched.
 *
 * @param before what was read there: the write is refused where it is another by now. What is not there, or no more, is
 * created; where two create at once, the later one's text stays.
 * @returns what is there now; `outrun` where somebody else wrote meanwhile. @throws KubernetesError
 */
export async function writeConfigMap(
  client: Pick<KubernetesClient, 'request'>,
  wanted: ConfigMapKey,
  written: { readonly text: string; readonly before: Pick<ConfigMapText, 'version'> | null },
  signal: AbortSignal,
): Promise<ConfigMapText | 'outrun'> {
  const { namespace, name, key } = wanted;
  const { text, before } = written;
  try {
    const stored = await client.request({
      method: 'PATCH',
      patch: 'apply',
      path: pathOf(wanted),
      query: { fieldManager: FIELD_MANAGER, force: 'true' },
      body: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace, ...(before !== null && { resourceVersion: before.version }) },
        data: { [key]: text },
      },
      signal,
    });
    return textOf(stored, key);
  } catch (error) {
    if (isKubernetesError(error, 'Conflict')) return 'outrun';
    throw error;
  }
}

function pathOf({ namespace, name }: ConfigMapKey): string {
  return resourcePath({ group: '', version: 'v1', resource: 'configmaps', namespace, name });
}

function textOf(object: JsonObject, key: string): ConfigMapText {
  const uid = asString(valueAt(object, ['metadata', 'uid']));
  const version = asString(valueAt(object, ['metadata', 'resourceVersion']));
  if (uid === null || version === null) throw new KubernetesError('BadAnswer', 'a ConfigMap came without its metadata');
  return { text: asString(valueAt(object, ['data', key])), uid, version };
}
