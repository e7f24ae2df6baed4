import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { type KubernetesClient, openKubernetesClient } from '../../src/kubernetes/client.ts';
import { readConfigMap, watchConfigMap, writeConfigMap } from '../../src/kubernetes/config-maps.ts';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { eventually } from '../support/eventually.ts';

const skip = skipWithout(...CONTROL_PLANE);
const { signal } = new AbortController();

let plane: ControlPlane;
let client: KubernetesClient;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  await plane.apply(role());
  client = openKubernetesClient({ environment: {}, kubeconfig: await plane.kubeconfigFor('writer') });
  ends.push(() => client.close());
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

const wanted = (name: string) => ({ namespace: 'default', name, key: 'policy.yaml' });

/** What a role can name: one ConfigMap to be watched, one to be written, also for the first time. */
function role(): object {
  const rule = (name: string, verbs: readonly string[]) => ({
    apiGroups: [''],
    resources: ['configmaps'],
    resourceNames: [name],
    verbs,
  });
  const metadata = { name: 'writer', namespace: 'default' };
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'writer' };
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion,
        kind: 'Role',
        metadata,
        rules: [rule('watched', ['list', 'watch']), rule('written', ['get', 'create', 'patch'])],
      },
      { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects: [{ kind: 'User', name: 'writer' }] },
    ],
  };
}

function configMap(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
}

test('a watch of one name tells what its text is, and that it has gone, and sees no other', { skip }, async (t) => {
  const seen: (string | null | undefined)[] = [];
  const reflector = watchConfigMap({
    client,
    wanted: wanted('watched'),
    changed: () => seen.push(reflector.get('default/watched')?.text),
    observe: () => {},
  });
  t.after(() => reflector.stop());
  await reflector.synced(AbortSignal.timeout(20_000));
  assert.equal(reflector.get('default/watched'), undefined);
  await plane.apply(configMap('other', { 'policy.yaml': 'other' }));
  await plane.apply(configMap('watched', { 'policy.yaml': 'one' }));
  await plane.apply(configMap('watched', { 'policy.yml': 'two' }));
  await plane.kubectl(['delete', 'configmap', 'watched']);
  await eventually('everything was told', () => seen.length === 3);
  assert.deepEqual(seen, ['one', null, undefined]);
});

test('a text is created, written where nobody else wrote, and its neighbours are left alone', { skip }, async () => {
  const key = wanted('written');
  assert.equal(await readConfigMap(client, key, signal), null);
  const first = await writeConfigMap(client, key, { text: 'one', before: null }, signal);
  assert.ok(first !== 'outrun');
  assert.deepEqual(await readConfigMap(client, key, signal), first);
  await plane.kubectl(['patch', 'configmap', 'written', '-p', '{"data":{"policy.yaml":"by hand","note":"kept"}}']);
  assert.equal(await writeConfigMap(client, key, { text: 'two', before: first }, signal), 'outrun');
  const found = await readConfigMap(client, key, signal);
  assert.equal(found?.text, 'by hand');
  const second = await writeConfigMap(client, key, { text: 'two', before: found }, signal);
  assert.ok(second !== 'outrun');
  assert.equal(second.text, 'two');
  assert.equal((await plane.get('/api/v1/namespaces/default/configmaps/written')).data.note, 'kept');
});

test('what was deleted meanwhile is made again', { skip }, async () => {
  const key = wanted('written');
  const before = await readConfigMap(client, key, signal);
  assert.ok(before !== null);
  await plane.kubectl(['delete', 'configmap', 'written']);
  const written = await writeConfigMap(client, key, { text: 'three', before }, signal);
  assert.deepEqual(await readConfigMap(client, key, signal), written);
});

test('a role that names one ConfigMap allows nothing with another', { skip }, async () => {
  const write = writeConfigMap(client, wanted('other'), { text: 'x', before: null }, signal);
  await assert.rejects(write, { name: 'KubernetesError', code: 'Forbidden' });
  await assert.rejects(readConfigMap(client, wanted('watched'), signal), { code: 'Forbidden' });
});
