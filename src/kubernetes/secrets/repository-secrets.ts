import {
  type RepositorySecret,
  type RepositorySettings,
  readNamedSecret,
  readRepositorySecret,
  SECRET_TYPE,
} from '../../core/target/repository/repository-secret.ts';
import { asObject, valueAt } from '../../core/workload/json.ts';
import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from '../request/answer.ts';
import { isKubernetesError } from '../request/error.ts';
import { listPages } from '../request/list.ts';
import { resourcePath } from '../request/resource.ts';

type Client = Pick<KubernetesClient, 'request'>;

const TYPES = 'repository,repo-creds,repository-write,repo-write-creds';

/** Lists Argo CD's Secrets about git repositories. @param namespace Argo CD's own. @throws KubernetesError */
export async function listRepositorySecrets(
  client: Client,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly RepositorySecret[]> {
  const path = resourcePath({ group: '', version: 'v1', resource: 'secrets', namespace });
  const query = { labelSelector: `${SECRET_TYPE} in (${TYPES})` };
  const secrets: RepositorySecret[] = [];
  for await (const { items } of listPages({ client, path, query, signal })) {
    secrets.push(...items.map(readRepositorySecret).filter((each) => each !== null));
  }
  return secrets;
}

/**
 * Reads the Secret that an Application names for its repository (`git:secret:NAMESPACE/NAME`), in its own namespace only.
 *
 * @returns the settings, or why it is not used: a whole sentence. @throws KubernetesError
 */
export async function readGitSecret(
  client: Client,
  wanted: {
    readonly applicationNamespace: string;
    readonly secret: { readonly namespace: string; readonly name: string };
    readonly url: string;
  },
  signal: AbortSignal,
): Promise<RepositorySettings | { readonly refused: string }> {
  const { namespace, name } = wanted.secret;
  const refuse = (why: string) => ({ refused: `the Secret ${namespace}/${name} ${why}` });
  if (namespace !== wanted.applicationNamespace) return refuse("is not in the Application's own namespace");
  const secret = await readObject(client, 'secrets', namespace, name, signal);
  if (secret === null) return refuse('is not there');
  const read = readNamedSecret(secret, wanted.url);
  return 'refused' in read ? refuse(read.refused) : read;
}

/** Whom Argo CD believes. */
export interface RepositoryTrust {
  /** The text of a known_hosts file; null where there is none. */
  readonly knownHosts: string | null;
  /** The authorities (PEM) of a host's certificate, by its name without a port; null: those of the system. */
  authorityOf(host: string): string | null;
}

/**
 * Reads the known hosts and the authorities of Argo CD: `argocd-ssh-known-hosts-cm`, `argocd-tls-certs-cm`.
 *
 * @param namespace Argo CD's own. @throws KubernetesError
 */
export async function readRepositoryTrust(
  client: Client,
  namespace: string,
  signal: AbortSignal,
): Promise<RepositoryTrust> {
  const [hosts, certificates] = await Promise.all(
    ['argocd-ssh-known-hosts-cm', 'argocd-tls-certs-cm'].map((name) =>
      readObject(client, 'configmaps', namespace, name, signal),
    ),
  );
  const textOf = (object: JsonObject | null | undefined, key: string): string | null => {
    const data = asObject(valueAt(object, ['data']));
    const text = data !== null && Object.hasOwn(data, key) ? data[key] : null;
    return typeof text === 'string' && text.trim() !== '' ? text : null;
  };
  return {
    knownHosts: textOf(hosts, 'ssh_known_hosts'),
    authorityOf: (host) => textOf(certificates, host.toLowerCase()),
  };
}

async function readObject(
  client: Client,
  resource: 'secrets' | 'configmaps',
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<JsonObject | null> {
  try {
    const path = resourcePath({ group: '', version: 'v1', resource, namespace, name });
    return await client.request({ method: 'GET', path, signal });
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}
