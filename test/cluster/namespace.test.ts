import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { cronJob, deployment, digest, job, type Manifest, pod, record } from '../support/admission.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { PULL_SECRETS_ROLE, pullSecretsBinding } from '../support/pull-secrets.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const A = digest('a');
const SHORT = A.slice(0, 'sha256:'.length + 12);

describe('tagpin namespace', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  let plane: ControlPlane;
  let namespaces = 0;
  const ends: (() => Promise<void>)[] = [];

  before(async () => {
    plane = await startControlPlane({ after: (end) => ends.push(end) });
    await plane.apply(PULL_SECRETS_ROLE);
  });
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });

  const tagpin = (args: readonly string[], kubeconfig = plane.kubeconfig): Promise<FinishedProcess> =>
    runProcess(process.execPath, [MAIN, 'namespace', ...args, '--kubeconfig', kubeconfig], {
      environment: { PATH: process.env['PATH'], HOME: plane.folder },
    });

  async function makeNamespace(labels: Manifest = {}): Promise<string> {
    namespaces += 1;
    const name = `space-${namespaces}`;
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    return name;
  }

  /** The opt-in label, and whether the RoleBinding is there. */
  async function stateOf(namespace: string) {
    const { metadata } = await plane.get(`/api/v1/namespaces/${namespace}`);
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`;
    return { label: metadata.labels['tagpin.dev/inject'] ?? null, bindings: (await plane.get(path)).items.length };
  }

  test('enable labels the namespace and lets the webhook read pull secrets, and may be run again', async () => {
    const namespace = await makeNamespace({ team: 'shop' });
    const first = await tagpin(['enable', namespace]);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, new RegExp(`^namespace/${namespace} labelled tagpin.dev/inject=enabled\nrolebinding/`));
    assert.deepEqual(await stateOf(namespace), { label: 'enabled', bindings: 1 });
    const again = await tagpin(['enable', namespace, '-o', 'json']);
    assert.deepEqual(JSON.parse(again.stdout), {
      namespace,
      label: 'unchanged',
      pullSecrets: 'unchanged',
      dryRun: false,
    });
    const { metadata } = await plane.get(`/api/v1/namespaces/${namespace}`);
    assert.equal(metadata.labels.team, 'shop');
  });

  test('enable --no-pull-secrets only labels, and --dry-run does nothing at all', async () => {
    const namespace = await makeNamespace({ 'tagpin.dev/inject': 'disabled' });
    const tried = await tagpin(['enable', namespace, '--dry-run', '-o', 'json']);
    assert.deepEqual(JSON.parse(tried.stdout), { namespace, label: 'changed', pullSecrets: 'created', dryRun: true });
    assert.deepEqual(await stateOf(namespace), { label: 'disabled', bindings: 0 });
    const { code } = await tagpin(['enable', namespace, '--no-pull-secrets']);
    assert.equal(code, 0);
    assert.deepEqual(await stateOf(namespace), { label: 'enabled', bindings: 0 });
  });

  test("enable refuses Kubernetes' own namespaces and tagpin's", async () => {
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tagpin-system' } });
    for (const namespace of ['kube-system', 'kube-node-lease', 'tagpin-system']) {
      const before = await stateOf(namespace);
      const { code, stdout, stderr } = await tagpin(['enable', namespace]);
      assert.equal(code, 2, namespace);
      assert.equal(stdout, '');
      assert.match(stderr, /^tagpin: namespace enable: .* left out always.*\n$/);
      assert.deepEqual(await stateOf(namespace), before);
    }
  });

  test('a namespace that is not there, and what is no name, are told in one line', async () => {
    for (const [name, code] of [
      ['nowhere', 3],
      ['..', 2],
    ] as const) {
      for (const verb of ['enable', 'disable']) {
        const done = await tagpin([verb, name]);
        assert.equal(done.code, code, done.stderr);
        assert.match(done.stderr, new RegExp(`^tagpin: namespace ${verb}: .*no .*namespace.*\n$`));
      }
    }
  });

  test('without the ClusterRole nothing is done, and the way out is told', async () => {
    const namespace = await makeNamespace();
    await plane.kubectl(['delete', 'clusterrole', 'tagpin-pull-secrets']);
    try {
      const { code, stderr } = await tagpin(['enable', namespace]);
      assert.equal(code, 3);
      assert.match(stderr, /there is no ClusterRole tagpin-pull-secrets: install tagpin first/);
      assert.deepEqual(await stateOf(namespace), { label: null, bindings: 0 });
    } finally {
      await plane.apply(PULL_SECRETS_ROLE);
    }
  });

  test('who may label, and not grant, is told so, and what goes without', async () => {
    const namespace = await makeNamespace();
    const name = 'labeller';
    await plane.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name },
      rules: [
        { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'patch'] },
        { apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'], verbs: ['get', 'create', 'delete'] },
      ],
    });
    await plane.apply({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'alice' }],
    });
    const alice = await plane.kubeconfigFor('alice');
    const { code, stderr } = await tagpin(['enable', namespace], alice);
    assert.equal(code, 3);
    assert.match(stderr, /^tagpin: .*you may not bind ClusterRole tagpin-pull-secrets there: .*--no-pull-secrets.*\n$/);
    assert.deepEqual(await stateOf(namespace), { label: null, bindings: 0 });
    assert.equal((await tagpin(['enable', namespace, '--no-pull-secrets'], alice)).code, 0);
    // She may not list workloads either: each kind is named, and the label goes all the same.
    const left = await tagpin(['disable', namespace], alice);
    assert.equal(left.code, 0, left.stderr);
    assert.match(left.stderr, /deployments\.apps may not be listed/);
    assert.doesNotMatch(left.stdout, /nothing there is pinned/);
    const bob = await tagpin(['enable', namespace], await plane.kubeconfigFor('bob'));
    assert.equal(bob.code, 3);
    assert.match(bob.stderr, /forbidden.*ask for a role/);
  });

  test('disable says what the next apply would roll out, with --dry-run that alone, then undoes both', async () => {
    const namespace = await makeNamespace({ 'tagpin.dev/inject': 'enabled' });
    await plane.apply(pullSecretsBinding(namespace));
    const annotations = { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1', A]] }) };
    const pinned = { namespace, annotations };
    const images = { app: `nginx@${A}` };
    for (const object of [
      deployment(images, { ...pinned, name: 'web' }),
      deployment({ app: 'nginx:1' }, { namespace, name: 'floating' }),
      cronJob(images, { ...pinned, name: 'nightly' }),
      job(images, { ...pinned, name: 'once' }),
      pod(images, { ...pinned, name: 'bare' }),
    ]) {
      await plane.apply(completed(object));
    }
    const tried = await tagpin(['disable', namespace, '--dry-run']);
    assert.equal(tried.code, 0, tried.stderr);
    const lines = tried.stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '));
    assert.deepEqual(lines.slice(1, -1), [
      'WORKLOAD | CONTAINER | TAG | PINNED TO | THE NEXT APPLY',
      `CronJob/nightly | containers/app | nginx:1 | ${SHORT} | counts for new Pods`,
      `Deployment/web | containers/app | nginx:1 | ${SHORT} | rolls out`,
      `Job/once | containers/app | nginx:1 | ${SHORT} | is refused: delete the Job first`,
      `Pod/bare | containers/app | nginx:1 | ${SHORT} | restarts the container`,
      `namespace/${namespace} no longer labelled tagpin.dev/inject (dry run)`,
      'rolebinding/tagpin-pull-secrets deleted (dry run)',
    ]);
    assert.deepEqual(await stateOf(namespace), { label: 'enabled', bindings: 1 });

    const done = await tagpin(['disable', namespace, '-o', 'json']);
    const objects = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Manifest);
    assert.deepEqual(
      objects.slice(0, -1).map(({ kind, name, nextApply }) => [kind, name, nextApply]),
      [
        ['CronJob', 'nightly', 'new-pods'],
        ['Deployment', 'web', 'rolls-out'],
        ['Job', 'once', 'refused'],
        ['Pod', 'bare', 'restarts'],
      ],
    );
    assert.deepEqual(objects.at(-1), { namespace, label: 'removed', pullSecrets: 'deleted', dryRun: false });
    assert.deepEqual(await stateOf(namespace), { label: null, bindings: 0 });

    const again = await tagpin(['disable', namespace, '-o', 'json']);
    assert.equal(again.code, 0);
    assert.deepEqual(JSON.parse(again.stdout.trim().split('\n').at(-1) ?? ''), {
      namespace,
      label: 'absent',
      pullSecrets: 'absent',
      dryRun: false,
    });
  });

  test('a cluster that is not there is told with what to do', async () => {
    const { code, stderr } = await tagpin(['enable', 'shop'], '/nowhere/kubeconfig');
    assert.equal(code, 3);
    assert.match(
      stderr,
      /^tagpin: namespace enable: \/nowhere\/kubeconfig: there is no such file: .*--kubeconfig.*\n$/,
    );
  });
});

/** What the API server wants besides, so that it takes the object. */
function completed(object: Manifest): Manifest {
  const spec = object['spec'] as Manifest;
  const inner = (spec['jobTemplate'] as Manifest | undefined)?.['spec'] ?? spec;
  const template = (inner as Manifest)['template'] as Manifest | undefined;
  if (object['kind'] === 'Deployment' && template !== undefined) {
    spec['selector'] = { matchLabels: { app: 'x' } };
    template['metadata'] = { labels: { app: 'x' } };
  } else if (template !== undefined) {
    (template['spec'] as Manifest)['restartPolicy'] = 'Never';
  }
  return object;
}
