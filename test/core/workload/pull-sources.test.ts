import assert from 'node:assert/strict';
import test from 'node:test';
import { WORKLOAD_KINDS, type WorkloadKind } from '../../../src/core/workload/kinds.ts';
import { isObjectName, pullSecretNames, pullSources } from '../../../src/core/workload/pull-sources.ts';

const secrets = (...names: unknown[]) => names.map((name) => ({ name }));

/** An object of a kind with this Pod spec, built by hand and not with the table of kinds. */
function objectOf(kind: WorkloadKind, spec: object): unknown {
  switch (kind) {
    case 'Pod':
      return { spec };
    case 'PodTemplate':
      return { template: { spec } };
    case 'CronJob':
      return { spec: { jobTemplate: { spec: { template: { spec } } } } };
    case 'DaemonSet':
    case 'Deployment':
    case 'Job':
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
      return { spec: { template: { spec } } };
  }
}

test('every kind has its pull secrets and its ServiceAccount in its Pod spec', () => {
  for (const kind of WORKLOAD_KINDS) {
    const object = objectOf(kind, { imagePullSecrets: secrets('b', 'a'), serviceAccountName: 'builder' });
    assert.deepEqual(pullSources(kind, object), { secrets: ['b', 'a'], serviceAccount: 'builder' }, kind);
  }
});

test('the ServiceAccount is default where none is named, and the older field counts', () => {
  assert.equal(pullSources('Pod', { spec: {} }).serviceAccount, 'default');
  assert.equal(pullSources('Pod', {}).serviceAccount, 'default');
  assert.equal(pullSources('Pod', { spec: { serviceAccountName: '', serviceAccount: 'old' } }).serviceAccount, 'old');
  assert.equal(pullSources('Pod', { spec: { serviceAccountName: 'a', serviceAccount: 'old' } }).serviceAccount, 'a');
  assert.equal(pullSources('Pod', { spec: { serviceAccountName: '../x' } }).serviceAccount, null);
});

test('a name counts once, and what is no name not at all', () => {
  const names = secrets(
    'a',
    'b',
    'a',
    '',
    '..',
    '../kube-system',
    'a/b',
    'A',
    'a b',
    'x'.repeat(254),
    7,
    null,
    'c.d-e',
  );
  assert.deepEqual(pullSecretNames({ imagePullSecrets: names }), ['a', 'b', 'c.d-e']);
  for (const broken of [null, 'a', { name: 'a' }, [null, 'a', ['a'], {}]]) {
    assert.deepEqual(pullSecretNames({ imagePullSecrets: broken }), []);
  }
});

test('names are DNS subdomains', () => {
  for (const name of ['a', 'a.b', '0', 'x'.repeat(253)]) assert.ok(isObjectName(name), name);
  for (const name of ['', '.', 'a.', '-a', 'a-', 'a..b', 'a_b', 'a\n']) assert.ok(!isObjectName(name), name);
});
