import { asString, elements, property, valueAt } from '../workload/json.ts';
import { annotationOf } from '../workload/targets.ts';

/** What an Argo CD Application says that decides whether it leaves pins alone. */
export interface AuditedApplication {
  readonly namespace: string;
  readonly name: string;
  /** Where its controller and that one's settings are; null where it does not say, which means its own namespace. */
  readonly controllerNamespace: string | null;
  /** Its own word about server-side diff; null where the controller's setting holds. */
  readonly serverSideDiff: boolean | null;
  /** The workloads in this cluster that it manages, as `workloadKey` writes them. */
  readonly workloads: readonly string[];
}

const COMPARE_OPTIONS = 'argocd.argoproj.io/compare-options';

/** How Argo CD calls the cluster that it runs in. */
const IN_CLUSTER = new Set(['https://kubernetes.default.svc', 'in-cluster']);

const WORKLOAD_GROUPS = new Set(['', 'apps', 'batch']);

/** The ConfigMap with the settings of Argo CD's controller, and the key that turns server-side diff on for all. */
export const CONTROLLER_SETTINGS = 'argocd-cmd-params-cm';
const SERVER_SIDE_DIFF = 'controller.diff.server.side';

/** `NAMESPACE/KIND/NAME`. */
export function workloadKey(namespace: string, kind: string, name: string): string {
  return `${namespace}/${kind}/${name}`;
}

/** Reads an Application (`argoproj.io/v1alpha1`); of one for another cluster there are no workloads. */
export function readApplication(object: unknown): AuditedApplication {
  const destination = valueAt(object, ['spec', 'destination']);
  const cluster = asString(property(destination, 'server')) ?? asString(property(destination, 'name'));
  const isHere = cluster === null || cluster === '' || IN_CLUSTER.has(cluster);
  const resources = isHere ? elements(valueAt(object, ['status', 'resources'])) : [];
  return {
    namespace: asString(valueAt(object, ['metadata', 'namespace'])) ?? '',
    name: asString(valueAt(object, ['metadata', 'name'])) ?? '',
    controllerNamespace: asString(valueAt(object, ['status', 'controllerNamespace'])),
    serverSideDiff: readCompareOptions(annotationOf(object, COMPARE_OPTIONS)),
    workloads: resources.flatMap((resource) => {
      const text = (name: string): string => asString(property(resource, name)) ?? '';
      const isWorkload = WORKLOAD_GROUPS.has(text('group'));
      return isWorkload ? [workloadKey(text('namespace'), text('kind'), text('name'))] : [];
    }),
  };
}

/** Does the controller's ConfigMap turn server-side diff on for all Applications that don't say otherwise? */
export function readsServerSideDiff(configMap: unknown): boolean {
  return asString(valueAt(configMap, ['data', SERVER_SIDE_DIFF])) === 'true';
}

/** Argo CD splits at commas and trims; `false` beats the controller's setting, and `true` as well. */
function readCompareOptions(value: string | null): boolean | null {
  const options = new Set((value ?? '').split(',').map((option) => option.trim()));
  if (options.has('ServerSideDiff=false')) return false;
  return options.has('ServerSideDiff=true') ? true : null;
}
