import assert from 'node:assert/strict';
import test from 'node:test';
import { planAdmission } from '../../../src/core/admission/plan.ts';
import { parseReview } from '../../../src/core/admission/request.ts';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import {
  admit,
  type Case,
  cronJob,
  deployment,
  digest,
  type Images,
  job,
  type Manifest,
  pod,
  podSpec,
  record,
  workload,
} from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const NGINX = { 'docker.io/library/nginx:1': A };
const owner = (apiVersion: string, kind: string) => ({
  ownerReferences: [{ apiVersion, kind, name: 'o', controller: true }],
});

const template = { template: { spec: podSpec({ app: 'nginx:1' }) } };
const everyKind: readonly Manifest[] = [
  deployment({ app: 'nginx:1' }),
  workload('apps/v1', 'StatefulSet', template),
  workload('apps/v1', 'DaemonSet', template),
  workload('apps/v1', 'ReplicaSet', template),
  workload('v1', 'ReplicationController', template),
  job({ app: 'nginx:1' }),
  cronJob({ app: 'nginx:1' }),
  pod({ app: 'nginx:1' }),
  { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'web' }, template: { spec: podSpec({ app: 'nginx:1' }) } },
];

for (const object of everyKind) {
  test(`${String(object['kind'])}: pinned on CREATE, with the record in its own metadata`, () => {
    const result = admit({ object, registry: NGINX });
    assert.equal(result.images['app'], `nginx@${A}`);
    assert.equal(result.pins, record({ 'containers/app': [['nginx:1', A]] }));
  });
}

const untouched: readonly (readonly [string, Case])[] = [
  ['a CONNECT', { object: pod({ app: 'nginx:1' }), operation: 'CONNECT' }],
  ['a scale', { object: deployment({ app: 'nginx:1' }), subResource: 'scale' }],
  ['a status', { object: pod({ app: 'nginx:1' }), subResource: 'status' }],
  [
    'an object that is being deleted',
    { object: pod({ app: 'nginx:1' }, { deletionTimestamp: '2026-11-21T00:00:00Z' }) },
  ],
  ['a mirror Pod', { object: pod({ app: 'nginx:1' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }) }],
  ['a Deployment of another group', { object: workload('acme.io/v1', 'Deployment', template) }],
];

for (const [name, input] of untouched) {
  test(`${name} is neither rewritten nor judged`, () => {
    const result = admit({ ...input, registry: NGINX, policy: 'defaults: {action: deny}' });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.operations, []);
    assert.deepEqual(result.asked, []);
  });
}

