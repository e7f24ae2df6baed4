/** deploy/ on a real API server: installed, installed again, upgraded, taken away. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { type ControlPlane, startControlPlane } from '../environment/control-plane.ts';
import { CONTROL_PLANE, PROGRAMS, skipWithout } from '../environment/programs.ts';
import {
  CHART,
  helm,
  INSTALL,
  INSTALL_SWEEPER,
  installObjects,
  objectOf,
  type Rendered,
  sweeperObjects,
} from '../support/chart.ts';
import { eventually } from '../support/eventually.ts';
import type { FinishedProcess } from '../support/process.ts';

const skip = skipWithout(...CONTROL_PLANE, PROGRAMS.helm);

const CONFIGURATIONS = ['mutatingwebhookconfigurations/tagpin', 'validatingwebhookconfigurations/tagpin'].map(
  (name) => `/apis/admissionregistration.k8s.io/v1/${name}`,
);
/** What an API server takes as a bundle. */
const BUNDLE = Buffer.from('-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n').toString('base64');

let plane: ControlPlane;
const ends: (() => Promise<void>)[] = [];
before(async () => {
  if (skip === false) plane = await startControlPlane({ after: (end) => ends.push(end) });
});
after(async () => {
  for (const end of ends) await end();
});

async function kubectl(...args: readonly string[]): Promise<FinishedProcess> {
  const finished = await plane.kubectl(args);
  assert.equal(finished.code, 0, `${args.join(' ')}: ${finished.stderr}`);
  return finished;
}

async function run(...args: readonly string[]): Promise<FinishedProcess> {
  const finished = await helm(args, plane);
  assert.equal(finished.code, 0, `${args.join(' ')}: ${finished.stderr}`);
  return finished;
}

/** Writes `caBundle` as the webhook does: a JSON patch of each entry. */
async function patchBundles(): Promise<void> {
  for (const path of CONFIGURATIONS) {
    const { webhooks } = await plane.get(path);
    const patch = webhooks.map((_: unknown, index: number) => ({
      op: 'add',
      path: `/webhooks/${index}/clientConfig/caBundle`,
      value: BUNDLE,
    }));
    const [, resource = ''] = /v1\/(.+)$/.exec(path) ?? [];
    await kubectl('patch', resource, '--type=json', '--field-manager=tagpin', '-p', JSON.stringify(patch));
  }
}

async function bundles(): Promise<readonly (string | undefined)[]> {
  const configurations = await Promise.all(CONFIGURATIONS.map((path) => plane.get(path)));
  return configurations.flatMap(({ webhooks }) => webhooks.map((each: Rendered) => each.clientConfig.caBundle));
}

async function versions(): Promise<readonly string[]> {
  const { stdout } = await kubectl('get', '-f', INSTALL, '-o', 'json');
  return JSON.parse(stdout).items.map((each: Rendered) => `${each.kind} ${each.metadata.resourceVersion}`);
}

async function removeAll(): Promise<void> {
  // Without controllers a namespace stays for ever, so everything in it but the namespace is removed.
  const rest = installObjects().filter(({ kind }) => kind !== 'Namespace');
  const input = rest.map((each) => JSON.stringify(each)).join('\n---\n');
  const { code, stderr } = await plane.kubectl(['delete', '--ignore-not-found', '-f', '-'], { input });
  assert.equal(code, 0, stderr);
}

test('one kubectl apply installs everything in an empty cluster, a second one changes nothing', { skip }, async () => {
  const first = await kubectl('apply', '-f', INSTALL);
  assert.equal(first.stderr, '');
  assert.equal(first.stdout.match(/ created\n/g)?.length, installObjects().length);
  const before = await versions();
  await kubectl('apply', '-f', INSTALL);
  assert.deepEqual(await versions(), before);
  await kubectl('diff', '-f', INSTALL);
});

test('caBundle survives kubectl apply, also with --server-side, which takes over without a conflict', {
  skip,
}, async () => {
  await patchBundles();
  const want = [BUNDLE, BUNDLE, BUNDLE];
  assert.deepEqual(await bundles(), want);
  await kubectl('apply', '-f', INSTALL);
  assert.deepEqual(await bundles(), want);
  for (let times = 0; times < 2; times += 1) {
    await kubectl('apply', '--server-side', '-f', INSTALL);
    assert.deepEqual(await bundles(), want);
  }
  await kubectl('apply', '-f', INSTALL);
  assert.deepEqual(await bundles(), want);
  await removeAll();
});

