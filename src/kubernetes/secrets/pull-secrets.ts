import type { AdmissionRequest } from '../../core/admission/request.ts';
import type { Unread } from '../../core/admission/unread.ts';
import {
  type Credential,
  type DockerConfigEntry,
  type Keychain,
  matchCredentials,
  mergeEntries,
} from '../../core/image/credentials.ts';
import type { RegistriesPolicy } from '../../core/policy/schema.ts';
import { isObjectName, pullSources } from '../../core/workload/pull-sources.ts';
import type { KubernetesClient } from '../client.ts';
import {
  type CredentialProblem,
  type CredentialReader,
  createCredentialReader,
  type Found,
} from './credential-reader.ts';

/** How the credentials of requests are found. */
export interface PullSecretsOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Those of the policy in force; read for every question. */
  readonly registries: () => RegistriesPolicy;
  /** tagpin's own: there are the Secrets that the policy names, and none is read there for what a request names. */
  readonly ownNamespace: string;
  /** Is told what is ignored or could not be read, each once in ten minutes: names and constant sentences, never content. */
  readonly observe?: (problem: CredentialProblem) => void;
  /** A clock that never goes back, in milliseconds: `performance.now`. */
  readonly now?: () => number;
}

/** The credentials for one request, and what of them could not be read so far. */
export interface PullSecrets {
  readonly credentials: Keychain;
  readonly unread: () => readonly Unread[];
}

/** No Pod has so many; each costs a request to the API server. */
const MOST_SECRETS = 20;
/** Each that a registry refuses costs a request to it. */
const MOST_CREDENTIALS = 20;
const LONGEST_NAMESPACE = 63;

/**
 * Makes the source of credentials in a cluster: the `imagePullSecrets` of the object's Pod spec and of its ServiceAccount, by
 * name and only in the request's namespace, tried in the kubelet's order; then the Secret that the policy names for the host.
 * What the kubelet would go on without is no error here either.
 *
 * Nothing is read before a registry is asked, and then once for all questions of the request.
 */
export function createPullSecrets(options: PullSecretsOptions): (request: AdmissionRequest) => PullSecrets {
  const { registries, ownNamespace, observe = () => {} } = options;
  const now = options.now ?? (() => performance.now());
  const reader = createCredentialReader({ client: options.client, observe, now });

  async function hostEntries(registry: string): Promise<readonly DockerConfigEntry[]> {
    const name = registries().hosts.find(({ host }) => host === registry)?.credentials?.secret;
    if (name === undefined) return [];
    const found = await reader.secret(ownNamespace, name);
    return found.kind === 'read' ? found.entries : [];
  }

  return (request) => {
    let unread: readonly Unread[] = [];
    let reading: Promise<readonly DockerConfigEntry[]> | null = null;

    async function ownEntries(): Promise<readonly DockerConfigEntry[]> {
      const { kind, object, namespace } = request;
      if (kind === null || !isTenant(namespace, ownNamespace)) return [];
      const sources = pullSources(kind, object);
      const read = await readSources(reader, namespace, sources.secrets, sources.serviceAccount);
      unread = read.unread;
      return read.entries;
    }

    return {
      unread: () => unread,
      async credentials(reference) {
        reading ??= ownEntries();
        const [own, host] = await Promise.all([reading, hostEntries(reference.registry)]);
        const matching = [own, host].flatMap((entries) => matchCredentials({ entries }, reference));
        return distinct(matching).slice(0, MOST_CREDENTIALS);
      },
    };
  };
}

/** Whoever can reach the webhook's port can name any namespace: tagpin's own Secrets are no pull secrets of anybody. */
function isTenant(namespace: string, ownNamespace: string): boolean {
  return namespace !== ownNamespace && namespace.length <= LONGEST_NAMESPACE && isObjectName(namespace);
}

async function readSources(
  reader: CredentialReader,
  namespace: string,
  named: readonly string[],
  serviceAccount: string | null,
): Promise<{ readonly entries: readonly DockerConfigEntry[]; readonly unread: readonly Unread[] }> {
  const first = named.slice(0, MOST_SECRETS);
  const [secrets, account] = await Promise.all([
    readSecrets(reader, namespace, first),
    serviceAccount === null ? null : reader.serviceAccount(namespace, serviceAccount),
  ]);
  // The kubelet never sees these where the Pod has its own, but a tag may be resolved with them all the same.
  const more = (account?.kind === 'read' ? account.secrets : []).filter((name) => !first.includes(name));
  const all = [...secrets, ...(await readSecrets(reader, namespace, more.slice(0, MOST_SECRETS - first.length)))];
  return {
    entries: mergeEntries(all.map(({ found }) => (found.kind === 'read' ? found : { entries: [] }))),
    unread: [
      ...all.flatMap(({ name, found }) => unreadOf(found, { kind: 'Secret', namespace, name })),
      ...(account === null || serviceAccount === null
        ? []
        : unreadOf(account, { kind: 'ServiceAccount', namespace, name: serviceAccount })),
    ],
  };
}

function readSecrets(reader: CredentialReader, namespace: string, names: readonly string[]) {
  return Promise.all(names.map(async (name) => ({ name, found: await reader.secret(namespace, name) })));
}

function unreadOf(found: Found<object>, place: Omit<Unread, 'why'>): readonly Unread[] {
  switch (found.kind) {
    case 'forbidden':
    case 'failed':
      return [{ ...place, why: found.kind }];
    case 'read':
    case 'missing':
    case 'unusable':
      return [];
  }
}

/** Equal credentials under several keys are tried once. */
function distinct(credentials: readonly Credential[]): readonly Credential[] {
  return [...new Map(credentials.map((each) => [JSON.stringify(each), each])).values()];
}
