import { after, before } from 'node:test';
import { type KubernetesClient, openKubernetesClient } from '../../src/kubernetes/client.ts';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';

/** One control plane for the tests of a suite, and its administrator. */
export interface SharedControlPlane {
  /** There once the tests run. */
  readonly plane: ControlPlane;
  /** Of the administrator, without a limit that tests would meet. */
  readonly client: KubernetesClient;
  /** Makes a namespace that no other test uses, and gives its name. */
  namespace(): Promise<string>;
}

/** Starts a control plane before the tests of the suite that calls this, and ends it after them. */
export function sharedControlPlane(): SharedControlPlane {
  const ends: (() => Promise<void>)[] = [];
  let started: { readonly plane: ControlPlane; readonly client: KubernetesClient } | null = null;
  let namespaces = 0;

  function running() {
    if (started === null) throw new Error('the control plane is started before the tests, not before the suite');
    return started;
  }

  before(async () => {
    const plane = await startControlPlane({ after: (end) => ends.push(end) });
    const client = openKubernetesClient({ environment: {}, kubeconfig: plane.kubeconfig, requestsPerSecond: 1000 });
    ends.push(() => client.close());
    started = { plane, client };
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });
  return {
    get plane() {
      return running().plane;
    },
    get client() {
      return running().client;
    },
    async namespace() {
      namespaces += 1;
      const name = `test-${namespaces}`;
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await running().client.request({ method: 'POST', path: '/api/v1/namespaces', body });
      return name;
    },
  };
}
