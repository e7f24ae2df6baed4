import { namespaceStanding, OPT_IN_SELECTOR } from '../../core/workload/opt-in.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { labelsOf, type NamespaceLabels } from '../../kubernetes/namespaces/namespaces.ts';
import { isKubernetesError } from '../../kubernetes/request/error.ts';
import { keyOf, listPages } from '../../kubernetes/request/list.ts';
import { resourcePath } from '../../kubernetes/request/resource.ts';
import { explainKubernetesError } from '../options/cluster-options.ts';
import { CommandError } from '../output.ts';
import { OWN_NAMESPACE } from '../policy/policy-in-force.ts';

/** A namespace of the cluster. */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: NamespaceLabels;
}

/**
 * The namespaces in which the webhook looks at workloads, by name.
 *
 * @throws CommandError 3
 */
export async function listOptedIn(
  client: Pick<KubernetesClient, 'request'>,
  what: string,
): Promise<readonly NamespaceFacts[]> {
  const found: NamespaceFacts[] = [];
  try {
    const path = resourcePath({ group: '', version: 'v1', resource: 'namespaces' });
    const query = { labelSelector: OPT_IN_SELECTOR };
    for await (const { items } of listPages({ client, path, query, representation: 'metadata' })) {
      for (const item of items) found.push({ name: keyOf(item) ?? '', labels: labelsOf(item) });
    }
  } catch (error) {
    if (!isKubernetesError(error, 'Forbidden')) throw explainKubernetesError(error, `${what}: the namespaces`);
    throw new CommandError(3, `${what}: the namespaces may not be listed: name one with -n, or ask for a role`, {
      cause: error,
    });
  }
  return found.filter(({ name, labels }) => namespaceStanding(name, labels, OWN_NAMESPACE) === 'opted in');
}

/**
 * The labels of one namespace; `forbidden` where they may not be read.
 *
 * @throws CommandError 3 where there is none of that name, or the cluster does not tell.
 */
export async function readNamespace(
  client: Pick<KubernetesClient, 'request'>,
  name: string,
  what: string,
): Promise<NamespaceFacts | 'forbidden'> {
  const path = namespacePath(name, what);
  try {
    return { name, labels: labelsOf(await client.request({ method: 'GET', path, representation: 'metadata' })) };
  } catch (error) {
    if (isKubernetesError(error, 'Forbidden')) return 'forbidden';
    throw explainKubernetesError(error, `${what}: namespace ${name}`);
  }
}

function namespacePath(name: string, what: string): string {
  try {
    return resourcePath({ group: '', version: 'v1', resource: 'namespaces', name });
  } catch {
    throw new CommandError(2, `${what}: -n ${JSON.stringify(name)}: no namespace has such a name`);
  }
}
