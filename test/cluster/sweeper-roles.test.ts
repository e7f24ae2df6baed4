/** What the sweeper's shipped roles allow, golden, and that neither part of tagpin can read the other's Secrets. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { STATE_CONFIG_MAPS } from '../../src/kubernetes/sweep-state.ts';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { INSTALL, INSTALL_SWEEPER, type Rendered, render, type Values } from '../support/chart.ts';
import { type Permissions, permissionsOf } from '../support/permissions.ts';

const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

let plane: ControlPlane;
let sweeper: Permissions;
let webhook: Permissions;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  for (const name of ['argocd', 'team-a', 'shop']) {
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  for (const file of [INSTALL, INSTALL_SWEEPER]) {
    const { code, stderr } = await plane.kubectl(['apply', '-f', file]);
    assert.equal(code, 0, stderr);
  }
  sweeper = await permissionsOf(plane, 'tagpin-sweeper');
  webhook = await permissionsOf(plane, 'tagpin-webhook');
});
after(async () => {
  for (const end of ends) await end();
});

/** Applies what the chart makes of these values, with the sweeper. */
async function apply(values: Values): Promise<void> {
  for (const object of await render({ sweeper: { enabled: true, ...values } })) {
    if (/Role/.test(object.kind)) await plane.apply(object);
  }
}

const EVERYWHERE = [
  'create events.events.k8s.io',
  'create events.events.k8s.io',
  'get,list,watch namespaces',
  'get,list,watch,patch cronjobs.batch',
  'get,list,watch,patch daemonsets.apps,deployments.apps,statefulsets.apps',
  'get,list,watch,patch ocirepositories.source.toolkit.fluxcd.io',
  'list imageupdaters.argocd-image-updater.argoproj.io',
  'list leases.coordination.k8s.io c21b75f2.argoproj.io',
];
const APPLICATIONS = [
  'get,list,watch,patch applications.argoproj.io',
  'get,list,watch applicationsets.argoproj.io',
  'create events.events.k8s.io',
];
const REPOSITORIES = [
  'get,list,watch appprojects.argoproj.io',
  'get configmaps argocd-ssh-known-hosts-cm,argocd-tls-certs-cm',
  'get,list secrets',
];

test('the sweeper has these rules and no others', { skip }, async () => {
  assert.deepEqual(await sweeper.rules('shop'), EVERYWHERE);
  assert.deepEqual(await sweeper.rules('argocd'), [...EVERYWHERE, ...APPLICATIONS, ...REPOSITORIES].toSorted());
  assert.deepEqual(
    await sweeper.rules('tagpin-system'),
    [
      ...EVERYWHERE,
      'get,list,watch configmaps tagpin-policy',
      'get configmaps tagpin-policy-accepted',
      `get,create,patch configmaps ${STATE_CONFIG_MAPS.join(',')}`,
      'get,update leases.coordination.k8s.io tagpin-sweeper',
      'create leases.coordination.k8s.io',
      'create events.events.k8s.io',
    ].toSorted(),
  );
});

const FORBIDDEN = [
  'list secrets',
  'list secrets tagpin-system',
  'get secrets/tagpin-certificates tagpin-system',
  'get secrets/pull shop',
  'create secrets argocd',
  'update secrets/repository argocd',
  'watch secrets argocd',
  'create applications.argoproj.io argocd',
  'update applications.argoproj.io/shop argocd',
  'delete applications.argoproj.io/shop argocd',
  'patch applications.argoproj.io/shop team-a',
  'list applications.argoproj.io',
  'patch applicationsets.argoproj.io/shop argocd',
  'patch appprojects.argoproj.io/default argocd',
  'patch imageupdaters.argocd-image-updater.argoproj.io/shop argocd',
  'update leases.coordination.k8s.io/c21b75f2.argoproj.io argocd',
  'update leases.coordination.k8s.io/tagpin-webhook tagpin-system',
  'patch configmaps/tagpin-policy tagpin-system',
  'patch configmaps/tagpin-policy-accepted tagpin-system',
  'delete configmaps/tagpin-state-0 tagpin-system',
  'patch mutatingwebhookconfigurations.admissionregistration.k8s.io/tagpin',
  'create deployments.apps shop',
  'update deployments.apps/shop shop',
  'delete deployments.apps/shop shop',
  'patch replicasets.apps/shop shop',
  'patch pods/shop shop',
  'patch jobs.batch/shop shop',
  'create ocirepositories.source.toolkit.fluxcd.io flux-system',
  'update ocirepositories.source.toolkit.fluxcd.io/app flux-system',
  'patch kustomizations.kustomize.toolkit.fluxcd.io/app flux-system',
  'get serviceaccounts/puller shop',
  'create pods/exec argocd',
  'create serviceaccounts/tagpin-sweeper/token tagpin-system',
  'create rolebindings.rbac.authorization.k8s.io argocd',
  'impersonate users',
];

