/** The optional policy that keeps the opt-in label for some (S12 of the threat table). */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { type Rendered, render } from '../support/chart.ts';
import { eventually } from '../support/eventually.ts';

const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

/** What kubectl says of a refusal. */
const REFUSED = /the label tagpin\.dev\/inject is set, changed and removed by members of platform, ops only/;

let plane: ControlPlane;
/** May do all with Namespaces, by its role. */
let developer: string;
let member: string;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  await plane.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'everybody' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:authenticated' }],
  });
  const objects = await render({ protectLabel: { enabled: true, groups: ['platform', 'ops'] } });
  for (const object of objects.filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'))) {
    await plane.apply(object);
  }
  developer = await plane.kubeconfigFor('dave', ['developers', 'system:authenticated']);
  member = await plane.kubeconfigFor('olivia', ['ops', 'system:authenticated']);
  await eventually('the policy is in force', async () => {
    const input = namespace('probe', { 'tagpin.dev/inject': 'enabled' });
    const args = ['create', '--dry-run=server', '-f', '-'];
    return REFUSED.test((await plane.kubectl(args, { input, kubeconfig: developer })).stderr);
  });
});
after(async () => {
  for (const end of ends) await end();
});

function namespace(name: string, labels: Record<string, string> = {}): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

async function kubectl(kubeconfig: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stderr } = await plane.kubectl(args, { input, kubeconfig });
  assert.equal(code === 0, stderr === '', stderr);
  return stderr;
}

test('who is in none of the groups creates namespaces, but none that is opted in', { skip }, async () => {
  assert.equal(await kubectl(developer, ['create', '-f', '-'], namespace('plain', { team: 'a' })), '');
  assert.match(await kubectl(developer, ['create', '-f', '-'], namespace('b', { 'tagpin.dev/inject': 'x' })), REFUSED);
  assert.equal(
    await kubectl(member, ['create', '-f', '-'], namespace('opted-in', { 'tagpin.dev/inject': 'enabled' })),
    '',
  );
});

test('who is in none of the groups neither sets, changes nor removes the label, and may change all else', {
  skip,
}, async () => {
  for (const [name, value] of [
    ['plain', 'tagpin.dev/inject=enabled'],
    ['opted-in', 'tagpin.dev/inject=disabled'],
    ['opted-in', 'tagpin.dev/inject-'],
  ] as const) {
    assert.match(await kubectl(developer, ['label', '--overwrite', 'namespace', name, value]), REFUSED, value);
  }
  assert.equal(await kubectl(developer, ['label', '--overwrite', 'namespace', 'opted-in', 'team=b']), '');
  assert.equal(await kubectl(developer, ['annotate', 'namespace', 'plain', 'tagpin.dev/inject=enabled']), '');
});

for (const subresource of ['status', 'finalize']) {
  test(`nor is there a way round it by namespaces/${subresource}`, { skip }, async () => {
    const live: Rendered = await plane.get('/api/v1/namespaces/plain');
    live.metadata.labels['tagpin.dev/inject'] = 'enabled';
    const path = `/api/v1/namespaces/plain/${subresource}`;
    assert.match(await kubectl(developer, ['replace', '--raw', path, '-f', '-'], JSON.stringify(live)), REFUSED);
  });
}

test('a member of one of the groups sets, changes and removes it', { skip }, async () => {
  for (const value of ['tagpin.dev/inject=enabled', 'tagpin.dev/inject=disabled', 'tagpin.dev/inject-']) {
    assert.equal(await kubectl(member, ['label', '--overwrite', 'namespace', 'plain', value]), '', value);
  }
});
