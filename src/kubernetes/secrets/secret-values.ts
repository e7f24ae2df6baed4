import { asObject, asString } from '../../core/workload/json.ts';
import type { KubernetesClient } from '../client.ts';
import { isKubernetesError } from '../request/error.ts';
import { resourcePath } from '../request/resource.ts';

/** The values of a Secret, decoded; null where there is no such Secret. @throws KubernetesError, or `signal.reason` */
export async function readSecretValues(
  client: Pick<KubernetesClient, 'request'>,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | null> {
  try {
    const path = resourcePath({ group: '', version: 'v1', resource: 'secrets', namespace, name });
    const { data } = await client.request({ method: 'GET', path, signal });
    const values = Object.entries(asObject(data) ?? {}).map(([key, value]) => {
      return [key, Buffer.from(asString(value) ?? '', 'base64').toString('utf8')] as const;
    });
    return Object.fromEntries(values);
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}
