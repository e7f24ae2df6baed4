/** The sweeper with the rights that it is installed with, on a real API server: nothing that it asks for is refused. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import { application, type Manifest, own, updaters } from '../support/application.ts';
import { INSTALL, INSTALL_SWEEPER, render } from '../support/chart.ts';
import { installArgoCdResources, installImageUpdaterResource } from '../support/custom-resources.ts';
import { eventually } from '../support/eventually.ts';
import { serveGit } from '../support/git-http.ts';
import { makeRepository, type RemoteRepository } from '../support/git-repository.ts';
import { makeSshKey } from '../support/git-ssh.ts';
import { runProcess, startProcess } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');
const USER = 'system:serviceaccount:tagpin-system:tagpin-sweeper';
const APPLICATIONS = '/apis/argoproj.io/v1alpha1/namespaces';
const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

let plane: ControlPlane;
let registry: TestRegistry;
let repository: RemoteRepository;
let kubeconfig = '';
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip !== false) return;
  registry = await startRegistry({ auth: 'basic' });
  ends.push(() => registry.close());
  plane = await startControlPlane({ after: (end) => ends.push(end) });
  assert.equal(await installArgoCdResources(plane), null);
  assert.equal(await installImageUpdaterResource(plane), null);
  for (const name of ['argocd', 'team-a', 'hidden']) {
    await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  for (const file of [INSTALL, INSTALL_SWEEPER]) {
    const { code, stderr } = await plane.kubectl(['apply', '-f', file]);
    assert.equal(code, 0, stderr);
  }
  const sweeper = {
    enabled: true,
    applicationNamespaces: ['argocd', 'team-a'],
    secrets: ['tagpin-signing'],
    applicationSecrets: { 'team-a': ['hub', 'git'] },
  };
  for (const object of await render({ sweeper, registryCredentials: ['registry'] })) {
    if (/Role/.test(object.kind)) await plane.apply(object);
  }
  await prepare();
  await prepareGit();
  kubeconfig = await plane.kubeconfigFor(USER);
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

/** A policy, Secrets for the registry, and Applications that use all of the rights. */
async function prepare(): Promise<void> {
  const { host } = registry;
  for (const tag of ['1.0.0', '1.1.0']) registry.pushImage('acme/web', tag);
  const policy = {
    apiVersion: 'tagpin.dev/v1',
    kind: 'TagPolicy',
    registries: { hosts: [{ host, plainHttp: true, credentials: { secret: 'registry' } }] },
    sweep: {
      imageUpdater: true,
      applicationNamespaces: ['argocd', 'team-a'],
      interval: '1s',
      git: { signing: { secret: 'tagpin-signing', format: 'ssh' } },
    },
  };
  const metadata = { name: 'tagpin-policy', namespace: 'tagpin-system' };
  await plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'policy.yaml': JSON.stringify(policy) } });
  const auths = { [host]: { username: 'robot', password: 'secret' } };
  for (const [namespace, name] of [
    ['tagpin-system', 'registry'],
    ['team-a', 'hub'],
  ] as const) {
    await plane.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/dockerconfigjson',
      metadata: { namespace, name },
      stringData: { '.dockerconfigjson': JSON.stringify({ auths }) },
    });
  }
  const list = { 'image-list': `web=${host}/acme/web:1.x`, 'web.helm.image-tag': 'tag' };
  const child = {
    ownerReferences: [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: 'shops', uid: 'x' }],
  };
  const objects = [
    application({ name: 'shop', annotations: own(list) }),
    application({ name: 'theirs', annotations: updaters(list) }),
    application({ name: 'child', annotations: own(list), metadata: child }),
    application({
      name: 'part',
      annotations: { ...own(list), 'argocd.argoproj.io/tracking-id': 'apps:argoproj.io/Application:argocd/part' },
    }),
    application({
      name: 'shop',
      annotations: own({ ...list, 'pull-secret': 'pullsecret:team-a/hub' }),
      metadata: { namespace: 'team-a' },
    }),
    application({ name: 'shop', annotations: own(list), metadata: { namespace: 'hidden' } }),
  ];
  for (const object of objects) await apply(object);
}

async function apply(object: Manifest): Promise<void> {
  const { uid: _uid, resourceVersion: _version, ...metadata } = object['metadata'] as Manifest;
  await plane.apply({ ...object, metadata });
}

