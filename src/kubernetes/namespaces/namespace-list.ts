import { isPause, PAUSE_ANNOTATION } from '../../core/target/application.ts';
import { asString, valueAt } from '../../core/workload/json.ts';
import type { KubernetesClient } from '../client.ts';
import { listPages } from '../request/list.ts';
import { resourcePath } from '../request/resource.ts';
import { labelsOf, type NamespaceLabels } from './namespaces.ts';

/** What a sweep goes by, of a Namespace. */
export interface NamespaceSummary {
  readonly labels: NamespaceLabels;
  /** `tagpin.dev/pause` is set on it, as an annotation or as a label, to anything but `false`. */
  readonly isPaused: boolean;
}

/** All Namespaces by name, without a watch. @throws KubernetesError */
export async function listNamespaces(
  client: Pick<KubernetesClient, 'request'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, NamespaceSummary>> {
  const path = resourcePath({ group: '', version: 'v1', resource: 'namespaces' });
  const found = new Map<string, NamespaceSummary>();
  for await (const { items } of listPages({ client, path, representation: 'metadata', signal })) {
    for (const object of items) {
      const name = asString(valueAt(object, ['metadata', 'name']));
      if (name === null) continue;
      const isPaused = ['annotations', 'labels'].some((place) =>
        isPause(asString(valueAt(object, ['metadata', place, PAUSE_ANNOTATION]))),
      );
      found.set(name, { labels: labelsOf(object), isPaused });
    }
  }
  return found;
}
