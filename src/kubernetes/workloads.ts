import type { WorkloadKind } from '../core/workload/kinds.ts';
import type { KubernetesClient } from './client.ts';
import type { JsonObject } from './request/answer.ts';
import { listPages } from './request/list.ts';
import { resourcePath } from './request/resource.ts';

/** What is listed besides the kinds whose images tagpin looks at. */
export type ListedKind = WorkloadKind | 'ControllerRevision' | 'Application';

interface Resource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** How kubectl may write it besides its kind and its plural. */
  readonly short: readonly string[];
}

const RESOURCES: Readonly<Record<ListedKind, Resource>> = {
  CronJob: { group: 'batch', version: 'v1', resource: 'cronjobs', short: ['cj'] },
  DaemonSet: { group: 'apps', version: 'v1', resource: 'daemonsets', short: ['ds'] },
  Deployment: { group: 'apps', version: 'v1', resource: 'deployments', short: ['deploy'] },
  Job: { group: 'batch', version: 'v1', resource: 'jobs', short: [] },
  Pod: { group: '', version: 'v1', resource: 'pods', short: ['po'] },
  PodTemplate: { group: '', version: 'v1', resource: 'podtemplates', short: [] },
  ReplicaSet: { group: 'apps', version: 'v1', resource: 'replicasets', short: ['rs'] },
  ReplicationController: { group: '', version: 'v1', resource: 'replicationcontrollers', short: ['rc'] },
  StatefulSet: { group: 'apps', version: 'v1', resource: 'statefulsets', short: ['sts'] },
  ControllerRevision: { group: 'apps', version: 'v1', resource: 'controllerrevisions', short: [] },
  Application: { group: 'argoproj.io', version: 'v1alpha1', resource: 'applications', short: [] },
};

/** The path of one workload, or without a name of all of a namespace. */
export function workloadPath(kind: ListedKind, namespace: string | undefined, name?: string): string {
  const { group, version, resource } = RESOURCES[kind];
  return resourcePath({ group, version, resource, namespace, name });
}

/** How messages name all objects of a kind: `deployments.apps`, `pods`. */
export function resourceName(kind: ListedKind): string {
  const { group, resource } = RESOURCES[kind];
  return group === '' ? resource : `${resource}.${group}`;
}

/**
 * The kind that kubectl would understand: `deploy`, `deployment`, `Deployments`, `deployments.apps`, `deployments.v1.apps`; null for
 * what is none of ours.
 */
export function readResourceWord(text: string): WorkloadKind | null {
  const [word = '', ...rest] = text.toLowerCase().split('.');
  for (const [kind, { group, version, resource, short }] of Object.entries(RESOURCES)) {
    if (kind === 'ControllerRevision' || kind === 'Application') continue;
    const suffixes = ['', group, group === '' ? version : `${version}.${group}`];
    const isKnown = word === kind.toLowerCase() || word === resource || short.includes(word);
    if (isKnown && suffixes.includes(rest.join('.'))) return kind as WorkloadKind;
  }
  return null;
}

/**
 * The objects of a kind page by page, raw, so that only one page is held.
 *
 * @param namespace undefined for all. It throws KubernetesError as `listPages` does.
 */
export async function* listWorkloads(
  client: Pick<KubernetesClient, 'request'>,
  kind: ListedKind,
  namespace: string | undefined,
  pageSize: number,
): AsyncGenerator<readonly JsonObject[], void> {
  for await (const { items } of listPages({ client, path: workloadPath(kind, namespace), pageSize })) yield items;
}
