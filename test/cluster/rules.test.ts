/** What the API server sends to which entry of the shipped configuration, read from its audit log. */
import assert from 'node:assert/strict';
import test, { after, before, type TestContext } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { type Manifest, podSpec } from '../support/admission.ts';
import { entriesOf, entriesOfCreate } from '../support/called-entries.ts';
import { configurationsAt } from '../support/chart.ts';
import { eventually } from '../support/eventually.ts';
import { startWebhook, webhookFolder } from '../support/webhook-process.ts';

const skip = skipWithout(...CONTROL_PLANE);

/** No registry is asked. */
const POLICY = `apiVersion: tagpin.dev/v1
kind: TagPolicy
defaults: {action: warn}
rules:
- {name: evil, match: {images: ["docker.io/library/evil"]}, action: deny}
`;
const WORKLOADS = ['workloads.tagpin.dev'];
const PODS = ['pods.tagpin.dev'];

const SPEC = podSpec(
  { app: 'nginx:1.27', 'initContainers/setup': 'busybox:1.36' },
  { imagePullPolicy: 'IfNotPresent' },
);
const JOB_SPEC = { ...SPEC, restartPolicy: 'Never' };
const labels = { app: 'a' };
const template = { metadata: { labels }, spec: SPEC };
const selected = { selector: { matchLabels: labels }, template };
const OWNER = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'nightly', uid: 'u-1', controller: true };

/** An object of a name in the namespace that the test gives. */
function object(apiVersion: string, kind: string, body: Manifest, metadata: Manifest = {}): Manifest {
  return { apiVersion, kind, metadata: { name: kind.toLowerCase(), ...metadata }, ...body };
}
const pod = (metadata: Manifest = {}, spec: Manifest = SPEC): Manifest => object('v1', 'Pod', { spec }, metadata);
const job = (owner: Manifest): Manifest =>
  object('batch/v1', 'Job', { spec: { template: { spec: JOB_SPEC } } }, { name: 'job', ownerReferences: [owner] });

let plane: ControlPlane;
const ends: (() => Promise<void> | void)[] = [];
before(async () => {
  if (skip !== false) return;
  const context = { after: (end: () => Promise<void>) => ends.unshift(end) } as unknown as TestContext;
  plane = await startControlPlane(context);
  const folder = await webhookFolder(context, { policy: POLICY });
  const webhook = await startWebhook(context, folder);
  for (const each of configurationsAt(webhook.address, folder.certificates.authority.certificate)) {
    await plane.apply(each);
  }
  await namespace('probe');
  await eventually('the configuration is in force', async () => {
    const probe = object('v1', 'PodTemplate', { template }, { generateName: 'probe-', name: undefined });
    return (await entriesOfCreate(plane, 'probe', probe)).length > 0;
  });
});
after(async () => {
  for (const end of ends) await end();
});

let names = 0;
/** Makes a namespace, opted in unless something else is said. */
async function namespace(name = `n-${(names += 1)}`, more: Manifest = { 'tagpin.dev/inject': 'enabled' }) {
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: more } });
  return name;
}