test('a DELETE carries no object, and nothing is planned', () => {
  const request = {
    uid: 'u',
    kind: { version: 'v1', kind: 'Pod' },
    operation: 'DELETE',
    oldObject: pod({ app: 'nginx:1' }),
  };
  const parsed = parseReview({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  assert.ok(parsed.ok);
  const plan = planAdmission(parsed.request, { policy: DEFAULT_POLICY, namespaceLabels: {} })(new Map());
  assert.deepEqual([plan.slots, plan.questions, plan.pins], [[], [], null]);
});

test('a kind that is none of ours says that the rules are wrong', () => {
  const result = admit({ object: workload('acme.io/v1', 'Rollout', template) });
  assert.match(result.warnings[0] ?? '', /does not know Rollout/);
});

test('an annotation config.mirror on anything but a Pod means nothing', () => {
  const object = deployment({ app: 'nginx:1' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
  assert.equal(admit({ object, registry: NGINX }).images['app'], `nginx@${A}`);
});

// [owner, customControllers, is it pinned?]
const owners = [
  ['apps/v1', 'ReplicaSet', 'pin', false],
  ['apps/v1', 'StatefulSet', 'pin', false],
  ['batch/v1', 'Job', 'pin', false],
  ['argoproj.io/v1alpha1', 'Rollout', 'skip', false],
  ['argoproj.io/v1alpha1', 'Rollout', 'pin', true],
  ['acme.io/v1', 'ReplicaSet', 'pin', true],
] as const;

for (const [apiVersion, kind, customControllers, isPinned] of owners) {
  test(`a Pod of a ${kind} of ${apiVersion} under customControllers: ${customControllers} is ${isPinned ? 'pinned' : 'left'}`, () => {
    const object = pod({ app: 'nginx:1' }, owner(apiVersion, kind));
    const result = admit({ object, registry: NGINX, policy: `defaults: {customControllers: ${customControllers}}` });
    assert.equal(result.images['app'], isPinned ? `nginx@${A}` : 'nginx:1');
  });
}

test('an owner that is no controller is nobody', () => {
  const object = pod(
    { app: 'nginx:1' },
    { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'o' }] },
  );
  assert.equal(admit({ object, registry: NGINX }).images['app'], `nginx@${A}`);
});

test('what is left alone keeps its refresh, its skip and its record', () => {
  const annotations = { 'tagpin.dev/refresh': '*', 'tagpin.dev/skip': '*', 'tagpin.dev/pins': 'junk' };
  const object = workload('apps/v1', 'ReplicaSet', template, { ...owner('apps/v1', 'Deployment'), annotations });
  assert.deepEqual(admit({ object, oldObject: object }).operations, []);
});

const labelled: readonly (readonly [string, Manifest, boolean])[] = [
  ['a Pod that is pinned', pod({ app: 'nginx:1' }), true],
  ['a Pod of digests', pod({ app: `nginx@${B}`, 'volumes/data': `data@${B}` }), true],
  ['a Pod of a ReplicaSet, of digests', pod({ app: `nginx@${B}` }, owner('apps/v1', 'ReplicaSet')), true],
  ['a Pod of a ReplicaSet with a tag', pod({ app: 'nginx:1' }, owner('apps/v1', 'ReplicaSet')), false],
  ['a Pod with a tag that has no answer', pod({ app: 'other:1', b: 'nginx:1' }), false],
  ['a Pod whose image volume floats', pod({ app: `nginx@${B}`, 'volumes/data': 'data:1' }), false],
  ['a mirror Pod', pod({ app: `nginx@${B}` }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), false],
  ['a Pod without images', pod({}), false],
  ['a Deployment', deployment({ app: 'nginx:1' }), false],
];

for (const [name, object, isLabelled] of labelled) {
  test(`${name} gets ${isLabelled ? 'the label' : 'no label'} tagpin.dev/pinned`, () => {
    const metadata = admit({ object, registry: NGINX }).object['metadata'] as { labels?: Record<string, string> };
    assert.equal(metadata.labels?.['tagpin.dev/pinned'], isLabelled ? 'true' : undefined);
  });
}

test('the label is never changed, and an UPDATE does not add it', () => {
  const object = pod({ app: `nginx@${B}` }, { labels: { 'tagpin.dev/pinned': 'false' } });
  assert.deepEqual(admit({ object }).operations, []);
  assert.deepEqual(admit({ object: pod({ app: `nginx@${B}` }), oldObject: pod({ app: `nginx@${B}` }) }).operations, []);
});

const debugging = (images: Images, metadata?: Manifest) => pod({ app: `nginx@${A}`, ...images }, metadata);

test('ephemeral containers: only the new ones are looked at, and only their images are patched', () => {
  const oldObject = debugging({ 'ephemeralContainers/one': 'busybox:1' });
  const object = debugging(
    { 'ephemeralContainers/one': 'busybox:1', 'ephemeralContainers/two': 'busybox:1' },
    { annotations: { 'tagpin.dev/refresh': '*' } },
  );
  const result = admit({
    object,
    oldObject,
    subResource: 'ephemeralcontainers',
    registry: { 'docker.io/library/busybox:1': C },
  });
  assert.deepEqual(result.operations, [
    { op: 'replace', path: '/spec/ephemeralContainers/1/image', value: `busybox@${C}` },
  ]);
  assert.deepEqual(result.audit['pins'], `{"busybox:1":"${C}"}`);
});

test('ephemeral containers: onUnresolved deny does not apply, a deny rule does', () => {
  const object = debugging({ 'ephemeralContainers/two': 'busybox:1' });
  const input = { object, oldObject: debugging({}), subResource: 'ephemeralcontainers' };
  assert.equal(admit({ ...input, policy: 'defaults: {onUnresolved: deny}' }).allowed, true);
  assert.equal(admit({ ...input, policy: 'defaults: {action: deny}' }).allowed, false);
});

test('an UPDATE of a Pod does not look at its ephemeral containers', () => {
  const object = debugging({ 'ephemeralContainers/one': 'busybox:1' });
  const result = admit({
    object,
    oldObject: object,
    policy: 'rules: [{name: r, match: {images: ["**/busybox"]}, action: deny}]',
  });
  assert.equal(result.allowed, true);
  assert.deepEqual(result.warnings, []);
});

test('a CronJob is told where skip has to stand for its Jobs', () => {
  const skip = { annotations: { 'tagpin.dev/skip': '*' } };
  const elsewhere = admit({ object: cronJob({ app: 'nginx:1' }, skip), registry: NGINX });
  assert.equal(elsewhere.images['app'], 'nginx:1');
  assert.match(elsewhere.warnings[0] ?? '', /spec\.jobTemplate\.metadata/);
  for (const object of [cronJob({ app: 'nginx:1' }, skip, skip), cronJob({ app: 'nginx:1' }, {}, skip)]) {
    const result = admit({ object, registry: NGINX });
    assert.equal(result.images['app'], 'nginx:1');
    assert.deepEqual(result.warnings, []);
  }
});

test('a rule for CronJobs also matches the Jobs that a CronJob made', () => {
  const policy = 'rules: [{name: r, match: {kinds: [CronJob]}, action: deny}]';
  assert.equal(admit({ object: job({ app: 'nginx:1' }, owner('batch/v1', 'CronJob')), policy }).allowed, false);
  assert.equal(admit({ object: job({ app: 'nginx:1' }), policy, registry: NGINX }).allowed, true);
});

test('a restart with kept pins warns that it fetches nothing new', () => {
  const pins = { annotations: { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1', A]] }) } };
  const oldObject = deployment({ app: `nginx@${A}` }, pins);
  const object = structuredClone(oldObject) as { spec: { template: { metadata: Manifest } } };
  object.spec.template.metadata = { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T00:00:00Z' } };
  assert.match(admit({ object, oldObject }).warnings[0] ?? '', /a restart keeps the pinned digests/);
  assert.deepEqual(admit({ object, oldObject: object }).warnings, []);
});

test('a template that is null, containers that are no list, and images that are no text are passed over', () => {
  for (const spec of [
    { template: null },
    { template: { spec: { containers: 'x' } } },
    { template: { spec: { containers: [{ image: 7 }, null] } } },
  ]) {
    const result = admit({ object: workload('v1', 'ReplicationController', spec) });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.operations, []);
  }
});

test('names such as __proto__ are names like any other', () => {
  const object = JSON.parse(JSON.stringify(deployment({ app: 'nginx:1' })).replace('"app"', '"__proto__"')) as Manifest;
  const result = admit({ object, registry: NGINX });
  assert.equal(result.pins, `{"containers/__proto__":{"digest":"${A}","ref":"nginx:1"},"v":1}`);
});

test('an object of more than a thousand images is judged, not pinned, and says so', () => {
  const images = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`c${index}`, 'nginx:1']));
  const object = deployment(images);
  const result = admit({ object, registry: NGINX });
  assert.deepEqual([result.operations, result.asked], [[], []]);
  assert.match(result.warnings[0] ?? '', /more than 1000 images/);
  assert.equal(admit({ object, policy: 'defaults: {action: deny}' }).allowed, false);
});

test('a request that speaks of another kind than it carries is let through with a warning', () => {
  const request = {
    uid: 'u',
    kind: { group: 'batch', version: 'v1', kind: 'CronJob' },
    operation: 'CREATE',
    object: deployment({ app: 'nginx:1' }),
  };
  const parsed = parseReview({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  assert.ok(parsed.ok);
  const plan = planAdmission(parsed.request, { policy: DEFAULT_POLICY, namespaceLabels: {} })(new Map());
  assert.deepEqual(plan.slots, []);
  assert.match(plan.warnings[0]?.text ?? '', /speaks of a CronJob and carries a Deployment/);
});

test('a container without a name is left for the API server to refuse', () => {
  const result = admit({ object: deployment({ '': 'nginx:1', app: 'nginx:1' }), registry: NGINX });
  assert.deepEqual(
    result.record.images.map((image) => image.source),
    ['malformed', 'registry'],
  );
});
