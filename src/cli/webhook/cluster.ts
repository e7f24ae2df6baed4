import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { DEFAULT_POLICY } from '../../core/policy/schema.ts';
import { type KubernetesClient, openKubernetesClient } from '../../kubernetes/client.ts';
import { createEventRecorder } from '../../kubernetes/events.ts';
import { startNamespaces } from '../../kubernetes/namespaces/namespaces.ts';
import { isKubernetesError } from '../../kubernetes/request/error.ts';
import { createPullSecrets } from '../../kubernetes/secrets/pull-secrets.ts';
import { createTrustRoots } from '../../kubernetes/trust-roots.ts';
import type { ReflectorEvent } from '../../kubernetes/watch.ts';
import { describeError, type Log } from '../../platform/log.ts';
import { NotReady } from '../../webhook/exchange.ts';
import type { ClusterSettings, WebhookConfiguration } from '../configuration.ts';
import { explainKubernetesError } from '../options/cluster-options.ts';
import { CommandError, type CommandIO, type ExitCode } from '../output.ts';
import { openClusterCertificate } from './cluster-certificate.ts';
import { openClusterPolicy } from './cluster-policy.ts';
import { type Instruments, type Sources, serveWebhook } from './serve.ts';

/** Where tagpin is installed unless somebody says otherwise. */
const OWN_NAMESPACE = 'tagpin-system';

/**
 * Two small objects by name for each review of a private image, when hundreds of namespaces are applied at once. Each namespace
 * has a bound of its own, and the API server has its priorities: this one is against mistakes of ours.
 */
const CREDENTIAL_READS_PER_SECOND = 500;

/**
 * Runs the webhook in a cluster. A cluster that does not answer is waited for.
 *
 * @throws CommandError 2 where a file is not what it should be, 3 where nothing says which cluster, where a file can't be read
 * or an address can't be had.
 */
export async function serveInCluster(
  io: CommandIO,
  configuration: WebhookConfiguration,
  settings: ClusterSettings,
): Promise<ExitCode> {
  return await serveWebhook(io, configuration, (instruments) =>
    openCluster(io, settings, configuration.clientAuthority, instruments),
  );
}

/** What a webhook in a cluster serves with. */
async function openCluster(
  io: CommandIO,
  settings: ClusterSettings,
  clientAuthority: string | null,
  instruments: Instruments,
): Promise<Sources> {
  const { log } = instruments;
  const client = openClient(io, settings);
  // What tenants make us read must not hold up what keeps us going: the Lease, certificates, the policy.
  const reads = openClient(io, settings, CREDENTIAL_READS_PER_SECOND);
  // A kubeconfig's namespace is where its user works, a Pod's where tagpin is.
  const ofPod = settings.kubeconfig === null ? client.namespace : null;
  const ownNamespace = settings.namespace ?? ofPod ?? OWN_NAMESPACE;
  log.info('cluster', { server: client.server, namespace: ownNamespace });

  const certificate = await openClusterCertificate(io, {
    client,
    settings,
    ownNamespace,
    clientAuthority,
    ...instruments,
  });
  const record = createEventRecorder({
    client,
    controller: 'tagpin.dev/webhook',
    instance: hostname(),
    observe: ({ kind, event }) => log.warn('an Event was not written', { kind, reason: event.reason }),
  });
  const policy = openClusterPolicy({
    client,
    ownNamespace,
    observe: observeWatch(log, 'configmaps'),
    record,
    ...instruments,
  });
  const namespaces = startNamespaces({
    client,
    observe: observeWatch(log, 'namespaces'),
    unread: (namespace, error) =>
      log.warn('the labels of a namespace could not be read', { namespace, error: describeError(error) }),
  });
  const keychain = createPullSecrets({
    client: reads,
    registries: () => {
      const current = policy.policy();
      return current instanceof NotReady ? DEFAULT_POLICY.registries : current.registries;
    },
    ownNamespace,
    observe: (problem) => log.warn('credentials', { ...problem }),
  });
  return {
    policy: policy.policy,
    namespaceLabels: (name, budget) => namespaces.labels(name, budget),
    keychain,
    readTrustRoot: createTrustRoots({
      client,
      namespace: ownNamespace,
      observe: (problem) => log.warn('a trust root could not be read', { ...problem }),
      now: () => performance.now(),
    }),
    ownNamespace,
    checks: [
      { name: 'trust', problem: certificate.problem },
      { name: 'policy', problem: policy.problem },
      // Once they are known they stay known: an API server that is away must not take all replicas with it.
      { name: 'namespaces', problem: () => (namespaces.isSynced() ? null : 'not read yet') },
    ],
    start: certificate.start,
    async stop() {
      policy.stop();
      namespaces.stop();
      await certificate.stop();
      await record.close();
      await Promise.all([client.close(), reads.close()]);
    },
  };
}

function openClient(io: CommandIO, { kubeconfig }: ClusterSettings, requestsPerSecond?: number): KubernetesClient {
  const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT } = io.environment;
  try {
    return openKubernetesClient({
      // Somebody's own kubeconfig is for their own commands: this one writes into the cluster, so it has to be told which.
      environment: { HOME: '/nonexistent', KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT },
      ...(kubeconfig !== null && { kubeconfig: resolve(io.directory, kubeconfig) }),
      ...(requestsPerSecond !== undefined && { requestsPerSecond }),
    });
  } catch (error) {
    if (!isKubernetesError(error, 'NoCluster')) throw explainKubernetesError(error, 'webhook', 'controller');
    const without = 'tagpin webhook --standalone --policy FILE --certificate FILE --key FILE';
    const message = `webhook: this is no Pod with a ServiceAccount: name a cluster with --kubeconfig FILE, or run without: ${without}`;
    throw new CommandError(3, message, { cause: error });
  }
}

/** Tells what a watch goes through. */
function observeWatch(log: Log, resource: string): (event: ReflectorEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'listed':
        return log.debug('listed', { resource, objects: event.objects });
      case 'failed': {
        const { doing, waitMilliseconds } = event;
        const facts = { resource, doing, seconds: waitMilliseconds / 1000, error: describeError(event.error) };
        return log.warn('the API server did not answer, trying again', facts);
      }
      case 'thrown':
        return log.error('a change was not understood', { resource, error: describeError(event.error) });
    }
  };
}
