import assert from 'node:assert/strict';
import test from 'node:test';
import { readWorkload } from '../../../src/core/target/workload.ts';
import { digestOf } from '../../support/planned-target.ts';
import { pinned, readTarget, type WantedPlan, workloadObject } from '../../support/planned-workload.ts';

const read = (wanted: WantedPlan = {}) => readTarget(workloadObject(wanted));

test('what follows nothing is no target, and what has no name is no workload', () => {
  const object = { ...workloadObject(), metadata: { namespace: 'shop', name: 'web', uid: '1', annotations: {} } };
  const options = { namespacePaused: false };
  assert.deepEqual(readWorkload('Deployment', object, options), { ok: true, workload: null });
  const unnamed = readWorkload('Deployment', { metadata: { name: 'web' } }, options);
  assert.match(unnamed.ok ? '' : unnamed.problem, /no Deployment: namespace, name and uid/);
});

test('everything that is decided by is read', () => {
  const target = read({
    containers: { api: { image: `ghcr.io/acme/api@${digestOf('a')}` } },
    annotations: {
      ...(pinned({ api: ['ghcr.io/acme/api:main', digestOf('a')] }) as Record<string, string>),
      'tagpin.dev/pause': 'true',
      'tagpin.dev/adopt-from': 'last',
      last: digestOf('b'),
    },
    spec: { paused: true },
  });
  const { kind, namespace, name, paused, deleting, rollout, controller, changedBy, credentials } = target;
  assert.deepEqual([kind, namespace, name, paused, deleting], ['Deployment', 'shop', 'web', true, false]);
  assert.deepEqual([rollout.kind, controller, changedBy], ['paused', null, null]);
  assert.deepEqual(credentials, { kind: 'pod', namespace: 'shop', secrets: [], serviceAccount: 'default' });
  const [image] = target.images;
  assert.deepEqual(
    [image?.key, image?.rule?.constraint, image?.found.kind, image?.adopted.kind],
    ['api', 'main', 'digest', 'digest'],
  );
});

test('a paused Namespace pauses its workloads', () => {
  const paused = readWorkload('Deployment', workloadObject(), { namespacePaused: true });
  assert.equal(paused.ok && paused.workload?.paused, true);
});

test('of a digest by hand no tag is known', () => {
  const [image] = read({ containers: { api: `ghcr.io/acme/api@${digestOf('a')}` } }).images;
  assert.deepEqual([image?.rule, image?.found.kind], [null, 'by hand']);
});

test('who wrote the template last is known by its fields, a CronJob’s too', () => {
  const managed = (field: string) => ({
    managedFields: [
      {
        manager: 'kubectl-edit',
        operation: 'Update',
        time: '2026-11-21T12:00:00Z',
        fieldsV1: { 'f:spec': { [field]: {} } },
      },
    ],
  });
  const by = (kind: 'Deployment' | 'CronJob', field: string) => {
    const object = workloadObject({ kind });
    return readTarget({ ...object, metadata: { ...(object['metadata'] as object), ...managed(field) } }).changedBy;
  };
  assert.deepEqual(
    [by('Deployment', 'f:template'), by('CronJob', 'f:jobTemplate'), by('Deployment', 'f:replicas')],
    ['kubectl-edit', 'kubectl-edit', null],
  );
});