const CREATED: readonly (readonly [string, Manifest, readonly string[]])[] = [
  ['a Deployment', object('apps/v1', 'Deployment', { spec: selected }), WORKLOADS],
  ['a StatefulSet', object('apps/v1', 'StatefulSet', { spec: { serviceName: 'a', ...selected } }), WORKLOADS],
  ['a DaemonSet', object('apps/v1', 'DaemonSet', { spec: selected }), WORKLOADS],
  ['a ReplicaSet', object('apps/v1', 'ReplicaSet', { spec: selected }), WORKLOADS],
  ['a Job', object('batch/v1', 'Job', { spec: { template: { spec: JOB_SPEC } } }), WORKLOADS],
  [
    'a CronJob',
    object('batch/v1', 'CronJob', {
      spec: { schedule: '0 0 * * *', jobTemplate: { spec: { template: { spec: JOB_SPEC } } } },
    }),
    WORKLOADS,
  ],
  [
    'a ReplicationController',
    object('v1', 'ReplicationController', { spec: { selector: labels, template } }),
    WORKLOADS,
  ],
  ['a PodTemplate', object('v1', 'PodTemplate', { template }), WORKLOADS],
  ['a Pod', pod(), PODS],
  ['a Job of a CronJob', job(OWNER), PODS],
  ['a Job of a CronJob of an older version', job({ ...OWNER, apiVersion: 'batch/v1beta1' }), PODS],
  ["a Job of somebody else's CronJob", job({ ...OWNER, apiVersion: 'acme.io/v1' }), WORKLOADS],
  ['a Job that a CronJob owns but does not control', job({ ...OWNER, controller: false }), WORKLOADS],
  ['a Job that a Workflow made', job({ ...OWNER, apiVersion: 'acme.io/v1', kind: 'Workflow' }), WORKLOADS],
  ['a ConfigMap', object('v1', 'ConfigMap', { data: {} }), []],
  [
    'a mirror Pod',
    pod({ annotations: { 'kubernetes.io/config.mirror': 'x' } }, { ...SPEC, nodeName: 'a', tolerations: [] }),
    [],
  ],
];

for (const [name, manifest, want] of CREATED) {
  test(`${name} is sent to ${want.join() || 'nobody'}`, { skip }, async () => {
    assert.deepEqual(await entriesOfCreate(plane, await namespace(), manifest), want);
  });
}

const DEPLOYMENT_CONTROLLER = 'system:serviceaccount:kube-system:deployment-controller';
const REPLICA_SET = object('apps/v1', 'ReplicaSet', { spec: { replicas: 1, ...selected } });
const images = (image: string): Manifest => ({ spec: { containers: [{ name: 'app', image }] } });

/** What is there, who changes what of it (a merge patch, strategic), and whom the API server asks. */
const CHANGED: readonly (readonly [string, Manifest, Manifest, readonly string[], string?])[] = [
  ["a Pod's labels", pod(), { metadata: { labels: { a: 'b' } } }, []],
  [
    "a Pod's finalizers and other annotations",
    pod(),
    { metadata: { annotations: { a: 'b' }, finalizers: ['a.io/b'] } },
    [],
  ],
  ["a Pod's image", pod(), images('nginx:1.28'), PODS],
  ["an init container's image", pod(), { spec: { initContainers: [{ name: 'setup', image: 'busybox:1.37' }] } }, PODS],
  ["a Pod's record", pod(), { metadata: { annotations: { 'tagpin.dev/pins': '{}' } } }, PODS],
  ["a Pod's refresh", pod(), { metadata: { annotations: { 'tagpin.dev/refresh': '*' } } }, PODS],
  ["a Deployment's labels", object('apps/v1', 'Deployment', { spec: selected }), { metadata: { labels } }, WORKLOADS],
  ['the scale of a ReplicaSet, by a user', REPLICA_SET, { spec: { replicas: 2 } }, WORKLOADS],
  [
    'the scale of a ReplicaSet, by the Deployment controller',
    REPLICA_SET,
    { spec: { replicas: 2 } },
    [],
    DEPLOYMENT_CONTROLLER,
  ],
  [
    'the scale of a ReplicaSet, by a controller manager without accounts for its controllers',
    REPLICA_SET,
    { spec: { replicas: 2 } },
    [],
    'system:kube-controller-manager',
  ],
  [
    'the template of a ReplicaSet, by the Deployment controller',
    REPLICA_SET,
    { spec: { template: images('nginx:1.28') } },
    WORKLOADS,
    DEPLOYMENT_CONTROLLER,
  ],
  [
    'the record of a ReplicaSet, by the Deployment controller',
    REPLICA_SET,
    { metadata: { annotations: { 'tagpin.dev/pins': '{}' } } },
    WORKLOADS,
    DEPLOYMENT_CONTROLLER,
  ],
  [
    'the template of a PodTemplate, by a controller',
    object('v1', 'PodTemplate', { template }),
    { template: images('nginx:1.28') },
    WORKLOADS,
    DEPLOYMENT_CONTROLLER,
  ],
  [
    'the template of a CronJob, by a controller',
    CREATED[5]?.[1] ?? {},
    { spec: { jobTemplate: { spec: { template: { metadata: { labels } } } } } },
    WORKLOADS,
    DEPLOYMENT_CONTROLLER,
  ],
];

