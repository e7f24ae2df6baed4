/** What the shipped roles allow, golden: S6 and S29 of the threat table. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { INSTALL, type Rendered, render } from '../support/chart.ts';

const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

const USER = 'system:serviceaccount:tagpin-system:tagpin-webhook';
const GROUPS = ['system:serviceaccounts', 'system:serviceaccounts:tagpin-system', 'system:authenticated'];

let plane: ControlPlane;
let kubeconfig: string;
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
  kubeconfig = await plane.kubeconfigFor(USER);
});
after(async () => {
  for (const end of ends) await end();
});

/** Asks the API server itself: `get secrets/NAME NAMESPACE`, `create leases.coordination.k8s.io NAMESPACE`. */
async function may(question: string): Promise<boolean> {
  const [verb = '', what = '', namespace = ''] = question.split(' ');
  const [target = '', name = ''] = what.split('/');
  const [resource = '', ...group] = target.split('.');
  const resourceAttributes = { verb, resource, group: group.join('.'), namespace, name };
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' };
  const input = JSON.stringify({ ...review, spec: { user: USER, groups: GROUPS, resourceAttributes } });
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const { code, stdout, stderr } = await plane.kubectl(['create', '--raw', path, '-f', '-'], { input });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).status.allowed;
}

/** The rules of a namespace that not everybody has, as `verbs resources names`. */
async function rules(namespace: string): Promise<readonly string[]> {
  const ask = async (as: string): Promise<readonly string[]> => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const input = JSON.stringify({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace },
    });
    const { stdout } = await plane.kubectl(['create', '--raw', path, '-f', '-'], { input, kubeconfig: as });
    return JSON.parse(stdout).status.resourceRules.map((rule: Rendered) => {
      const targets = rule.resources.flatMap((resource: string) =>
        rule.apiGroups.map((group: string) => (group === '' ? resource : `${resource}.${group}`)),
      );
      return [rule.verbs, targets, rule.resourceNames ?? []]
        .map((each) => each.join(','))
        .join(' ')
        .trim();
    });
  };
  const everybody = new Set(await ask(await plane.kubeconfigFor('somebody', ['system:authenticated'])));
  return (await ask(kubeconfig)).filter((rule) => !everybody.has(rule)).toSorted();
}

const EVERYWHERE = [
  'get,list,watch namespaces',
  'get,list,watch,patch mutatingwebhookconfigurations.admissionregistration.k8s.io,validatingwebhookconfigurations.admissionregistration.k8s.io tagpin',
];

test('the webhook has these rules and no others', { skip }, async () => {
  assert.deepEqual(await rules('shop'), EVERYWHERE);
  assert.deepEqual(
    await rules('tagpin-system'),
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
  const allowed = await Promise.all(FORBIDDEN.map(async (question) => ((await may(question)) ? [question] : [])));
  assert.deepEqual(allowed.flat(), []);
  assert.equal(await may('get secrets/tagpin-certificates tagpin-system'), true);
});

test('a list of one configuration or of the policy by its name is allowed, of all refused', { skip }, async () => {
  const list = async (...args: readonly string[]): Promise<number> =>
    (await plane.kubectl(['get', ...args, '-o', 'name'], { kubeconfig })).code;
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
    const { stdout, stderr } = await plane.kubectl(args, { input, kubeconfig });
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
  assert.deepEqual(await rules('shop'), [...EVERYWHERE, 'get secrets,serviceaccounts'].toSorted());
  assert.deepEqual(await rules('other'), EVERYWHERE);
});

test('the cluster-wide alternative lets it read every Secret by name and list none', { skip }, async () => {
  const objects = await render({ pullSecrets: { clusterWide: true } });
  for (const object of objects.filter(({ kind }) => kind === 'ClusterRoleBinding')) await plane.apply(object);
  assert.deepEqual(await rules('other'), [...EVERYWHERE, 'get secrets,serviceaccounts'].toSorted());
  assert.equal(await may('get secrets/pull other'), true);
  assert.equal(await may('list secrets other'), false);
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
