/** Hundreds of namespaces at once: what a GitOps tool does when it is opted in, or has been away. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { openKubernetesClient } from '../../src/kubernetes/client.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { type InstalledPlane, startClusterWebhook, startInstalledPlane } from '../support/cluster-webhook.ts';
import { httpsClient } from '../support/https-client.ts';
import { dockerSecret, pullSecretsBinding } from '../support/pull-secrets.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { type Answered, admit, policyFor } from '../support/webhook-process.ts';
import { manifest, podSpecOf } from './manifests.ts';

const skip = skipWithout(...CONTROL_PLANE);
const NAMESPACES = Array.from({ length: 300 }, (_, index) => `crowd-${index}`);

let plane: InstalledPlane;
let registry: TestRegistry;
const ends: (() => unknown)[] = [];
const lifetime = { after: (end: () => unknown): void => void ends.push(end) };
before(async () => {
  if (skip !== false) return;
  registry = await startRegistry({ auth: 'basic' });
  lifetime.after(() => registry.close());
  plane = await startInstalledPlane(lifetime);
  await plane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: { 'policy.yaml': policyFor(registry.host) },
  });
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

/** Makes the namespaces, each with a pull secret that the webhook may read. */
async function makeNamespaces(): Promise<void> {
  const client = openKubernetesClient({ environment: {}, kubeconfig: plane.kubeconfig, requestsPerSecond: 1000 });
  lifetime.after(() => client.close());
  const create = (path: string, body: object) => client.request({ method: 'POST', path, body });
  const enable = async (name: string): Promise<void> => {
    await create('/api/v1/namespaces', { metadata: { name, labels: { 'tagpin.dev/inject': 'enabled' } } });
    const secret = dockerSecret(name, 'pull', { [registry.host]: 'robot:secret' });
    await create(`/api/v1/namespaces/${name}/secrets`, secret);
    await create(`/apis/rbac.authorization.k8s.io/v1/namespaces/${name}/rolebindings`, pullSecretsBinding(name));
  };
  await Promise.all(NAMESPACES.map(enable));
}

function patchOf({ patch }: Answered): string {
  return Buffer.from(patch ?? '', 'base64').toString('utf8');
}

test('private images of 300 namespaces, all asked for at once, are pinned', { skip }, async (t) => {
  const digest = registry.pushImage('team/app', '1');
  await makeNamespaces();
  await startClusterWebhook(t, plane);
  const { data } = await plane.get('/api/v1/namespaces/tagpin-system/secrets/tagpin-certificates');
  // The webhook is asked as the API server would, which itself has all the time for the webhook's own questions.
  const client = httpsClient(`127.0.0.1:${plane.port}`, Buffer.from(data['ca.crt'], 'base64').toString('utf8'));
  t.after(() => client.close());
  const answers = await Promise.all(
    NAMESPACES.map((namespace) => {
      const object = manifest('Deployment', namespace, `${registry.host}/team/app:1`);
      podSpecOf(object).imagePullSecrets = [{ name: 'pull' }];
      return admit({ client }, object, { namespace });
    }),
  );
  const floating = answers.filter((answer) => !patchOf(answer).includes(`${registry.host}/team/app@${digest}`));
  assert.deepEqual(floating, []);
});
