/** What the shipped configuration lets go on while no webhook answers, and what waits. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { freePort } from '../environment/control-plane-processes.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { type Manifest, podSpec } from '../support/admission.ts';
import { configurationsAt } from '../support/chart.ts';
import { eventually } from '../support/eventually.ts';

const skip = skipWithout(...CONTROL_PLANE);

const REFUSED = /failed calling webhook "workloads\.tagpin\.dev"/;
const CONTROLLER = 'system:serviceaccount:kube-system:replicaset-controller';

const labels = { app: 'web' };
const selected = {
  selector: { matchLabels: labels },
  template: { metadata: { labels }, spec: podSpec({ app: 'a:1' }) },
};
const jobSpec = { template: { spec: { ...podSpec({ app: 'a:1' }), restartPolicy: 'Never' } } };

/** An object in the namespace of the test, which has opted in. */
function object(apiVersion: string, kind: string, name: string, spec: Manifest, metadata: Manifest = {}): Manifest {
  return { apiVersion, kind, metadata: { namespace: 'shop', name, ...metadata }, spec };
}

let plane: ControlPlane;
let controller: string;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  controller = await plane.kubeconfigFor(CONTROLLER, ['system:masters']);
  const optedIn = { 'tagpin.dev/inject': 'enabled' };
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: optedIn } });
  await plane.apply(object('apps/v1', 'ReplicaSet', 'running', { replicas: 1, ...selected }));
  await plane.apply(object('apps/v1', 'Deployment', 'leaving', selected, { finalizers: ['acme.io/wait'] }));
  // Nobody listens there any more.
  for (const each of configurationsAt(`127.0.0.1:${await freePort()}`, plane.authority)) await plane.apply(each);
  await eventually('the configuration is in force', async () => REFUSED.test(await create('probe')));
});
after(async () => {
  for (const end of ends) await end();
});

/** What kubectl says when a Deployment is created. */
async function create(name: string): Promise<string> {
  const input = JSON.stringify(object('apps/v1', 'Deployment', name, selected));
  return (await plane.kubectl(['create', '-f', '-'], { input })).stderr;
}

async function patch(kubeconfig: string, what: string, change: object): Promise<string> {
  const args = ['patch', what, '-n', 'shop', '--type=merge', '-p', JSON.stringify(change)];
  return (await plane.kubectl(args, { kubeconfig })).stderr;
}

test('workloads are refused, with the name of the webhook', { skip }, async () => {
  assert.match(await create('web'), REFUSED);
  assert.match(await patch(plane.kubeconfig, 'rs/running', { metadata: { labels } }), REFUSED);
});

test('Pods start, and the Jobs of CronJobs', { skip }, async () => {
  await plane.apply(object('v1', 'Pod', 'one', podSpec({ app: 'a:1' })));
  const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly', uid: 'u-1', controller: true };
  await plane.apply(object('batch/v1', 'Job', 'nightly-1', jobSpec, { ownerReferences: [owner] }));
});

test('what runs is scaled, by people and by controllers', { skip }, async () => {
  assert.equal((await plane.kubectl(['scale', 'rs/running', '-n', 'shop', '--replicas=2'])).stderr, '');
  assert.equal(await patch(controller, 'rs/running', { spec: { replicas: 3 } }), '');
  const { spec } = await plane.get('/apis/apps/v1/namespaces/shop/replicasets/running');
  assert.equal(spec.replicas, 3);
});

test('what is deleted goes', { skip }, async () => {
  assert.equal((await plane.kubectl(['delete', 'deploy/leaving', '-n', 'shop', '--wait=false'])).code, 0);
  assert.equal(await patch(plane.kubeconfig, 'deploy/leaving', { metadata: { finalizers: null } }), '');
  assert.match((await plane.kubectl(['get', 'deploy/leaving', '-n', 'shop'])).stderr, /NotFound/);
});

test('the policy can be changed', { skip }, async () => {
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tagpin-system' } });
  const metadata = { name: 'tagpin-policy', namespace: 'tagpin-system' };
  await plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'policy.yaml': '' } });
});

test('workloads are taken again once the configuration is gone', { skip }, async () => {
  assert.equal((await plane.kubectl(['delete', 'mutatingwebhookconfiguration', 'tagpin'])).code, 0);
  await eventually('a Deployment is created', async () => (await create('web')) === '');
});
