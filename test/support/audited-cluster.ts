import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Digest } from '../../src/core/image/digest.ts';
import { type Manifest, podSpec, record } from './admission.ts';
import type { SharedControlPlane } from './control-plane.ts';
import { type FinishedProcess, runProcess } from './process.ts';
import { type Owner, ownedBy } from './running-pods.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** What a Deployment is made with. */
export interface DeploymentWanted {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** What its record says that the image was pinned from; no record unless given. */
  readonly ref?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Makes what is audited, and audits it, in a control plane without controllers. */
export function auditedCluster(shared: SharedControlPlane) {
  const tagpin = (args: readonly string[], kubeconfig = shared.plane.kubeconfig): Promise<FinishedProcess> =>
    runProcess(process.execPath, [MAIN, ...args], {
      environment: { PATH: process.env['PATH'], HOME: shared.plane.folder, KUBECONFIG: kubeconfig },
    });

  async function create(path: string, object: Manifest): Promise<Owner> {
    return (await shared.client.request({ method: 'POST', path, body: object })) as unknown as Owner;
  }

  return {
    /** Runs the program as administrator, or as somebody else. */
    tagpin,
    create,

    /** The rows of an audit that has nothing to complain about. */
    rows: async (...args: readonly string[]): Promise<readonly Manifest[]> => {
      const { code, stdout, stderr } = await tagpin(['audit', ...args, '-o', 'json']);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return rowsOf(stdout);
    },

    /** Lets somebody do something in a namespace, or in all. */
    grant: async (user: string, rules: readonly object[], namespace?: string): Promise<void> => {
      const scope = namespace === undefined ? 'Cluster' : '';
      const metadata = { name: `may-${user}`, ...(namespace !== undefined && { namespace }) };
      const apiVersion = 'rbac.authorization.k8s.io/v1';
      await shared.plane.apply({ apiVersion, kind: `${scope}Role`, metadata, rules });
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: `${scope}Role`, name: metadata.name };
      const subjects = [{ apiGroup: roleRef.apiGroup, kind: 'User', name: user }];
      await shared.plane.apply({ apiVersion, kind: `${scope}RoleBinding`, metadata, roleRef, subjects });
    },

    /** A namespace of its own that has opted in. */
    optIn: async (): Promise<string> => {
      const name = await shared.namespace();
      const labels = { 'tagpin.dev/inject': 'enabled' };
      await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
      return name;
    },

    /** Makes a Deployment and, as its controller would, a ReplicaSet of it, which is given. */
    deploy: async ({ namespace, name, image, ref, annotations = {} }: DeploymentWanted): Promise<Owner> => {
      const path = `/apis/apps/v1/namespaces/${namespace}`;
      const labels = { app: name };
      const digest = image.slice(image.indexOf('@') + 1) as Digest;
      const pins = ref === undefined ? {} : { 'tagpin.dev/pins': record({ 'containers/app': [[ref, digest]] }) };
      const metadata = { annotations: { ...pins, ...annotations } };
      const template = { metadata: { labels }, spec: podSpec({ app: image }) };
      const spec = { selector: { matchLabels: labels }, template };
      const deployment = await create(`${path}/deployments`, { metadata: { name, ...metadata }, spec });
      const own = { name: `${name}-1`, ...metadata, ownerReferences: ownedBy(deployment) };
      return await create(`${path}/replicasets`, { metadata: own, spec });
    },
  };
}

/** The rows of JSON lines. */
export function rowsOf(stdout: string): readonly Manifest[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Manifest);
}
