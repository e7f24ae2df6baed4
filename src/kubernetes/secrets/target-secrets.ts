import { type Credential, credentialOf, matchCredentials, mergeEntries } from '../../core/image/credentials.ts';
import type { ImageReference } from '../../core/image/reference.ts';
import { parseHost } from '../../core/policy/host.ts';
import type { RegistriesPolicy } from '../../core/policy/schema.ts';
import {
  type ConnectionSource,
  isTrustedWithOurs,
  type PodCredentials,
  type RegistryAccess,
} from '../../core/target/connection.ts';
import type { PullSecretSource } from '../../core/target/settings.ts';
import { asString, valueAt } from '../../core/workload/json.ts';
import { createCache } from '../../platform/cache.ts';
import type { KubernetesClient } from '../client.ts';
import { isKubernetesError } from '../request/error.ts';
import { resourcePath } from '../request/resource.ts';
import { type CredentialProblem, createCredentialReader } from './credential-reader.ts';

/** How the credentials of targets are found. */
export interface TargetSecretsOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  /** Those of the policy in force; read for every question. */
  readonly registries: () => RegistriesPolicy;
  /** tagpin's own: there are the Secrets that the policy names, and none is read there for what a target names. */
  readonly ownNamespace: string;
  /** Is told what could not be used, each once in ten minutes: names and constant sentences, never content. */
  readonly observe: (problem: CredentialProblem) => void;
}

/** To which host a password may be sent: as a label where the host has no port, else as an annotation. */
const REGISTRY_HOST = 'tagpin.dev/registry-host';
const READ_MILLISECONDS = 5000;
const TOLD_LIFE = 600_000;
const MOST_TOLD = 1000;

/** No target needs more of a ServiceAccount's; each costs a request to the API server. */
const MOST_SECRETS = 20;

/**
 * Makes the source of credentials for the images that targets follow: what a target names in its own namespace, then the Secret that
 * the policy names for the host, where that may be sent. It never rejects: what can't be read is told, and the registry is asked without.
 */