for (const [name, manifest, patch, want, user] of CHANGED) {
  test(`a change of ${name} is sent to ${want.join() || 'nobody'}`, { skip }, async () => {
    const where = await namespace();
    await entriesOfCreate(plane, where, manifest);
    const { kind, metadata } = manifest as { kind: string; metadata: { name: string } };
    const kubeconfig = await plane.kubeconfigFor(user ?? 'alice', ['system:masters']);
    const args = ['patch', `${kind}/${metadata.name}`, '-n', where, '--type=strategic', '-p', JSON.stringify(patch)];
    assert.deepEqual(await entriesOf(plane, args, { kubeconfig }), want);
  });
}

test('an ephemeral container is sent to the Pods entry', { skip }, async () => {
  const where = await namespace();
  await entriesOfCreate(plane, where, pod());
  assert.deepEqual(
    await entriesOf(plane, ['debug', 'pod/pod', '-n', where, '--image=busybox', '--attach=false']),
    PODS,
  );
});

test('kubectl scale asks nobody', { skip }, async () => {
  const where = await namespace();
  await entriesOfCreate(plane, where, REPLICA_SET);
  assert.deepEqual(await entriesOf(plane, ['scale', 'rs/replicaset', '-n', where, '--replicas=3']), []);
});

for (const kind of ['Deployment', 'Pod']) {
  test(`a ${kind} that is being deleted loses its finalizer without anybody being asked`, { skip }, async () => {
    const where = await namespace();
    const finalizers = ['acme.io/wait'];
    const made = kind === 'Pod' ? pod({ finalizers }) : object('apps/v1', kind, { spec: selected }, { finalizers });
    await entriesOfCreate(plane, where, made);
    const name = kind.toLowerCase();
    assert.equal((await plane.kubectl(['delete', kind, name, '-n', where, '--wait=false'])).code, 0);
    const patch = JSON.stringify({ metadata: { finalizers: null } });
    assert.deepEqual(await entriesOf(plane, ['patch', kind, name, '-n', where, '--type=merge', '-p', patch]), []);
  });
}

test('what is created as if it were being deleted is judged like all else', { skip }, async () => {
  const where = await namespace();
  const evil = podSpec({ app: 'evil:1' });
  const made = pod({ deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 }, evil);
  const { code, stderr } = await plane.kubectl(['create', '-n', where, '-f', '-'], { input: JSON.stringify(made) });
  assert.match(stderr, /admission webhook "pods\.tagpin\.dev" denied the request/);
  assert.equal(code, 1);
});

test('namespaces without the label, and those that nobody may opt in, are left alone', { skip }, async () => {
  const without = await namespace('without', {});
  assert.deepEqual(await entriesOfCreate(plane, without, pod()), []);
  for (const name of ['kube-system', 'kube-node-lease', 'tagpin-system']) {
    await namespace(name);
    assert.deepEqual(await entriesOfCreate(plane, name, pod()), [], name);
    assert.deepEqual(await entriesOfCreate(plane, name, REPLICA_SET), [], name);
  }
});

test('the policy is checked under its name in its namespace, and no other ConfigMap is', { skip }, async () => {
  const create = async (name: string, where: string): Promise<string> => {
    const input = JSON.stringify(object('v1', 'ConfigMap', { data: { 'policy.yaml': 'rules: 3' } }, { name }));
    return (await plane.kubectl(['create', '-n', where, '-f', '-'], { input })).stderr;
  };
  await namespace('tagpin-system');
  assert.match(await create('tagpin-policy', 'tagpin-system'), /"policy\.tagpin\.dev" denied.*policy\.yaml:1:/);
  assert.equal(await create('tagpin-policy', await namespace()), '');
  assert.equal(await create('tagpin-policy-accepted', 'tagpin-system'), '');
});
