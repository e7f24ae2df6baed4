import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import type { CertificateTimes } from '../../src/certificates/rotation.ts';
import { type KubernetesClient, openKubernetesClient } from '../../src/kubernetes/client.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import { type AdmissionLoad, startAdmissionLoad } from './admission-load.ts';
import { type InstalledPlane, startInstalledPlane } from './cluster-webhook.ts';
import { eventually } from './eventually.ts';
import { type RoundRobin, startRoundRobin } from './round-robin.ts';
import { startUpkeepReplica, type UpkeepReplica } from './upkeep-replica.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** A serving certificate is renewed with six seconds left: the machine may be busy. */
export const QUICK: CertificateTimes = {
  authority: 2 * MINUTE,
  serving: 18 * SECOND,
  propagation: 2 * SECOND,
  skew: 500,
  poll: SECOND,
};
/** Nothing is rotated while a test looks. */
export const STEADY: CertificateTimes = {
  ...QUICK,
  authority: 60 * MINUTE,
  serving: 20 * MINUTE,
  propagation: SECOND,
};

export const SECRET = '/api/v1/namespaces/tagpin-system/secrets/tagpin-certificates';
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';
export const MUTATING = `${CONFIGURATIONS}/mutatingwebhookconfigurations/tagpin`;
export const VALIDATING = `${CONFIGURATIONS}/validatingwebhookconfigurations/tagpin`;
const USER = 'system:serviceaccount:tagpin-system:tagpin-webhook';

/** A control plane with tagpin's objects and a namespace that opted in, for tests that follow each other. */
export interface CertificateCluster {
  /** There once the tests run. */
  readonly plane: () => InstalledPlane;
  /** Takes away what was left by the test before, as if tagpin had never run. */
  readonly setUp: (t: TestContext) => Promise<FreshCluster>;
  /** PEM of `ca.crt` of the Secret; empty where it has none. */
  readonly authority: () => Promise<string>;
  /** The caBundle, which all webhooks of ours have. */
  readonly bundle: () => Promise<string>;
}

/** For one test. */
export interface FreshCluster {
  /** Of the administrator. */
  readonly client: KubernetesClient;
  readonly patch: (path: string, body: unknown, kind?: 'json' | 'merge') => Promise<unknown>;
  readonly remove: (path: string) => Promise<unknown>;
  readonly load: () => AdmissionLoad;
  /**
   * Three replicas behind a Service on loopback, all ready.
   *
   * @param ahead milliseconds by which their clocks are.
   */
  readonly startReplicas: (
    times: CertificateTimes,
    ahead?: readonly number[],
  ) => Promise<{ readonly replicas: readonly UpkeepReplica[]; readonly balancer: RoundRobin }>;
}

/** Starts it before the tests of the suite that calls this, and ends it after them. */
export function certificateCluster(): CertificateCluster {
  let started: InstalledPlane | null = null;
  const ends: (() => unknown)[] = [];
  before(async () => {
    started = await startInstalledPlane({ after: (end) => ends.push(end) });
    const labels = { 'tagpin.dev/inject': 'enabled' };
    await started.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } });
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  const plane = (): InstalledPlane => started ?? assert.fail('the control plane is started before the tests');
  return {
    plane,

    async setUp(t) {
      const { kubeconfig, port } = plane();
      const client = openKubernetesClient({ environment: {}, kubeconfig, requestsPerSecond: 1000 });
      t.after(() => client.close());
      const patch: FreshCluster['patch'] = (path, body, kind = 'merge') =>
        client.request({ method: 'PATCH', path, patch: kind, query: { fieldManager: 'somebody' }, body });
      const remove: FreshCluster['remove'] = (path) => client.request({ method: 'DELETE', path });
      await remove(SECRET).catch(() => {});
      for (const path of [MUTATING, VALIDATING]) {
        const { webhooks } = await plane().get(path);
        await patch(path, { webhooks: blank(webhooks) });
      }
      return {
        client,
        patch,
        remove,
        load: () => startAdmissionLoad(t, client, 'shop'),
        async startReplicas(times, ahead = [0, 0, 0]) {
          const own = await plane().kubeconfigFor(USER);
          const replicas = ahead.map((each) => startUpkeepReplica(t, { kubeconfig: own, times, ahead: each }));
          const ports = (): readonly number[] => replicas.flatMap((replica) => replica.port() ?? []);
          const balancer = await startRoundRobin(t, port, ports);
          await eventually(
            'all replicas are ready',
            () => replicas.every(({ upkeep }) => upkeep.problem() === null) && ports().length === replicas.length,
          );
          return { replicas, balancer };
        },
      };
    },

    async authority() {
      const { data } = await plane().get(SECRET);
      return Buffer.from(data?.['ca.crt'] ?? '', 'base64').toString('utf8');
    },

    async bundle() {
      const configurations = await Promise.all([MUTATING, VALIDATING].map((path) => plane().get(path)));
      const webhooks: readonly ApiObject[] = configurations.flatMap((one) => one.webhooks);
      const bundles = new Set(webhooks.map(({ clientConfig }) => String(clientConfig.caBundle ?? '')));
      assert.equal(bundles.size, 1, `${bundles.size} different caBundles`);
      return Buffer.from([...bundles][0] ?? '', 'base64').toString('utf8');
    },
  };
}

/** Ours of these webhooks, as they were installed. */
export function blank(webhooks: readonly ApiObject[]): readonly ApiObject[] {
  return webhooks
    .filter(({ name }) => name.endsWith('.tagpin.dev'))
    .map(({ clientConfig: { url }, ...webhook }) => ({ ...webhook, clientConfig: { url } }));
}
