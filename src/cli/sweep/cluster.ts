import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { DEFAULT_POLICY, type RegistriesPolicy } from '../../core/policy/schema.ts';
import type { Verdict } from '../../core/signature/verification.ts';
import type { Change, TargetKind } from '../../core/sweep/change.ts';
import { changeEvent } from '../../core/sweep/report.ts';
import {
  listApplications,
  patchApplication,
  readApplicationObject,
  readApplicationSet,
} from '../../kubernetes/applications.ts';
import { type KubernetesClient, openKubernetesClient } from '../../kubernetes/client.ts';
import { isKubernetesError } from '../../kubernetes/error.ts';
import { createEventRecorder, type EventRecorder } from '../../kubernetes/events.ts';
import { listImageUpdaters, watchImageUpdaterLease } from '../../kubernetes/image-updaters.ts';
import { listNamespaces } from '../../kubernetes/namespace-list.ts';
import { openStateTexts } from '../../kubernetes/sweep-state.ts';
import { createTargetSecrets } from '../../kubernetes/target-secrets.ts';
import { describeError, type Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { createCloudKeychain } from '../../registry/cloud/keychain.ts';
import { createResolver } from '../../registry/resolver.ts';
import { createApplications } from '../../sweeper/applications.ts';
import type { CycleNeeds } from '../../sweeper/cycle.ts';
import type { GatherNeeds } from '../../sweeper/gather.ts';
import { explainKubernetesError } from '../options/cluster-options.ts';
import { CommandError, type CommandIO } from '../output.ts';
import { createRegistryMetrics } from '../registry-metrics.ts';
import { openCommits } from './commits.ts';
import { createSweepPolicy, type SweepPolicy } from './policy.ts';
import type { SweepConfiguration } from './settings.ts';

/** Where tagpin is installed unless somebody says otherwise. */
const OWN_NAMESPACE = 'tagpin-system';
/** Where Argo CD is, for who does not say it. */
const ARGO_CD_NAMESPACE = 'argocd';
/**
 * Thousands of Applications may move at once. What bounds that is how many patches are under way: each waits for its answer,
 * so that a busy API server, which shares itself out fairly, is asked no faster than it answers.
 */
const REQUESTS_PER_SECOND = 400;
/** An Event is a courtesy: of thousands at once only so many are kept, and the log has them all. */
const EVENTS_PER_SECOND = 20;
const MOST_EVENTS = 1000;
const CLOSING_MILLISECONDS = 10_000;
const LOST_MILLISECONDS = 5000;
/** A cold registry far away that limits its clients: nobody waits for a sweep. */
const FLIGHT_MILLISECONDS = 20_000;

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

  const resolver = createResolver({
    settings: () => registries,
    observe: createRegistryMetrics(metrics),
    flightMilliseconds: FLIGHT_MILLISECONDS,
    cloud: createCloudKeychain({
      environment: io.environment,
      observe: ({ cloud, host, problem }) => log.warn('no credential from the cloud', { cloud, host, problem }),
    }),
  });
  const record = createEventRecorder({
    client,
    controller: 'tagpin.dev/sweeper',
    instance: hostname(),
    observe: ({ event }) => countLost(event.reason),
    // A sweep may have hundreds of news at once, and they are written while it waits for the next.
    perSecond: EVENTS_PER_SECOND,
    mostWaiting: MOST_EVENTS,
    closingMilliseconds: CLOSING_MILLISECONDS,
  });
  const lost = new Map<string, number>();
  const countLost = (reason: string): void => {
    if (lost.size === 0) setTimeout(tellLost, LOST_MILLISECONDS).unref();
    lost.set(reason, (lost.get(reason) ?? 0) + 1);
  };
  const tellLost = (): void => {
    if (lost.size > 0)
      log.warn('Events were not written, for there were too many or they were refused', Object.fromEntries(lost));
    lost.clear();
  };
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
      ],
      registries: {
        resolve: (question) => resolver.resolve(question),
        listTags: (question) => resolver.listTags(question),
        inspect: (question) => resolver.inspect(question),
        verify: async ({ entries }) => ({
          verdicts: entries.map((entry) => ({ entry, verdict: NOT_YET })),
          signatures: [],
        }),
        credentials: createTargetSecrets({
          client,
          registries: () => registries,
          ownNamespace,
          observe: (problem) => log.warn('credentials', { ...problem }),
        }),
      },
      openState: (signal) => openStateTexts(client, ownNamespace, signal),
      tell: (change) => tell(change, record, log),
      now: Date.now,
    },
    async close() {
      await record.close();
      tellLost();
      await resolver.close();
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

/** A policy with entries is refused until they are verified: this is never asked. */
const NOT_YET: Verdict = { kind: 'failed', code: 'NotAllowed', message: 'signatures are not verified yet' };

const API_VERSIONS: Readonly<Record<TargetKind, string>> = {
  Application: 'argoproj.io/v1alpha1',
  CronJob: 'batch/v1',
  DaemonSet: 'apps/v1',
  Deployment: 'apps/v1',
  OCIRepository: 'source.toolkit.fluxcd.io/v1',
  StatefulSet: 'apps/v1',
};

function tell(change: Change, record: EventRecorder, log: Log): void {
  const { target, uid, alias, image, from, to, outcome, reason, message } = change;
  const facts = { ...target, alias, image, from, to, outcome, reason, message };
  if (outcome === 'failed') log.warn('change', facts);
  else log.info('change', facts);
  if (uid === '') return;
  const { namespace, name } = target;
  const regarding = { apiVersion: API_VERSIONS[target.kind], kind: target.kind, namespace, name, uid };
  record({ regarding, action: 'Sweep', ...changeEvent(change) });
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
    if (!isKubernetesError(error, 'NoCluster')) throw explainKubernetesError(error, 'sweep');
    const message = 'sweep: this is no Pod with a ServiceAccount: name a cluster with --kubeconfig FILE';
    throw new CommandError(3, message, { cause: error });
  }
}
