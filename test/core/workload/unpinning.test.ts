import assert from 'node:assert/strict';
import test from 'node:test';
import type { WorkloadKind } from '../../../src/core/workload/kinds.ts';
import { type Consequence, unpinning } from '../../../src/core/workload/unpinning.ts';
import { cronJob, deployment, digest, job, type Manifest, pod, record, workload } from '../../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];
const PINS = { annotations: { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1', A]] }) } };
const IMAGES = { app: `nginx@${A}` };
const SLOT = { key: 'containers/app', image: `nginx@${A}`, requested: 'nginx:1', digest: A };

const template = { template: (deployment(IMAGES)['spec'] as Manifest)['template'] };
const CASES: readonly (readonly [WorkloadKind, Manifest, Consequence])[] = [
  ['Deployment', deployment(IMAGES, PINS), 'rolls-out'],
  ['StatefulSet', workload('apps/v1', 'StatefulSet', template, PINS), 'rolls-out'],
  ['DaemonSet', workload('apps/v1', 'DaemonSet', template, PINS), 'rolls-out'],
  [
    'DaemonSet',
    workload('apps/v1', 'DaemonSet', { ...template, updateStrategy: { type: 'OnDelete' } }, PINS),
    'new-pods',
  ],
  ['ReplicaSet', workload('apps/v1', 'ReplicaSet', template, PINS), 'new-pods'],
  ['ReplicationController', workload('v1', 'ReplicationController', template, PINS), 'new-pods'],
  ['CronJob', cronJob(IMAGES, PINS), 'new-pods'],
  ['Job', job(IMAGES, PINS), 'refused'],
  ['Pod', pod(IMAGES, PINS), 'restarts'],
];

test('an object with a record would have its tags again', () => {
  for (const [kind, object, consequence] of CASES) {
    assert.deepEqual(unpinning(kind, object), { consequence, slots: [SLOT] }, kind);
  }
});

test('only what the record speaks of counts: floating images and digests by hand stay what they are', () => {
  const object = deployment({ app: `nginx@${A}`, side: 'side:1', own: `own@${B}` }, PINS);
  assert.deepEqual(unpinning('Deployment', object)?.slots, [SLOT]);
});

test('a record that does not fit the object counts for nothing', () => {
  assert.equal(unpinning('Deployment', deployment({ app: `nginx@${B}` }, PINS)), null);
  assert.equal(unpinning('Deployment', deployment({ app: 'nginx:1' }, PINS)), null);
  assert.equal(unpinning('Deployment', deployment(IMAGES)), null);
  assert.equal(unpinning('Deployment', {}), null);
});

test('what nobody applies is passed over: owned by a controller, a Job of a CronJob, being deleted', () => {
  const owner = (apiVersion: string, kind: string) => ({
    ...PINS,
    ownerReferences: [{ apiVersion, kind, name: 'x', uid: 'u', controller: true }],
  });
  assert.equal(unpinning('Pod', pod(IMAGES, owner('apps/v1', 'ReplicaSet'))), null);
  assert.equal(unpinning('Deployment', deployment(IMAGES, owner('acme.io/v1', 'Shop'))), null);
  assert.equal(unpinning('Job', job(IMAGES, owner('batch/v1', 'CronJob'))), null);
  const ending = { ...PINS, deletionTimestamp: '2026-01-01T00:00:00Z' };
  assert.equal(unpinning('Deployment', deployment(IMAGES, ending)), null);
});
