import { resolve } from 'node:path';
import { DEFAULT_POLICY, type RegistriesPolicy } from '../../core/policy/schema.ts';
import { FOLLOW } from '../../core/target/oci-repository.ts';
import {
  listApplications,
  patchApplication,
  readApplicationObject,
  readApplicationSet,
} from '../../kubernetes/argo-cd/applications.ts';
import { listImageUpdaters, watchImageUpdaterLease } from '../../kubernetes/argo-cd/image-updaters.ts';
import { type KubernetesClient, openKubernetesClient } from '../../kubernetes/client.ts';
import { listNamespaces } from '../../kubernetes/namespaces/namespace-list.ts';
import { listOciRepositories, patchOciRepository, readOciRepositoryObject } from '../../kubernetes/oci-repositories.ts';
import { isKubernetesError } from '../../kubernetes/request/error.ts';
import { openStateTexts } from '../../kubernetes/sweep-state.ts';
import { describeError, type Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { GatherNeeds } from '../../sweeper/application/gather.ts';
import { createApplications } from '../../sweeper/applications.ts';
import type { CycleNeeds } from '../../sweeper/cycle.ts';
import { createOciRepositories, type RepositoryNeeds } from '../../sweeper/oci-repositories.ts';
import { createWorkloads } from '../../sweeper/workloads.ts';
import { explainKubernetesError } from '../options/cluster-options.ts';
import { CommandError, type CommandIO } from '../output.ts';
import { openCommits } from './commits.ts';
import { createSweepPolicy, type SweepPolicy } from './policy.ts';
import { type OpenRegistries, openRegistries } from './registries.ts';
import type { SweepConfiguration } from './settings.ts';
import { createTeller } from './teller.ts';
import { workloadNeeds } from './workloads.ts';

/** Where tagpin is installed unless somebody says otherwise. */
const OWN_NAMESPACE = 'tagpin-system';
/** Where Argo CD is, for who does not say it. */
const ARGO_CD_NAMESPACE = 'argocd';
/**
 * Thousands of Applications may move at once. What bounds that is how many patches are under way: each waits for its answer,
 * so that a busy API server, which shares itself out fairly, is asked no faster than it answers.
 */
const REQUESTS_PER_SECOND = 400;

/** A cluster and registries to sweep. */
export interface SweptCluster {
  readonly client: KubernetesClient;
  readonly ownNamespace: string;
  /** Reads the policy, which registries are asked by from then on. */
  readonly readPolicy: (signal: AbortSignal) => Promise<SweepPolicy>;
  readonly needs: CycleNeeds;
  close(): Promise<void>;
}

/** Of the configuration, where everything is. */
type Where = Pick<SweepConfiguration, 'kubeconfig' | 'namespace' | 'argocdNamespace' | 'gitDirectory'>;

/**
 * Makes ready to sweep the cluster of the configuration. Nothing is asked yet.
 *
 * @throws CommandError 3 where nothing says which cluster.
 */
export function openSweptCluster(
  io: CommandIO,
  { kubeconfig, namespace, argocdNamespace, gitDirectory }: Where,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): SweptCluster {
  const client = openClient(io, kubeconfig);
  // A kubeconfig's namespace is where its user works, a Pod's where tagpin is.
  const ofPod = kubeconfig === null ? client.namespace : null;
  const ownNamespace = namespace ?? ofPod ?? OWN_NAMESPACE;
  let registries: RegistriesPolicy = DEFAULT_POLICY.registries;
  let controllerNamespace = ARGO_CD_NAMESPACE;

  const asked = openRegistries({
    client,
    ownNamespace,
    environment: io.environment,
    registries: () => registries,
    log,
    metrics,
  });
  const teller = createTeller(client, log);
  const readPolicy = createSweepPolicy(client, ownNamespace);
  const commits = openCommits({
    client,
    environment: io.environment,
    folder: gitDirectory === null ? null : resolve(io.directory, gitDirectory),
    ownNamespace,
    controllerNamespace: () => controllerNamespace,
    log,
  });
  return {
    client,
    ownNamespace,
    async readPolicy(signal) {
      const read = await readPolicy(signal);
      if (read.ok) {
        registries = read.policy.registries;
        const literal = read.policy.sweep.applicationNamespaces.find((glob) => !glob.includes('*'));
        controllerNamespace = argocdNamespace ?? literal ?? ARGO_CD_NAMESPACE;
      }
      return read;
    },
    needs: {
      listNamespaces: (signal) => listNamespaces(client, signal),
      find: [
        createApplications({
          gather: gatherNeeds(client, () => controllerNamespace, log),
          readTarget: (target, signal) => readApplicationObject(client, target, signal),
          apply: (target, patch, signal) => patchApplication(client, target, patch, signal),
          commit: commits.commit,
        }),
        createOciRepositories(repositoryNeeds(client, asked, log)),
        createWorkloads(workloadNeeds(client, log)),
      ],
      registries: asked.needs,
      openState: (signal) => openStateTexts(client, ownNamespace, signal),
      tell: teller.tell,
      now: Date.now,
    },
    async close() {
      await teller.close();
      await asked.close();
      await commits.close();
      await client.close();
    },
  };
}

function gatherNeeds(client: KubernetesClient, controllerNamespace: () => string, log: Log): GatherNeeds {
  const leaseHeld = watchImageUpdaterLease(client, Date.now);
  return {
    async *listTargets({ namespaces, names }, signal) {
      if (names === null) return yield* listApplications(client, namespaces, signal);
      for (const name of names) {
        const object = await readApplicationObject(client, name, signal);
        if (object !== null) yield [object];
      }
    },
    async readParent({ kind, namespace, name }, signal) {
      const place = { namespace: namespace ?? controllerNamespace(), name };
      try {
        if (kind === 'ApplicationSet') return await readApplicationSet(client, place, signal);
        return await readApplicationObject(client, place, signal);
      } catch (error) {
        if (!isKubernetesError(error, 'Forbidden')) throw error;
        log.warn('an owner may not be read: what it would put back is not known', { kind, ...place });
        return null;
      }
    },
    listImageUpdaters: (signal) => listImageUpdaters(client, signal),
    async isImageUpdaterRunning(signal) {
      try {
        return await leaseHeld(signal);
      } catch (error) {
        signal.throwIfAborted();
        // Never two writers: what is not known counts as running.
        log.warn("whether Image Updater runs is not known: its Lease can't be read", { error: describeError(error) });
        return true;
      }
    },
  };
}

function repositoryNeeds(client: KubernetesClient, { secrets }: OpenRegistries, log: Log): RepositoryNeeds {
  return {
    async *list(names, signal) {
      try {
        if (names === null) return yield* listOciRepositories(client, FOLLOW, signal);
        for (const name of names) {
          const object = await readOciRepositoryObject(client, name, signal);
          if (object !== null) yield [object];
        }
      } catch (error) {
        if (!isKubernetesError(error, 'Forbidden')) throw error;
        // An older role: nothing else is held up by it.
        log.warn('OCIRepositories may not be read: none is swept', { error: describeError(error) });
      }
    },
    read: (target, signal) => readOciRepositoryObject(client, target, signal),
    readSecret: (namespace, name) => secrets.secret(namespace, name),
    apply: (target, patch, signal) => patchOciRepository(client, target, patch, signal),
  };
}

function openClient(io: CommandIO, kubeconfig: string | null): KubernetesClient {
  const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT } = io.environment;
  try {
    return openKubernetesClient({
      // Somebody's own kubeconfig is for their own commands: this one writes into the cluster, so it has to be told which.
      environment: { HOME: '/nonexistent', KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT },
      ...(kubeconfig !== null && { kubeconfig: resolve(io.directory, kubeconfig) }),
      requestsPerSecond: REQUESTS_PER_SECOND,
    });
  } catch (error) {
    if (!isKubernetesError(error, 'NoCluster')) throw explainKubernetesError(error, 'sweep', 'controller');
    const message = 'sweep: this is no Pod with a ServiceAccount: name a cluster with --kubeconfig FILE';
    throw new CommandError(3, message, { cause: error });
  }
}
