import assert from 'node:assert/strict';
import test from 'node:test';
import { readAddedSlot, readWorkload, requestedOf } from '../../../src/core/audit/workload.ts';
import type { WorkloadKind } from '../../../src/core/workload/kinds.ts';
import {
  cronJob,
  deployment,
  digest,
  job,
  type Manifest,
  pod,
  policyOf,
  record,
  workload,
} from '../../support/admission.ts';

const A = digest('a');
const RULES = `rules:
- {name: theirs, match: {images: ["quay.io/**"]}, action: ignore}
- {name: old, match: {images: ["ghcr.io/**"]}, action: warn, message: "Ask ops."}
- {name: no-latest, match: {tags: [latest]}, action: deny}
- {name: labelled, match: {namespaceLabels: {env: lab}, images: ["lab.io/**"]}, action: ignore}
- {name: jobs, match: {kinds: [CronJob], images: ["cron.io/**"]}, action: ignore}
`;

const controlledBy = (apiVersion: string, kind: string): Manifest => ({
  ownerReferences: [{ apiVersion, kind, name: 'boss', uid: 'u', controller: true }],
});
const skip = (value: string): Manifest => ({ annotations: { 'tagpin.dev/skip': value } });

function floats(kind: WorkloadKind, object: Manifest, policy = RULES): readonly string[] {
  const facts = { policy: policyOf(policy), namespace: 'shop', namespaceLabels: { env: 'lab' } };
  const read = readWorkload(kind, object, facts);
  return (
    read?.slots.map((slot) => (slot.floats === null ? 'pinned' : `${slot.floats.state} ${slot.floats.why}`)) ?? ['gone']
  );
}