export function createTargetSecrets(
  options: TargetSecretsOptions,
): (access: RegistryAccess | null, reference: ImageReference) => Promise<readonly Credential[]> {
  const { client, registries, ownNamespace } = options;
  const now = () => performance.now();
  const told = createCache<object>({ maximumEntries: MOST_TOLD, lifeMilliseconds: TOLD_LIFE, now });
  const observe = (problem: CredentialProblem): void => {
    const key = JSON.stringify(problem);
    if (told.get(key) !== undefined) return;
    told.set(key, {});
    options.observe(problem);
  };
  const reader = createCredentialReader({ client, observe, now });

  async function own(secret: PullSecretSource, reference: ImageReference): Promise<readonly Credential[]> {
    const { namespace, name } = secret;
    const tell = (problem: string): readonly Credential[] => {
      observe({ kind: 'Secret', namespace, name, problem });
      return [];
    };
    if (namespace === ownNamespace) return tell(OURS);
    switch (secret.kind) {
      case 'pullsecret': {
        const found = await reader.secret(namespace, name);
        if (found.kind === 'missing') return tell('is not there');
        return found.kind === 'read' ? matchCredentials(found, reference) : [];
      }
      case 'secret': {
        const read = await readField(client, secret);
        if ('problem' in read) return tell(read.problem);
        if (read.host === null) return tell(`has no ${REGISTRY_HOST}, so that its password is sent nowhere`);
        if (read.host !== reference.registry) return tell(`is for another host than ${reference.registry}`);
        return read.credential === null ? tell(`holds no USER:PASSWORD in ${secret.field}`) : [read.credential];
      }
    }
  }

  /** As source-controller's: the Secret that is named, and then the ServiceAccount's. */
  async function ofConnection(source: ConnectionSource, reference: ImageReference): Promise<readonly Credential[]> {
    const { namespace, secret, serviceAccount } = source;
    if (secret === null && serviceAccount === null) return [];
    if (namespace === ownNamespace) {
      const kind = secret === null ? 'ServiceAccount' : 'Secret';
      observe({ kind, namespace, name: secret ?? serviceAccount ?? '', problem: OURS });
      return [];
    }
    const account = serviceAccount === null ? null : await reader.serviceAccount(namespace, serviceAccount);
    if (account?.kind === 'missing') {
      observe({ kind: 'ServiceAccount', namespace, name: serviceAccount ?? '', problem: 'is not there' });
    }
    const more = account?.kind === 'read' ? [...new Set(account.secrets)] : [];
    if (more.length > MOST_SECRETS) {
      const problem = `has more imagePullSecrets than are read: the first ${MOST_SECRETS} count`;
      observe({ kind: 'ServiceAccount', namespace, name: serviceAccount ?? '', problem });
    }
    const names = [...new Set([...(secret === null ? [] : [secret]), ...more.slice(0, MOST_SECRETS)])];
    const found = await Promise.all(
      names.map(async (name) => {
        const read = await reader.secret(namespace, name);
        if (read.kind === 'missing') observe({ kind: 'Secret', namespace, name, problem: 'is not there' });
        return read.kind === 'read' ? read : { entries: [] };
      }),
    );
    return matchCredentials({ entries: mergeEntries(found) }, reference);
  }

  /** As the kubelet's, which goes on without what is not there. */
  async function ofPod(pod: PodCredentials, reference: ImageReference): Promise<readonly Credential[]> {
    const { namespace, secrets, serviceAccount } = pod;
    if (namespace === ownNamespace) return [];
    const account = serviceAccount === null ? null : await reader.serviceAccount(namespace, serviceAccount);
    const names = [...new Set([...secrets, ...(account?.kind === 'read' ? account.secrets : [])])];
    const found = await Promise.all(names.slice(0, MOST_SECRETS).map((name) => reader.secret(namespace, name)));
    const entries = mergeEntries(found.map((each) => (each.kind === 'read' ? each : { entries: [] })));
    return matchCredentials({ entries }, reference);
  }

  function named(access: RegistryAccess | null, reference: ImageReference): Promise<readonly Credential[]> {
    if (access === null) return Promise.resolve([]);
    switch (access.kind) {
      case 'connection':
        return ofConnection(access, reference);
      case 'pod':
        return ofPod(access, reference);
      case 'secret':
      case 'pullsecret':
        return own(access, reference);
    }
  }

  async function ofHost(access: RegistryAccess | null, reference: ImageReference): Promise<readonly Credential[]> {
    const entry = registries().hosts.find(({ host }) => host === reference.registry);
    const name = entry?.credentials?.secret;
    if (name === undefined) return [];
    if (access?.kind === 'connection') {
      // Its proxy would read along.
      const isOverheard = access.proxySecret !== null && entry?.plainHttp === true;
      if (isOverheard || !isTrustedWithOurs(access)) return [];
    }
    const found = await reader.secret(ownNamespace, name);
    return found.kind === 'read' ? matchCredentials(found, reference) : [];
  }

  return async (access, reference) => (await Promise.all([named(access, reference), ofHost(access, reference)])).flat();
}

const OURS = "is in tagpin's own namespace, where no target's Secrets are read";

type FieldOfSecret =
  | { readonly host: string | null; readonly credential: Credential | null }
  | { readonly problem: string };

async function readField(
  client: Pick<KubernetesClient, 'request'>,
  { namespace, name, field }: Extract<PullSecretSource, { kind: 'secret' }>,
): Promise<FieldOfSecret> {
  try {
    const path = resourcePath({ group: '', version: 'v1', resource: 'secrets', namespace, name });
    const object = await client.request({ method: 'GET', path, signal: AbortSignal.timeout(READ_MILLISECONDS) });
    const written = ['labels', 'annotations'].map((place) =>
      asString(valueAt(object, ['metadata', place, REGISTRY_HOST])),
    );
    const parsed = parseHost(written.find((value) => value !== null) ?? '');
    const text = Buffer.from(asString(valueAt(object, ['data', field])) ?? '', 'base64')
      .toString('utf8')
      .trim();
    const colon = text.indexOf(':');
    const credential = colon === -1 ? null : credentialOf(text.slice(0, colon), text.slice(colon + 1));
    return { host: parsed.ok ? parsed.host : null, credential };
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return { problem: 'is not there' };
    if (isKubernetesError(error, 'Forbidden'))
      return { problem: 'may not be read: tagpin has no permission to get it' };
    return { problem: 'could not be read: the API server gave no answer in time' };
  }
}
