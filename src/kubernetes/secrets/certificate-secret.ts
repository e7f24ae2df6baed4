import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from '../request/answer.ts';
import { isKubernetesError } from '../request/error.ts';
import { resourcePath } from '../request/resource.ts';

/** A Secret as it was read. */
export interface ReadSecret {
  /** Its resourceVersion. */
  readonly version: string;
  readonly type: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Decoded, as UTF-8. Must never be printed. */
  readonly data: Readonly<Record<string, string>>;
}

/** One Secret, by name: it is never listed or watched. */
export interface SecretStore {
  /** `NAMESPACE/NAME`. */
  readonly name: string;
  /** Null where there is none. @throws KubernetesError */
  readonly read: () => Promise<ReadSecret | null>;
  /**
   * Writes these keys of its data (null takes one out), and keeps all else of it: over that version only, or, with null, only
   * where there is none. `conflict`: there is another one now.
   *
   * @throws KubernetesError
   */
  readonly write: (
    changes: Readonly<Record<string, string | null>>,
    over: ReadSecret | null,
  ) => Promise<'written' | 'conflict'>;
}

const LABELS = { 'app.kubernetes.io/name': 'tagpin', 'app.kubernetes.io/managed-by': 'tagpin' };

/** Opens a Secret; nothing is sent yet. */
export function openCertificateSecret(
  client: Pick<KubernetesClient, 'request'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): SecretStore {
  const collection = { group: '', version: 'v1', resource: 'secrets', namespace };
  const path = resourcePath({ ...collection, name });
  /** What was read, whole: an update replaces the object, and what else is in it is not ours to take away. */
  const objects = new WeakMap<ReadSecret, JsonObject>();

  async function read(): Promise<ReadSecret | null> {
    let object: JsonObject;
    try {
      object = await client.request({ method: 'GET', path });
    } catch (error) {
      if (isKubernetesError(error, 'NotFound')) return null;
      throw error;
    }
    const { resourceVersion, annotations } = record(object['metadata']);
    const secret = {
      version: String(resourceVersion),
      type: String(object['type']),
      annotations: mapValues(record(annotations), String),
      data: mapValues(record(object['data']), (value) => Buffer.from(String(value), 'base64').toString('utf8')),
    };
    objects.set(secret, object);
    return secret;
  }

  return {
    name: `${namespace}/${name}`,
    read,
    async write(changes, over) {
      const before = over === null ? {} : (objects.get(over) ?? {});
      const data = { ...record(before['data']) };
      for (const [key, value] of Object.entries(changes)) {
        if (value === null) delete data[key];
        else data[key] = Buffer.from(value, 'utf8').toString('base64');
      }
      const head = { apiVersion: 'v1', kind: 'Secret' };
      const metadata = { ...record(before['metadata']), ...(over !== null && { resourceVersion: over.version }) };
      try {
        await client.request(
          over === null
            ? {
                method: 'POST',
                path: resourcePath(collection),
                query: { fieldManager: 'tagpin' },
                body: { ...head, type: 'Opaque', metadata: { namespace, name, labels: LABELS }, data },
              }
            : { method: 'PUT', path, query: { fieldManager: 'tagpin' }, body: { ...head, ...before, metadata, data } },
        );
        return 'written';
      } catch (error) {
        // Gone since it was read: an update of what is not there.
        if (isKubernetesError(error, 'Conflict', 'AlreadyExists')) return 'conflict';
        if (over !== null && isKubernetesError(error, 'NotFound')) return 'conflict';
        throw error;
      }
    },
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function mapValues<T>(values: Readonly<Record<string, unknown>>, map: (value: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
}
