/** The control plane that the cluster tests run against: a real one, and nothing of it stays behind. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startProcess } from '../support/process.ts';
import { startControlPlane } from './control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from './programs.ts';

const skip = skipWithout(...CONTROL_PLANE);

const POD = { spec: { containers: [{ name: 'app', image: 'nginx:1.27' }] } };
const SHOP = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };

test('it is of the versions asked for, keeps what it stores when its server is killed, and tells who asked what', {
  skip,
}, async (t) => {
  const plane = await startControlPlane(t);
  const version = JSON.parse((await plane.kubectl(['version', '-o', 'json'])).stdout);
  if (process.env['KUBEBUILDER_ASSETS'] === undefined) {
    assert.equal(version.serverVersion.gitVersion, PROGRAMS.kubeApiserver.version);
    assert.equal(version.clientVersion.gitVersion, PROGRAMS.kubectl.version);
  }

  await plane.apply(SHOP);
  await assert.rejects(plane.apply({ ...SHOP, kind: 'Nothing' }), /no matches for kind "Nothing"/);
  const before = await plane.get('/api/v1/namespaces/shop');
  await plane.restartApiServer();
  assert.deepEqual(await plane.get('/api/v1/namespaces/shop'), before);

  const account = 'system:serviceaccount:shop:robot';
  const asRobot = { kubeconfig: await plane.kubeconfigFor(account) };
  const whoami = JSON.parse((await plane.kubectl(['auth', 'whoami', '-o', 'json'], asRobot)).stdout);
  assert.deepEqual(whoami.status.userInfo.groups, [
    'system:serviceaccounts',
    'system:serviceaccounts:shop',
    'system:authenticated',
  ]);
  const refused = await plane.kubectl(['get', 'secrets', '-n', 'shop'], asRobot);
  assert.match(refused.stderr, /Forbidden.*cannot list resource "secrets"/);
  const event = await eventually('the refusal is in the audit log', async () =>
    (await plane.auditEvents()).find(({ user, objectRef }) => {
      return user.username === account && objectRef?.resource === 'secrets';
    }),
  );
  assert.equal(event.responseStatus?.code, 403);
});

test('its controllers make what workloads want, under their own names', { skip }, async (t) => {
  const plane = await startControlPlane(t, { controllers: 'all' });
  const labels = { app: 'web' };
  const template = { ...POD, metadata: { labels } };
  await plane.apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas: 2, selector: { matchLabels: labels }, template },
  });
  await eventually('both Pods are there', async () => {
    return (await plane.get('/api/v1/namespaces/default/pods')).items.length === 2;
  });
  const makers = (await plane.auditEvents())
    .filter(({ verb, objectRef }) => verb === 'create' && ['replicasets', 'pods'].includes(objectRef?.resource ?? ''))
    .map(({ user }) => user.username);
  assert.deepEqual(makers.slice(0, 2), [
    'system:serviceaccount:kube-system:deployment-controller',
    'system:serviceaccount:kube-system:replicaset-controller',
  ]);
});

test('nothing of it outlives a test that is killed', { skip }, async (t) => {
  const script = `const { startControlPlane } = await import(${JSON.stringify(join(import.meta.dirname, 'control-plane.ts'))});
    const plane = await startControlPlane({ after: () => {} }, { controllers: 'all' });
    console.log('started in', plane.folder);
    setInterval(() => {}, 1000);`;
  const killed = startProcess(process.execPath, ['--input-type=module', '-e', script], { environment: process.env });
  const [, folder = ''] = await killed.waitFor(/started in (\S+)/);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.ok(processesWith(folder).length >= 3);
  killed.signal('SIGKILL');
  await killed.finished;
  await eventually('all of them are gone', () => processesWith(folder).length === 0);
});

/** The command lines that have a text in them; a process that ends meanwhile has none. */
function processesWith(text: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text));
}