test('it writes workloads, where that is not turned off', { skip }, async () => {
  const writes = ['deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'cronjobs.batch'].map(
    (resource) => `patch ${resource}/shop shop`,
  );
  assert.deepEqual(await sweeper.allowed(writes), writes);
  const roles = await render({ sweeper: { enabled: true, workloads: false } });
  assert.doesNotMatch(
    JSON.stringify(roles.filter(({ metadata }) => metadata.name !== 'tagpin-webhook')),
    /tagpin-workloads/,
  );
});

test('it writes OCIRepositories of Flux, where that is not turned off', { skip }, async () => {
  const write = 'patch ocirepositories.source.toolkit.fluxcd.io/app flux-system';
  assert.deepEqual(await sweeper.allowed([write]), [write]);
  const roles = await render({ sweeper: { enabled: true, ociRepositories: false } });
  assert.doesNotMatch(JSON.stringify(roles), /tagpin-oci-repositories/);
});

test('what it may not', { skip }, async () => {
  assert.deepEqual(await sweeper.allowed(FORBIDDEN), []);
});

test('neither part of tagpin reads a Secret of the other', { skip }, async () => {
  await apply({ secrets: ['tagpin-signing', 'harbor-push'], applicationSecrets: { 'team-a': ['git'] } });
  const ofSweeper = [
    'get secrets/tagpin-signing tagpin-system',
    'get secrets/harbor-push tagpin-system',
    'get secrets/git team-a',
    'get secrets/repository argocd',
    'list secrets argocd',
  ];
  assert.deepEqual(await sweeper.allowed(ofSweeper), ofSweeper);
  assert.deepEqual(await webhook.allowed(ofSweeper), []);
  const ofWebhook = ['get secrets/tagpin-certificates tagpin-system', 'create secrets tagpin-system'];
  assert.deepEqual(await webhook.allowed(ofWebhook), ofWebhook);
  assert.deepEqual(await sweeper.allowed(ofWebhook), []);
  assert.deepEqual(await sweeper.allowed(['get secrets/other team-a', 'list secrets team-a']), []);
});

test('of Leases, it sees that of Image Updater wherever it is, and no others', { skip }, async () => {
  const list = async (...args: readonly string[]): Promise<number> =>
    (await plane.kubectl(['get', 'leases', ...args, '-o', 'name'], sweeper)).code;
  assert.equal(await list('-A', '--field-selector=metadata.name=c21b75f2.argoproj.io'), 0);
  assert.equal(await list('-A'), 1);
  assert.equal(await list('-n', 'tagpin-system'), 1);
});

test('the state is written by its names, and no other ConfigMap', { skip }, async () => {
  const write = async (name: string): Promise<string> => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });
    const args = ['apply', '--server-side', '-n', 'tagpin-system', '-f', '-'];
    const { stdout, stderr } = await plane.kubectl(args, { input, kubeconfig: sweeper.kubeconfig });
    return stdout + stderr;
  };
  for (const name of ['tagpin-state-0', 'tagpin-state-0', 'tagpin-state-15']) {
    assert.match(await write(name), /serverside-applied/);
  }
  for (const name of ['tagpin-state-16', 'tagpin-policy', 'anything']) assert.match(await write(name), /forbidden/);
});

test('without git, no Secret of Argo CD is read; other namespaces are named, or all meant', { skip }, async () => {
  const rolesOf = async (values: Values): Promise<readonly Rendered[]> =>
    (await render({ sweeper: { enabled: true, ...values } })).filter(({ kind }) => /Role/.test(kind));
  const texts = JSON.stringify(await rolesOf({ repositorySecrets: false }));
  assert.doesNotMatch(
    texts.replaceAll('"tagpin-pull-secrets"', ''),
    /"resources":\["secrets"\],"verbs":\["get","list"\]/,
  );

  await apply({ applicationNamespaces: ['team-a'] });
  assert.ok(await sweeper.may('patch applications.argoproj.io/shop team-a'));
  assert.equal(await sweeper.may('patch applications.argoproj.io/shop shop'), false);
  await apply({ clusterWide: true });
  assert.ok(await sweeper.may('patch applications.argoproj.io/shop shop'));
  assert.ok(await sweeper.may('list applications.argoproj.io'));
  const bound = (await rolesOf({ clusterWide: true })).filter(({ kind }) => kind === 'RoleBinding');
  assert.deepEqual(
    bound.map(({ metadata }) => metadata.name).filter((name) => name === 'tagpin-applications'),
    [],
  );
});
