import { FOLLOW_ANNOTATION } from '../../core/target/workload/follow.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { listFollowedWorkloads, patchWorkload, readWorkloadObject } from '../../kubernetes/followed-workloads.ts';
import { isKubernetesError } from '../../kubernetes/request/error.ts';
import { resourceName } from '../../kubernetes/workloads.ts';
import type { Log } from '../../platform/log.ts';
import type { WorkloadNeeds } from '../../sweeper/workloads.ts';

/** What sweeping workloads needs of a cluster. A kind that may not be listed is told, and the others go on. */
export function workloadNeeds(client: KubernetesClient, log: Log): WorkloadNeeds {
  return {
    async *list(kind, signal) {
      try {
        yield* listFollowedWorkloads(client, kind, FOLLOW_ANNOTATION, signal);
      } catch (error) {
        if (!isKubernetesError(error, 'Forbidden')) throw error;
        const right = `get, list and patch ${resourceName(kind)}: ClusterRole tagpin-workloads, sweeper.workloads of the chart`;
        log.warn('workloads of a kind may not be listed, and are not followed', { kind, right });
      }
    },
    read: (kind, { namespace, name }, signal) => readWorkloadObject(client, { kind, namespace, name }, signal),
    patch(target, patch, signal) {
      if (target.kind === 'Application' || target.kind === 'OCIRepository') {
        throw new TypeError(`no workload: ${target.kind}`);
      }
      return patchWorkload(client, { ...target, kind: target.kind }, patch, signal);
    },
  };
}
