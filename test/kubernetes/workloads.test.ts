/** Lists of workloads from a real API server, and the words by which people name them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WORKLOAD_KINDS, type WorkloadKind } from '../../src/core/workload/kinds.ts';
import {
  type ListedKind,
  listWorkloads,
  readResourceWord,
  resourceName,
  workloadPath,
} from '../../src/kubernetes/workloads.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { sharedControlPlane } from '../support/control-plane.ts';

// [what somebody writes, the kind]
const words: readonly (readonly [string, WorkloadKind | null])[] = [
  ['deploy', 'Deployment'],
  ['deployment', 'Deployment'],
  ['Deployments', 'Deployment'],
  ['deployment.apps', 'Deployment'],
  ['deployments.v1.apps', 'Deployment'],
  ['sts', 'StatefulSet'],
  ['ds', 'DaemonSet'],
  ['cj', 'CronJob'],
  ['cronjobs.batch', 'CronJob'],
  ['job', 'Job'],
  ['rs', 'ReplicaSet'],
  ['rc', 'ReplicationController'],
  ['po', 'Pod'],
  ['pods', 'Pod'],
  ['podtemplate', 'PodTemplate'],
  ['pods.v1', 'Pod'],
  ['deployments.extensions', null],
  ['cronjobs.apps', null],
  ['svc', null],
  ['controllerrevisions', null],
  ['application', null],
  ['', null],
  ['deploys', null],
];

for (const [word, kind] of words) {
  test(`${JSON.stringify(word)} is ${kind ?? 'no kind with images'}`, () => {
    assert.equal(readResourceWord(word), kind);
  });
}

test('a path is that of one object or of all, in a namespace or in all, whatever a name holds', () => {
  assert.equal(workloadPath('Pod', undefined), '/api/v1/pods');
  assert.equal(workloadPath('Pod', 'shop'), '/api/v1/namespaces/shop/pods');
  assert.equal(workloadPath('Deployment', 'shop', 'a b'), '/apis/apps/v1/namespaces/shop/deployments/a%20b');
  assert.throws(() => workloadPath('Deployment', 'shop', '..'), RangeError);
  assert.deepEqual([resourceName('Pod'), resourceName('CronJob')], ['pods', 'cronjobs.batch']);
});

describe('the API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  test('lists every kind whose images tagpin looks at, and what remembers them', async () => {
    const kinds: readonly ListedKind[] = [...WORKLOAD_KINDS, 'ControllerRevision'];
    for (const kind of kinds) {
      for (const namespace of ['default', undefined]) {
        for await (const page of listWorkloads(shared.client, kind, namespace, 10)) assert.deepEqual(page, [], kind);
      }
    }
  });

  test('gives pages of the size that is asked for, each object once', async () => {
    const namespace = await shared.namespace();
    const path = workloadPath('PodTemplate', namespace);
    const template = { spec: { containers: [{ name: 'app', image: 'nginx:1' }] } };
    for (let index = 0; index < 7; index += 1) {
      await shared.client.request({ method: 'POST', path, body: { metadata: { name: `t-${index}` }, template } });
    }
    const pages: string[][] = [];
    for await (const page of listWorkloads(shared.client, 'PodTemplate', namespace, 3)) {
      pages.push(page.map((object) => (object['metadata'] as { name: string }).name));
    }
    assert.deepEqual(pages, [['t-0', 't-1', 't-2'], ['t-3', 't-4', 't-5'], ['t-6']]);
  });

  test('says of a kind that it does not have that there is none', async () => {
    const list = async () => {
      for await (const page of listWorkloads(shared.client, 'Application', undefined, 10)) assert.deepEqual(page, []);
    };
    await assert.rejects(list, { name: 'KubernetesError', code: 'NotFound' });
  });
});
