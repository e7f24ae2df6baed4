import assert from 'node:assert/strict';
import test from 'node:test';
import { apiGroup, templatePath, WORKLOAD_KINDS, workloadKind } from '../../../src/core/workload/kinds.ts';

// [apiVersion, kind, what it is to us]
const cases = [
  ['apps/v1', 'Deployment', 'Deployment'],
  ['apps/v1beta2', 'Deployment', 'Deployment'],
  ['batch/v1', 'CronJob', 'CronJob'],
  ['batch/v1beta1', 'CronJob', 'CronJob'],
  ['v1', 'Pod', 'Pod'],
  ['v1', 'PodTemplate', 'PodTemplate'],
  ['v1', 'ReplicationController', 'ReplicationController'],
  ['acme.io/v1', 'Deployment', null],
  ['apps/v1', 'Pod', null],
  ['v1', 'Deployment', null],
  ['v1', 'Service', null],
  ['', '', null],
  ['v1', '__proto__', null],
] as const;

for (const [apiVersion, kind, expected] of cases) {
  test(`${kind} of ${apiVersion || 'nothing'} is ${expected ?? 'none of ours'}`, () => {
    assert.equal(workloadKind(apiVersion, kind), expected);
  });
}

test('every kind but Pod has its template somewhere below', () => {
  for (const kind of WORKLOAD_KINDS) assert.equal(templatePath(kind).length === 0, kind === 'Pod', kind);
  assert.deepEqual(templatePath('CronJob'), ['spec', 'jobTemplate', 'spec', 'template']);
});

test('the group of an apiVersion is what stands before the slash', () => {
  assert.equal(apiGroup('apps/v1'), 'apps');
  assert.equal(apiGroup('v1'), '');
});
