import { asString, elements, property, valueAt } from '../../core/workload/json.ts';
import type { KubernetesClient } from '../client.ts';
import type { JsonObject } from '../request/answer.ts';
import { isKubernetesError } from '../request/error.ts';
import { resourcePath } from '../request/resource.ts';

/** The ClusterRole that lets single Secrets and ServiceAccounts be read, and the RoleBinding to it in a namespace. */
export const PULL_SECRETS_ROLE = 'tagpin-pull-secrets';
/** The sweeper asks for the images of workloads with what their Pods would show. Where it is not installed it is nobody. */
const SUBJECTS = ['tagpin-webhook', 'tagpin-sweeper'] as const;
const GROUP = 'rbac.authorization.k8s.io';

/** Which binding, and whether the API server is to keep what it is sent (`dry-run`: it only checks it). */
export interface BindingOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  readonly namespace: string;
  /** tagpin's own, where its ServiceAccounts are. */
  readonly ownNamespace: string;
  readonly mode: 'write' | 'dry-run';
}

/** Somebody else may write at the same time; who meets that three times has another problem. */
const MOST_TRIES = 3;

/**
 * Makes the RoleBinding by which tagpin may read the pull secrets of a namespace what it should be.
 *
 * @throws KubernetesError: `Forbidden` also where the caller may not grant what the role grants.
 */
export async function bindPullSecrets(options: BindingOptions): Promise<'created' | 'repaired' | 'unchanged'> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await bindOnce(options);
    } catch (error) {
      if (tries === MOST_TRIES || !isKubernetesError(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error;
    }
  }
}

async function bindOnce({ client, namespace, ownNamespace, mode }: BindingOptions) {
  const binding = await readBinding(client, namespace);
  const wanted = {
    roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: PULL_SECRETS_ROLE },
    subjects: SUBJECTS.map((name) => ({ kind: 'ServiceAccount', namespace: ownNamespace, name })),
  };
  const query = queryOf(mode);
  if (binding !== null && isTheRole(binding)) {
    if (hasTheSubjects(binding, ownNamespace)) return 'unchanged';
    const { resourceVersion } = identityOf(binding);
    // Whoever else stands there could read the pull secrets too; who means that makes a binding of another name.
    const body = { metadata: { resourceVersion }, subjects: wanted.subjects };
    await client.request({ method: 'PATCH', path: pathOf(namespace), patch: 'merge', query, body });
    return 'repaired';
  }
  // A roleRef can't be changed. What is only tried is still there, and would be in the way.
  if (binding !== null) await deleteBinding(client, namespace, binding, mode);
  if (binding === null || mode === 'write') {
    const labels = { 'app.kubernetes.io/name': 'tagpin', 'app.kubernetes.io/managed-by': 'tagpin' };
    const metadata = { name: PULL_SECRETS_ROLE, namespace, labels };
    const body = { apiVersion: `${GROUP}/v1`, kind: 'RoleBinding', metadata, ...wanted };
    await client.request({ method: 'POST', path: pathOf(namespace, null), query, body });
  }
  return binding === null ? 'created' : 'repaired';
}

/** Takes that RoleBinding away. @throws KubernetesError */
export async function unbindPullSecrets(options: Omit<BindingOptions, 'ownNamespace'>): Promise<'deleted' | 'absent'> {
  const { client, namespace, mode } = options;
  const binding = await readBinding(client, namespace);
  if (binding === null) return 'absent';
  try {
    await deleteBinding(client, namespace, binding, mode);
    return 'deleted';
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return 'absent';
    throw error;
  }
}

/**
 * Is the ClusterRole there? `unknown` where the caller may not see it: who may bind it learns that when binding it.
 *
 * @throws KubernetesError
 */
export async function findPullSecretsRole(
  client: Pick<KubernetesClient, 'request'>,
): Promise<'there' | 'missing' | 'unknown'> {
  const path = resourcePath({ group: GROUP, version: 'v1', resource: 'clusterroles', name: PULL_SECRETS_ROLE });
  try {
    await client.request({ method: 'GET', path, representation: 'metadata' });
    return 'there';
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return 'missing';
    if (isKubernetesError(error, 'Forbidden')) return 'unknown';
    throw error;
  }
}

async function readBinding(client: BindingOptions['client'], namespace: string): Promise<JsonObject | null> {
  try {
    return await client.request({ method: 'GET', path: pathOf(namespace) });
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}

async function deleteBinding(
  client: BindingOptions['client'],
  namespace: string,
  binding: JsonObject,
  mode: BindingOptions['mode'],
): Promise<void> {
  // The query does not count where there is a body.
  const trying = mode === 'dry-run' ? { dryRun: ['All'] } : {};
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: identityOf(binding), ...trying };
  await client.request({ method: 'DELETE', path: pathOf(namespace), body });
}

function isTheRole(binding: JsonObject): boolean {
  const role = binding['roleRef'];
  return property(role, 'kind') === 'ClusterRole' && property(role, 'name') === PULL_SECRETS_ROLE;
}

function hasTheSubjects(binding: JsonObject, ownNamespace: string): boolean {
  const subjects = elements(binding['subjects']);
  return (
    subjects.length === SUBJECTS.length &&
    SUBJECTS.every((name) =>
      subjects.some(
        (subject) =>
          property(subject, 'kind') === 'ServiceAccount' &&
          property(subject, 'namespace') === ownNamespace &&
          property(subject, 'name') === name,
      ),
    )
  );
}

/** Of what was read, so that nothing else is changed. */
function identityOf(binding: JsonObject): { readonly uid: string; readonly resourceVersion: string } {
  const text = (name: string) => asString(valueAt(binding, ['metadata', name])) ?? '';
  return { uid: text('uid'), resourceVersion: text('resourceVersion') };
}

function queryOf(mode: BindingOptions['mode']): Readonly<Record<string, string>> {
  return { fieldManager: 'tagpin', ...(mode === 'dry-run' && { dryRun: 'All' }) };
}

function pathOf(namespace: string, name: string | null = PULL_SECRETS_ROLE): string {
  const collection = { group: GROUP, version: 'v1', resource: 'rolebindings', namespace };
  return resourcePath(name === null ? collection : { ...collection, name });
}