for (const way of ['--server-side=true', '--server-side=false']) {
  test(`caBundle survives helm upgrade and helm rollback with ${way}`, { skip }, async () => {
    const release = ['tagpin', CHART, '--namespace=tagpin-system', way];
    // A namespace that is there has no owner: helm refuses to adopt it, and need not.
    await run('install', ...release, '--create-namespace');
    await patchBundles();
    await run('upgrade', ...release);
    await run('upgrade', ...release, '--set=webhooks.pods.timeoutSeconds=7,webhooks.workloads.timeoutSeconds=9');
    assert.deepEqual(await bundles(), [BUNDLE, BUNDLE, BUNDLE]);
    const [path = ''] = CONFIGURATIONS;
    const timeouts = async (): Promise<unknown> =>
      (await plane.get(path)).webhooks.map((each: Rendered) => each.timeoutSeconds);
    assert.deepEqual(await timeouts(), [9, 7]);
    await run('rollback', 'tagpin', '1', '--namespace=tagpin-system', way);
    assert.deepEqual(
      [await timeouts(), await bundles()],
      [
        [10, 5],
        [BUNDLE, BUNDLE, BUNDLE],
      ],
    );
    await run('uninstall', 'tagpin', '--namespace=tagpin-system');
  });
}

/** The kinds that were deleted since then, the first first. */
async function deletedSince(start: number): Promise<readonly string[]> {
  const events = (await plane.auditEvents()).slice(start);
  const deletions = events.filter(({ verb, responseStatus }) => verb === 'delete' && responseStatus?.code === 200);
  return deletions.map(({ objectRef }) => objectRef?.resource ?? '');
}

test('helm uninstall takes the configurations away before anything else', { skip }, async () => {
  await run('install', 'tagpin', CHART, '--namespace=tagpin-system', '--create-namespace');
  const start = (await plane.auditEvents()).length;
  await run('uninstall', 'tagpin', '--namespace=tagpin-system');
  const deleted = await eventually('the deletions are in the audit log', async () => {
    const kinds = await deletedSince(start);
    return kinds.includes('serviceaccounts') && kinds;
  });
  assert.deepEqual(deleted.slice(0, 2), ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations']);
  assert.ok(deleted.includes('deployments'));
});

test('one kubectl apply adds the sweeper where Argo CD is, and one takes it away without the webhook', {
  skip,
}, async () => {
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  await kubectl('apply', '-f', INSTALL);
  const { stdout } = await kubectl('apply', '-f', INSTALL_SWEEPER);
  assert.equal(stdout.match(/ created\n/g)?.length, sweeperObjects().length);
  await kubectl('apply', '-f', INSTALL_SWEEPER);
  await kubectl('diff', '-f', INSTALL_SWEEPER);
  await kubectl('delete', '--wait=false', '-f', INSTALL_SWEEPER);
  await kubectl('diff', '-f', INSTALL);
});

test('kubectl delete of install.yaml takes the configurations away before anything else', { skip }, async () => {
  await kubectl('apply', '-f', INSTALL);
  const start = (await plane.auditEvents()).length;
  await kubectl('delete', '--wait=false', '-f', INSTALL);
  const deleted = await eventually('the deletions are in the audit log', async () => {
    const kinds = await deletedSince(start);
    return kinds.includes('deployments') && kinds;
  });
  assert.deepEqual(deleted.slice(0, 2), ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']);
});

test('the Pods hold what Pod Security asks of them at its strictest', { skip }, async () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const namespace = objectOf(installObjects(), 'Namespace', 'tagpin-system');
  assert.equal(namespace.metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict', labels } });
  for (const deployment of [...installObjects(), ...sweeperObjects()].filter(({ kind }) => kind === 'Deployment')) {
    const { template } = deployment.spec;
    const pod = (name: string, spec: Rendered) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name, namespace: 'strict' },
      spec,
    });
    await plane.apply(pod(deployment.metadata.name, template.spec));
    // What shows that somebody looks.
    await assert.rejects(plane.apply(pod('other', { ...template.spec, hostNetwork: true })), /violates PodSecurity/);
  }
});