/** Applications whose repository is written: one with Argo CD's credentials, one with a Secret of its own; and all that is read for it. */
async function prepareGit(): Promise<void> {
  const lifetime = { after: (end: () => void | Promise<void>) => void ends.push(async () => await end()) };
  repository = makeRepository(lifetime, { 'shop/values.yaml': 'tag: 1.0.0\n' });
  const authorization = `Basic ${Buffer.from('bot:password').toString('base64')}`;
  const { url } = await serveGit(lifetime, repository, { authorization });
  const login = { username: 'bot', password: 'password', insecure: 'true' };
  const labels = { 'argocd.argoproj.io/secret-type': 'repository' };
  for (const [metadata, stringData] of [
    [
      { namespace: 'argocd', name: 'repository', labels },
      { url, ...login },
    ],
    [{ namespace: 'team-a', name: 'git' }, login],
    [{ namespace: 'tagpin-system', name: 'tagpin-signing' }, { 'ssh-privatekey': makeSshKey(lifetime).privateKey }],
  ] as const) {
    await plane.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData });
  }
  for (const name of ['argocd-ssh-known-hosts-cm', 'argocd-tls-certs-cm']) {
    await plane.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'argocd', name }, data: {} });
  }
  const spec = { sourceRepos: [url], sourceNamespaces: ['team-a'] };
  const metadata = { namespace: 'argocd', name: 'default' };
  await plane.apply({ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata, spec });
  const list = { 'image-list': `web=${registry.host}/acme/web:1.x`, 'web.helm.image-tag': 'tag' };
  for (const [namespace, method, more] of [
    ['argocd', 'git', { 'write-back-target': 'helmvalues' }],
    ['team-a', 'git:secret:git', {}],
  ] as const) {
    const annotations = own({ ...list, ...more, 'write-back-method': method });
    await apply(application({ name: 'committed', annotations, source: { repoURL: url }, metadata: { namespace } }));
  }
}

/** What the API server refused it. */
async function refusals(): Promise<readonly string[]> {
  const events = await plane.auditEvents();
  return events
    .filter(({ user, responseStatus }) => user.username === USER && responseStatus?.code === 403)
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

async function parameters(namespace: string, name: string): Promise<unknown> {
  const { spec } = await plane.get(`${APPLICATIONS}/${namespace}/applications/${name}`);
  return spec.source.helm?.parameters?.map(({ value }: { readonly value: string }) => value);
}

test('its roles are enough: policy, credentials, owners, Image Updater, patches, commits, state, Events', {
  skip,
}, async () => {
  const { code, stdout, stderr } = await runProcess(
    process.execPath,
    [MAIN, 'sweep', '--once', '-o', 'json', '--kubeconfig', kubeconfig, '--namespace', 'tagpin-system'],
    {
      directory: plane.folder,
      environment: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: COMPILED,
        TAGPIN_ARGOCD_NAMESPACE: 'argocd',
        TAGPIN_GIT_DIRECTORY: join(plane.folder, 'repositories'),
      },
    },
  );
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const outcomes = lines.map(({ target, outcome }) => `${target.namespace}/${target.name} ${outcome}`).toSorted();
  assert.deepEqual([code, stderr], [0, ''], stdout);
  assert.deepEqual(outcomes, [
    'argocd/child refused',
    'argocd/committed written',
    'argocd/part written',
    'argocd/shop written',
    'argocd/theirs written',
    'team-a/committed written',
    'team-a/shop written',
  ]);
  for (const [namespace, name] of [
    ['argocd', 'shop'],
    ['argocd', 'theirs'],
    ['team-a', 'shop'],
  ] as const) {
    assert.deepEqual(await parameters(namespace, name), ['1.1.0']);
  }
  assert.equal(await parameters('hidden', 'shop'), undefined);
  assert.equal(repository.show('main', 'shop/values.yaml'), 'tag: 1.1.0\n');
  assert.match(repository.show('main', 'shop/.argocd-source-team-a_committed.yaml'), /1\.1\.0/);
  assert.match(repository.git('cat-file', '-p', 'main'), /^gpgsig -----BEGIN SSH SIGNATURE-----$/m);
  assert.deepEqual(await refusals(), []);
  const { items } = await plane.get('/apis/events.k8s.io/v1/events');
  const told = items.filter(({ reportingController = '' }) => reportingController === 'tagpin.dev/sweeper');
  assert.equal(told.length, 7);
});

test('as the process that is installed it leads, serves its probes and metrics, and ends when it is asked to', {
  skip,
}, async (t) => {
  registry.pushImage('acme/web', '1.2.0');
  const child = startProcess(process.execPath, [MAIN, 'sweep'], {
    directory: plane.folder,
    environment: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: COMPILED,
      TAGPIN_KUBECONFIG: kubeconfig,
      TAGPIN_NAMESPACE: 'tagpin-system',
      TAGPIN_ARGOCD_NAMESPACE: 'argocd',
      TAGPIN_GIT_DIRECTORY: join(plane.folder, 'repositories'),
      TAGPIN_OPERATIONS_LISTEN: '127.0.0.1:0',
      TAGPIN_RECEIVERS_LISTEN: '127.0.0.1:0',
    },
  });
  t.after(() => child.stop());
  const [, address = ''] = await child.waitFor(/"server":"operations","address":"([^"]+)"/);
  await eventually('it has swept', async () => (await parameters('argocd', 'shop'))?.toString() === '1.2.0');
  await eventually('it has committed', () => repository.show('main', 'shop/values.yaml') === 'tag: 1.2.0\n');
  const page = async (path: string): Promise<Response> => await fetch(`http://${address}${path}`);
  assert.deepEqual([(await page('/healthz')).status, (await page('/readyz')).status], [200, 200]);
  assert.match(await (await page('/metrics')).text(), /^tagpin_sweep_leader 1$/m);
  child.signal('SIGTERM');
  assert.equal((await child.finished).code, 0);
  const lease = await plane.get('/apis/coordination.k8s.io/v1/namespaces/tagpin-system/leases/tagpin-sweeper');
  assert.equal(lease.spec.holderIdentity ?? '', '');
  assert.deepEqual(await refusals(), []);
});
