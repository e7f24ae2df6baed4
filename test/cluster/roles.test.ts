/** What the shipped roles allow, golden: S6 and S29 of the threat table. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { INSTALL, type Rendered, render } from '../support/chart.ts';
import { type Permissions, permissionsOf } from '../support/permissions.ts';

const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

let plane: ControlPlane;
let webhook: Permissions;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  const { code, stderr } = await plane.kubectl(['apply', '-f', INSTALL]);
  assert.equal(code, 0, stderr);
  for (const name of ['shop', 'other']) {
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    await plane.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pull', namespace: name } });
  }
  webhook = await permissionsOf(plane, 'tagpin-webhook');
});
after(async () => {
  for (const end of ends) await end();
});

const EVERYWHERE = [
  'get,list,watch namespaces',
  'get,list,watch,patch mutatingwebhookconfigurations.admissionregistration.k8s.io,validatingwebhookconfigurations.admissionregistration.k8s.io tagpin',
];

test('the webhook has these rules and no others', { skip }, async () => {
  assert.deepEqual(await webhook.rules('shop'), EVERYWHERE);
  assert.deepEqual(
    await webhook.rules('tagpin-system'),
    [
      ...EVERYWHERE,
      'get,list,watch configmaps tagpin-policy',
      'get,create,patch configmaps tagpin-policy-accepted',
      'get,update leases.coordination.k8s.io tagpin-webhook',
      'create leases.coordination.k8s.io',
      'get,update secrets tagpin-certificates',
      'create secrets',
      'create events.events.k8s.io',
    ].toSorted(),
  );
});

const FORBIDDEN = [
  'list secrets',
  'watch secrets',
  'list secrets tagpin-system',
  'watch secrets tagpin-system',
  'get secrets/other tagpin-system',
  'delete secrets/tagpin-certificates tagpin-system',
  'get secrets/pull shop',
  'get serviceaccounts/default shop',
  'create serviceaccounts/tagpin-webhook/token tagpin-system',
  'update configmaps/tagpin-policy tagpin-system',
  'create configmaps/tagpin-policy tagpin-system',
  'list configmaps tagpin-system',
  'patch mutatingwebhookconfigurations.admissionregistration.k8s.io/other',
  'create mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'delete mutatingwebhookconfigurations.admissionregistration.k8s.io/tagpin',
  'list validatingwebhookconfigurations.admissionregistration.k8s.io',
  'patch namespaces/shop',
  ...['create', 'update', 'patch', 'delete', 'list'].flatMap((verb) =>
    ['deployments.apps', 'replicasets.apps', 'jobs.batch', 'pods'].map((resource) => `${verb} ${resource} shop`),
  ),
  'create rolebindings.rbac.authorization.k8s.io shop',
  'impersonate users',
];

test('what it may not', { skip }, async () => {
  assert.deepEqual(await webhook.allowed(FORBIDDEN), []);
  assert.equal(await webhook.may('get secrets/tagpin-certificates tagpin-system'), true);
});

test('a list of one configuration or of the policy by its name is allowed, of all refused', { skip }, async () => {
  const list = async (...args: readonly string[]): Promise<number> =>
    (await plane.kubectl(['get', ...args, '-o', 'name'], webhook)).code;
  const named = '--field-selector=metadata.name=tagpin';
  for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    assert.deepEqual([await list(kind, named), await list(kind)], [0, 1], kind);
  }
  const policy = '--field-selector=metadata.name=tagpin-policy';
  assert.equal(await list('configmaps', '-n', 'tagpin-system', policy), 0);
  assert.equal(await list('configmaps', '-n', 'tagpin-system'), 1);
});

test('the accepted policy is created by its name, and no other ConfigMap', { skip }, async () => {
  const apply = async (name: string): Promise<string> => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });
    const args = ['apply', '--server-side', '-n', 'tagpin-system', '-f', '-'];
    const { stdout, stderr } = await plane.kubectl(args, { input, kubeconfig: webhook.kubeconfig });
    return stdout + stderr;
  };
  assert.match(await apply('tagpin-policy-accepted'), /serverside-applied/);
  assert.match(await apply('tagpin-policy-accepted'), /serverside-applied/);
  assert.match(await apply('tagpin-policy'), /forbidden/);
  assert.match(await apply('anything'), /forbidden/);
});

test('pull secrets are readable by name where a namespace is bound, and only there', { skip }, async () => {
  const objects = await render({ pullSecrets: { namespaces: ['shop'] } });
  for (const object of objects.filter(({ kind }) => kind === 'RoleBinding')) await plane.apply(object);
  assert.deepEqual(await webhook.rules('shop'), [...EVERYWHERE, 'get secrets,serviceaccounts'].toSorted());
  assert.deepEqual(await webhook.rules('other'), EVERYWHERE);
});

test('the cluster-wide alternative lets it read every Secret by name and list none', { skip }, async () => {
  const objects = await render({ pullSecrets: { clusterWide: true } });
  for (const object of objects.filter(({ kind }) => kind === 'ClusterRoleBinding')) await plane.apply(object);
  assert.deepEqual(await webhook.rules('other'), [...EVERYWHERE, 'get secrets,serviceaccounts'].toSorted());
  assert.equal(await webhook.may('get secrets/pull other'), true);
  assert.equal(await webhook.may('list secrets other'), false);
});

/** The role's rules about Secrets with these values. */
async function secretRules(values: Readonly<Record<string, unknown>>): Promise<readonly unknown[]> {
  const role = (await render(values)).find(({ kind }) => kind === 'Role');
  return role.rules
    .filter(({ resources }: Rendered) => resources.includes('secrets'))
    .map(({ verbs, resourceNames }: Rendered) => [verbs, resourceNames]);
}

test('host credentials are named one by one, and the certificate is written where it is ours only', {
  skip,
}, async () => {
  const own = [
    [['get', 'update'], ['tagpin-certificates']],
    [['create'], undefined],
  ];
  assert.deepEqual(await secretRules({}), own);
  const [first, second] = own;
  assert.deepEqual(await secretRules({ registryCredentials: ['hub', 'harbor'] }), [
    first,
    [['get'], ['hub', 'harbor']],
    second,
  ]);
  assert.deepEqual(await secretRules({ certificates: { source: 'cert-manager' } }), [
    [['get'], ['tagpin-certificates']],
  ]);
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  const files = { source: 'files', files: { secret: 'tls', caBundle: pem } };
  assert.deepEqual(await secretRules({ certificates: files }), []);
});

test('trust roots are read by their names, of both parts of tagpin, and no other ConfigMap', { skip }, async () => {
  const objects = await render({ trustRoots: ['sigstore'], sweeper: { enabled: true } });
  const roles = objects.filter(({ kind, metadata }) => kind === 'Role' && metadata.namespace === 'tagpin-system');
  assert.deepEqual(
    roles.map(({ metadata }): string => metadata.name),
    ['tagpin-webhook', 'tagpin-sweeper'],
  );
  for (const role of roles) {
    const named = role.rules.filter(({ resourceNames = [] }: Rendered) => resourceNames.includes('sigstore'));
    assert.deepEqual(named, [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['sigstore'], verbs: ['get'] },
    ]);
    await plane.apply(role);
  }
  assert.equal(await webhook.may('get configmaps/sigstore tagpin-system'), true);
  assert.deepEqual(
    await webhook.allowed([
      'get configmaps/other tagpin-system',
      'list configmaps/sigstore tagpin-system',
      'update configmaps/sigstore tagpin-system',
      'get configmaps/sigstore shop',
    ]),
    [],
  );
});
