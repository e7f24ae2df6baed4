import assert from 'node:assert/strict';
import test from 'node:test';
import type { WorkloadKind } from '../../../src/core/workload/kinds.ts';
import { controllerOf, isJobOfCronJob, standing } from '../../../src/core/workload/standing.ts';

const owned = (apiVersion: unknown, kind: unknown, controller: unknown = true) => ({
  metadata: {
    ownerReferences: [
      { apiVersion: 'v1', kind: 'ConfigMap' },
      { apiVersion, kind, controller },
    ],
  },
});

// [kind, object, customControllers, how it stands]
const cases: readonly (readonly [WorkloadKind, unknown, 'skip' | 'pin', string])[] = [
  ['Pod', {}, 'skip', 'ours'],
  ['Pod', { metadata: { deletionTimestamp: 'now' } }, 'skip', 'gone'],
  ['Pod', { metadata: { deletionTimestamp: null } }, 'skip', 'ours'],
  ['Pod', { metadata: { annotations: { 'kubernetes.io/config.mirror': '' } } }, 'skip', 'gone'],
  ['Deployment', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } }, 'skip', 'ours'],
  ['ReplicaSet', owned('apps/v1', 'Deployment'), 'pin', 'left'],
  ['Pod', owned('v1', 'ReplicationController'), 'pin', 'left'],
  ['Pod', owned('v1', 'Node'), 'pin', 'left'],
  ['Job', owned('batch/v1', 'CronJob'), 'skip', 'ours'],
  ['Job', owned('acme.io/v1', 'CronJob'), 'skip', 'left'],
  ['Job', owned('acme.io/v1', 'CronJob'), 'pin', 'ours'],
  ['Pod', owned('apps/v1', 'ReplicaSet', false), 'skip', 'ours'],
  ['Pod', owned('apps/v1', 'ReplicaSet', 'true'), 'skip', 'ours'],
  ['Pod', owned(null, null), 'skip', 'left'],
];

for (const [kind, object, custom, expected] of cases) {
  test(`a ${kind} ${JSON.stringify(object).slice(0, 110)} under ${custom} is ${expected}`, () => {
    assert.equal(standing(kind, object, null, custom), expected);
  });
}

test('only a Job can be the Job of a CronJob', () => {
  assert.ok(isJobOfCronJob('Job', owned('batch/v1', 'CronJob')));
  assert.ok(!isJobOfCronJob('Pod', owned('batch/v1', 'CronJob')));
  assert.ok(!isJobOfCronJob('Job', owned('batch/v1', 'CronJob', false)));
});

test('an object that is being deleted stays so when its deletionTimestamp is left out', () => {
  assert.equal(standing('Pod', {}, { metadata: { deletionTimestamp: 'now' } }, 'skip'), 'gone');
});

test('the controller of an object is the owner that says so, with what is known of it', () => {
  const own = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'u-1', controller: true };
  const owners = [{ ...own, uid: 'u-0', controller: false }, own];
  const expected = { group: 'apps', kind: 'ReplicaSet', name: 'web-1', uid: 'u-1' };
  assert.deepEqual(controllerOf({ metadata: { ownerReferences: owners } }), expected);
  for (const object of [null, {}, { metadata: { ownerReferences: 'x' } }]) assert.equal(controllerOf(object), null);
});
