/** `tagpin webhook` in a real control plane, with the rights that it ships with. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { type InstalledPlane, startClusterWebhook, startInstalledPlane } from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';

const skip = skipWithout(...CONTROL_PLANE);

let plane: InstalledPlane;
let registry: TestRegistry;
const ends: (() => unknown)[] = [];
before(async () => {
  if (skip !== false) return;
  registry = await startRegistry();
  ends.push(() => registry.close());
  plane = await startInstalledPlane({ after: (end) => ends.push(end) });
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

test('from nothing: a certificate, both caBundles, ready; a policy, and a Deployment is stored by digest', {
  skip,
}, async (t) => {
  const digest = registry.pushImage('app', '1');
  const webhook = await startClusterWebhook(t, plane);
  await plane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: { 'policy.yaml': policyFor(registry.host) },
  });
  await plane.apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { 'tagpin.dev/inject': 'enabled' } },
  });
  await eventually('the policy is in force', () =>
    webhook.lines().some((line) => line['msg'] === 'policy in force' && line['source'] === 'configmap'),
  );
  await plane.apply(deployment('web', `${registry.host}/app:1`));
  const { spec } = await plane.get('/apis/apps/v1/namespaces/shop/deployments/web');
  assert.equal(spec.template.spec.containers[0].image, `${registry.host}/app@${digest}`);
});

function deployment(name: string, image: string) {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'shop' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image }] } },
    },
  };
}