// [what it is, kind, object, what is said of its images, policy]
const cases: readonly (readonly [string, WorkloadKind, Manifest, readonly string[], string?])[] = [
  ['a digest', 'Deployment', deployment({ app: `nginx@${A}` }), ['pinned']],
  ['a tag', 'Deployment', deployment({ app: 'nginx:1' }), ['floating NeverPinned']],
  ['a tag of a Job', 'Job', job({ app: 'nginx:1' }), ['floating Unchangeable']],
  ['a tag of a Pod', 'Pod', pod({ app: 'nginx:1' }), ['floating Unchangeable']],
  ['a malformed image', 'Deployment', deployment({ app: 'NGINX:1' }), ['unresolved Malformed']],
  ['an ignored image', 'Deployment', deployment({ app: 'quay.io/a:1' }), ['skipped Rule']],
  ['an image left with a warning', 'Deployment', deployment({ app: 'ghcr.io/a:1' }), ['skipped Rule']],
  ['an image that is denied by now', 'Deployment', deployment({ app: 'nginx' }), ['floating Denied']],
  ['an image ignored by a label', 'Deployment', deployment({ app: 'lab.io/a:1' }), ['skipped Rule']],
  ['a Job that only looks like a CronJob’s', 'Job', job({ app: 'cron.io/a:1' }), ['floating Unchangeable']],
  ['a Job of a CronJob', 'Job', job({ app: 'cron.io/a:1' }, controlledBy('batch/v1', 'CronJob')), ['skipped Rule']],
  [
    'all skipped',
    'Deployment',
    deployment({ app: 'nginx:1', side: 'redis:7' }, skip('*')),
    ['skipped Annotation', 'skipped Annotation'],
  ],
  [
    'one skipped',
    'Deployment',
    deployment({ app: 'nginx:1', side: 'redis:7' }, skip('side')),
    ['floating NeverPinned', 'skipped Annotation'],
  ],
  ['a skipped digest', 'Deployment', deployment({ app: `nginx@${A}` }, skip('*')), ['pinned']],
  [
    'a skip that is not honoured',
    'Deployment',
    deployment({ app: 'nginx:1' }, skip('*')),
    ['floating NeverPinned'],
    'defaults: {allowSkip: false}',
  ],
  ['a skip of the Jobs of a CronJob', 'CronJob', cronJob({ app: 'nginx:1' }, {}, skip('app')), ['skipped Annotation']],
  ['a denied image that is skipped', 'Deployment', deployment({ app: 'nginx' }, skip('*')), ['floating Denied']],
  [
    'an image that is never pulled',
    'Deployment',
    deployment({ app: 'nginx:1' }, {}, { imagePullPolicy: 'Never' }),
    ['skipped PullPolicy'],
  ],
  [
    'what an operator owns',
    'Deployment',
    deployment({ app: 'nginx:1' }, controlledBy('acme.io/v1', 'App')),
    ['skipped Owner'],
  ],
  [
    'what an operator owns, pinned',
    'Deployment',
    deployment({ app: `nginx@${A}` }, controlledBy('acme.io/v1', 'App')),
    ['pinned'],
  ],
  [
    'what an operator owns, where that is pinned',
    'Pod',
    pod({ app: 'nginx:1' }, controlledBy('acme.io/v1', 'App')),
    ['floating Unchangeable'],
    'defaults: {customControllers: pin}',
  ],
  [
    'a static Pod',
    'Pod',
    pod({ app: 'nginx:1' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    ['skipped MirrorPod'],
  ],
  ['what is being deleted', 'Deployment', deployment({ app: 'nginx:1' }, { deletionTimestamp: 'now' }), ['gone']],
  [
    'where nothing is pinned by default',
    'Deployment',
    deployment({ app: 'nginx:1' }),
    ['skipped Rule'],
    'defaults: {action: ignore}',
  ],
  ['no containers', 'Deployment', workload('apps/v1', 'Deployment', {}), []],
];

for (const [name, kind, object, expected, policy] of cases) {
  test(`${name}: ${expected.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(floats(kind, object, policy), expected);
  });
}

test('the refresh that would pin it names the workload as kubectl does', () => {
  const facts = { policy: policyOf(undefined), namespace: 'shop', namespaceLabels: {} };
  assert.deepEqual(
    readWorkload('StatefulSet', workload('apps/v1', 'StatefulSet', { template: pod({ a: 'x:1' }) }), facts)?.slots[0]
      ?.floats,
    {
      state: 'floating',
      why: 'NeverPinned',
      refresh: 'tagpin refresh statefulset/web -n shop --floating',
    },
  );
});

test('what was asked for is the record’s word where it counts, else the image’s own tag', () => {
  const facts = { policy: policyOf(undefined), namespace: 'shop', namespaceLabels: {} };
  const annotations = {
    'tagpin.dev/pins': record({ 'containers/app': [['nginx:1', A]], 'containers/other': [['redis:7', A]] }),
  };
  const images = { app: `nginx@${A}`, other: `valkey:8@${A}`, bare: `redis@${A}`, floating: 'nginx' };
  const read = readWorkload('Deployment', deployment(images, { annotations }), facts);
  assert.deepEqual(
    read?.slots.map((slot) => requestedOf(slot)?.text ?? null),
    ['nginx:1', 'valkey:8', null, 'nginx'],
  );
});

test('an ephemeral container floats in its Pod alone, unless a rule for Pods says otherwise', () => {
  const [slot] =
    readWorkload('Pod', pod({ 'ephemeralContainers/debug': 'busybox:1' }), {
      policy: policyOf(undefined),
      namespace: 'shop',
      namespaceLabels: {},
    })?.slots ?? [];
  assert.ok(slot !== undefined);
  const added = (policy?: string) =>
    readAddedSlot(slot, { policy: policyOf(policy), namespace: 'shop', namespaceLabels: {} }).floats;
  assert.deepEqual(added(), { state: 'floating', why: 'OnlyInPods' });
  assert.equal(added('rules:\n- {name: r, match: {kinds: [Pod]}, action: ignore}')?.state, 'skipped');
});
