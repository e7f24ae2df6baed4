import assert from 'node:assert/strict';
import test, { after, before, type TestContext } from 'node:test';
import { type KubernetesClient, openKubernetesClient } from '../../../src/kubernetes/client.ts';
import { type Namespaces, startNamespaces } from '../../../src/kubernetes/namespaces/namespaces.ts';
import { KubernetesError } from '../../../src/kubernetes/request/error.ts';
import type { KubernetesRequest } from '../../../src/kubernetes/request/requests.ts';
import { type ControlPlane, startControlPlane } from '../../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { eventually } from '../../support/eventually.ts';

const skip = skipWithout(...CONTROL_PLANE);
const { signal } = new AbortController();

let plane: ControlPlane;
let client: KubernetesClient;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  client = openKubernetesClient({ environment: {}, kubeconfig: plane.kubeconfig });
  ends.push(() => client.close());
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

interface Started {
  readonly namespaces: Namespaces;
  readonly unread: string[];
}

function start(t: TestContext, from: Pick<KubernetesClient, 'request' | 'watch'> = client): Started {
  const unread: string[] = [];
  const namespaces = startNamespaces({ client: from, observe: () => {}, unread: (name) => unread.push(name) });
  t.after(() => namespaces.stop());
  return { namespaces, unread };
}

/** A client whose watch never begins, so that everything is asked for directly; `asked` counts. */
function withoutWatch(answer: (request: KubernetesRequest) => ReturnType<KubernetesClient['request']>) {
  const asked: string[] = [];
  return {
    asked,
    request: async (request: KubernetesRequest) => {
      if (request.path === '/api/v1/namespaces') throw new KubernetesError('Unreachable', 'no list');
      asked.push(request.path);
      return await answer(request);
    },
    watch: () => new Promise<void>(() => {}),
  };
}

test('labels are known at once, and change with the namespace', { skip }, async (t) => {
  const { namespaces, unread } = start(t);
  await eventually('all are read', () => namespaces.isSynced());
  assert.deepEqual(namespaces.labels('default', signal), { 'kubernetes.io/metadata.name': 'default' });
  await plane.kubectl(['label', 'namespace', 'default', 'env=production']);
  await eventually('the label is known', () => {
    const labels = namespaces.labels('default', signal);
    return !(labels instanceof Promise) && labels['env'] === 'production';
  });
  assert.deepEqual(unread, []);
});

test('a namespace that the watch does not know is read, once for all who ask', { skip }, async (t) => {
  await plane.kubectl(['create', 'namespace', 'new']);
  await plane.kubectl(['label', 'namespace', 'new', 'env=test']);
  const behind = withoutWatch((request) => client.request(request));
  const { namespaces } = start(t, behind);
  const answers = await Promise.all(Array.from({ length: 10 }, async () => await namespaces.labels('new', signal)));
  for (const labels of answers) assert.deepEqual(labels, { env: 'test', 'kubernetes.io/metadata.name': 'new' });
  assert.deepEqual(behind.asked, ['/api/v1/namespaces/new']);
  assert.ok(!(namespaces.labels('new', signal) instanceof Promise));
});

test('where it can not be read, its name is all that is known, and it is told', { skip }, async (t) => {
  const { namespaces, unread } = start(t);
  await eventually('all are read', () => namespaces.isSynced());
  assert.deepEqual(await namespaces.labels('gone', signal), { 'kubernetes.io/metadata.name': 'gone' });
  assert.deepEqual(await namespaces.labels('..', signal), { 'kubernetes.io/metadata.name': '..' });
  assert.deepEqual(unread, ['gone', '..']);
});

test('nobody waits longer than the budget lasts', async (t) => {
  const { namespaces } = start(
    t,
    withoutWatch(() => new Promise(() => {})),
  );
  const labels = await namespaces.labels('slow', AbortSignal.timeout(20));
  assert.deepEqual(labels, { 'kubernetes.io/metadata.name': 'slow' });
});
