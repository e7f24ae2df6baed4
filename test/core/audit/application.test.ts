import assert from 'node:assert/strict';
import test from 'node:test';
import { readApplication, readsServerSideDiff, workloadKey } from '../../../src/core/audit/application.ts';

const OPTIONS = 'argocd.argoproj.io/compare-options';

function application(options: string | null, destination: object = { server: 'https://kubernetes.default.svc' }) {
  return readApplication({
    metadata: { namespace: 'argocd', name: 'shop', ...(options !== null && { annotations: { [OPTIONS]: options } }) },
    spec: { destination },
    status: {
      controllerNamespace: 'argocd-system',
      resources: [
        { group: 'apps', version: 'v1', kind: 'Deployment', namespace: 'shop', name: 'web', status: 'OutOfSync' },
        { group: 'batch', version: 'v1', kind: 'CronJob', namespace: 'shop', name: 'nightly' },
        { version: 'v1', kind: 'Service', namespace: 'shop', name: 'web' },
        { group: 'argoproj.io', version: 'v1alpha1', kind: 'Rollout', namespace: 'shop', name: 'web' },
        'nonsense',
      ],
    },
  });
}

// [the annotation, its own word about server-side diff]
const options: readonly (readonly [string | null, boolean | null])[] = [
  [null, null],
  ['', null],
  ['ServerSideDiff=true', true],
  ['IncludeMutationWebhook=true, ServerSideDiff=true', true],
  ['ServerSideDiff=false', false],
  ['ServerSideDiff=true,ServerSideDiff=false', false],
  ['ServerSideDiff=True', null],
  ['IgnoreExtraneous', null],
];

for (const [text, expected] of options) {
  test(`an Application with compare-options ${JSON.stringify(text)} says ${expected} of server-side diff`, () => {
    assert.equal(application(text).serverSideDiff, expected);
  });
}

test('an Application names what it manages, and where its controller is', () => {
  const { namespace, name, controllerNamespace, workloads } = application(null);
  assert.deepEqual([namespace, name, controllerNamespace], ['argocd', 'shop', 'argocd-system']);
  for (const key of [workloadKey('shop', 'Deployment', 'web'), workloadKey('shop', 'CronJob', 'nightly')]) {
    assert.ok(workloads.includes(key), key);
  }
  assert.ok(!workloads.includes(workloadKey('shop', 'Rollout', 'web')));
});

test('an Application for another cluster manages nothing here', () => {
  assert.deepEqual(application(null, { server: 'https://10.0.0.1:6443' }).workloads, []);
  assert.deepEqual(application(null, { name: 'staging' }).workloads, []);
  assert.notDeepEqual(application(null, { name: 'in-cluster' }).workloads, []);
});

test('what is no Application says nothing', () => {
  for (const value of [null, 'x', {}, { status: { resources: {} } }]) {
    assert.deepEqual(readApplication(value).workloads, []);
    assert.equal(readApplication(value).serverSideDiff, null);
  }
});

test('the controller’s settings turn server-side diff on for all', () => {
  const configMap = (value: unknown) => ({ data: { 'controller.diff.server.side': value } });
  assert.ok(readsServerSideDiff(configMap('true')));
  for (const value of ['false', true, undefined]) assert.ok(!readsServerSideDiff(configMap(value)));
  assert.ok(!readsServerSideDiff(null));
});
