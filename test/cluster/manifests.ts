import type { WorkloadKind } from '../../src/core/workload/kinds.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { type Manifest, podSpec } from '../support/admission.ts';

const LABELS = { app: 'web' };

/**
 * A manifest as users write one.
 *
 * @param images the image of the container `app`, or containers as `name: image`; keys may name the other lists:
 *   `initContainers/setup`, `volumes/data`.
 */
export function manifest(
  kind: WorkloadKind,
  namespace: string,
  images: string | Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
  name = 'web',
): Manifest {
  const pod = podSpec(typeof images === 'string' ? { app: images } : images);
  const metadata = { name, namespace, annotations };
  const template = { metadata: { labels: LABELS }, spec: pod };
  const selector = { matchLabels: LABELS };
  const apps = { apiVersion: 'apps/v1', kind, metadata };
  const core = { apiVersion: 'v1', kind, metadata };
  const batch = { apiVersion: 'batch/v1', kind, metadata };
  const once = { template: { spec: { ...pod, restartPolicy: 'Never' } } };
  switch (kind) {
    case 'Deployment':
    case 'ReplicaSet':
      return { ...apps, spec: { replicas: 1, selector, template } };
    case 'StatefulSet':
      return { ...apps, spec: { replicas: 1, serviceName: 'web', selector, template } };
    case 'DaemonSet':
      return { ...apps, spec: { selector, template } };
    case 'ReplicationController':
      return { ...core, spec: { replicas: 1, selector: LABELS, template } };
    case 'PodTemplate':
      return { ...core, template };
    case 'Job':
      return { ...batch, spec: once };
    case 'CronJob':
      return { ...batch, spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: once } } };
    case 'Pod':
      return { ...core, spec: pod };
  }
}

/** The Pod's spec in an object of any of the kinds. */
export function podSpecOf({ kind, spec, template }: ApiObject): ApiObject {
  if (kind === 'Pod') return spec;
  if (kind === 'CronJob') return spec.jobTemplate.spec.template.spec;
  return (template ?? spec.template).spec;
}

/** The image of the first container. */
export function imageOf(object: ApiObject): string {
  return podSpecOf(object).containers[0].image;
}

/** The record of what was pinned from what; null where there is none. */
export function pinsOf(object: ApiObject): ApiObject {
  return JSON.parse(object.metadata.annotations?.['tagpin.dev/pins'] ?? 'null');
}
