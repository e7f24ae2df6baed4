/** The kinds whose images tagpin looks at. */
export type WorkloadKind =
  | 'CronJob'
  | 'DaemonSet'
  | 'Deployment'
  | 'Job'
  | 'Pod'
  | 'PodTemplate'
  | 'ReplicaSet'
  | 'ReplicationController'
  | 'StatefulSet';

interface KindFacts {
  readonly kind: WorkloadKind;
  readonly group: string;
  /** The path of the template's metadata and spec; empty for a Pod, which is its own template. */
  readonly template: readonly string[];
}

const KINDS: readonly KindFacts[] = [
  { kind: 'CronJob', group: 'batch', template: ['spec', 'jobTemplate', 'spec', 'template'] },
  { kind: 'DaemonSet', group: 'apps', template: ['spec', 'template'] },
  { kind: 'Deployment', group: 'apps', template: ['spec', 'template'] },
  { kind: 'Job', group: 'batch', template: ['spec', 'template'] },
  { kind: 'Pod', group: '', template: [] },
  { kind: 'PodTemplate', group: '', template: ['template'] },
  { kind: 'ReplicaSet', group: 'apps', template: ['spec', 'template'] },
  { kind: 'ReplicationController', group: '', template: ['spec', 'template'] },
  { kind: 'StatefulSet', group: 'apps', template: ['spec', 'template'] },
];

const BY_KIND: ReadonlyMap<string, KindFacts> = new Map(KINDS.map((facts) => [facts.kind, facts]));

/** Every kind, in alphabetical order. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = KINDS.map((facts) => facts.kind);

/**
 * The kind that an `apiVersion` and a `kind` name, in any version of its group; null for what is none of ours, such as a
 * Deployment of somebody else's group.
 */
export function workloadKind(apiVersion: string, kind: string): WorkloadKind | null {
  const facts = BY_KIND.get(kind);
  return facts !== undefined && facts.group === apiGroup(apiVersion) ? facts.kind : null;
}

/** The path from the object to its Pod template, which holds `metadata` and `spec`; empty for a Pod. */
export function templatePath(kind: WorkloadKind): readonly string[] {
  return BY_KIND.get(kind)?.template ?? [];
}

/** `apps` of `apps/v1`; empty for the core group. */
export function apiGroup(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}
