/** `tagpin refresh` and `tagpin policy explain` beside a webhook that runs as it ships. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { PINS_ANNOTATION } from '../../src/core/workload/pins.ts';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { rowsOf } from '../support/audited-cluster.ts';
import { type InstalledPlane, startClusterWebhook, startInstalledPlane } from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const skip = skipWithout(...CONTROL_PLANE);
const DEPLOYMENTS = '/apis/apps/v1/namespaces/shop/deployments';

let plane: InstalledPlane;
let registry: TestRegistry;
const ends: (() => unknown)[] = [];
before(async () => {
  if (skip !== false) return;
  const t = { after: (end: () => unknown) => ends.push(end) };
  registry = await startRegistry();
  ends.push(() => registry.close());
  plane = await startInstalledPlane(t);
  await applyPolicy('');
  const webhook = await startClusterWebhook(t, plane);
  await namespace('shop', { 'tagpin.dev/inject': 'enabled', env: 'lab' });
  await namespace('elsewhere', {});
  await eventually('the policy is in force', () =>
    webhook.lines().some((line) => line['msg'] === 'policy in force' && line['source'] === 'configmap'),
  );
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

const tagpin = (args: readonly string[]): Promise<FinishedProcess> =>
  runProcess(process.execPath, [MAIN, ...args], {
    environment: { PATH: process.env['PATH'], HOME: plane.folder, KUBECONFIG: plane.kubeconfig },
  });

async function namespace(name: string, labels: object): Promise<void> {
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}

async function applyPolicy(rules: string): Promise<void> {
  const text = policyFor(registry.host, rules).replace('registries:\n', 'registries:\n  freshFor: 0s\n');
  await plane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: { 'policy.yaml': text },
  });
}

function deployment(name: string, images: Readonly<Record<string, string>>, inNamespace = 'shop') {
  const labels = { app: name };
  const containers = Object.entries(images).map(([container, image]) => ({ name: container, image }));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: inNamespace },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

async function stored(name: string, inNamespace = 'shop') {
  const { metadata, spec } = await plane.get(`/apis/apps/v1/namespaces/${inNamespace}/deployments/${name}`);
  return {
    images: spec.template.spec.containers.map(({ image }: { image: string }) => image) as readonly string[],
    annotations: metadata.annotations as Readonly<Record<string, string>>,
    managers: metadata.managedFields.map(({ manager }: { manager: string }) => manager) as readonly string[],
  };
}

const short = (digest: string): string => digest.slice(0, 19);

test('a refresh moves what is pinned, says from what to what, and once more that it is still that', {
  skip,
}, async () => {
  const old = registry.pushImage('moves', '1');
  const side = registry.pushImage('side', '1');
  const image = `${registry.host}/moves:1`;
  await plane.apply(deployment('moves', { app: image, side: `${registry.host}/side:1` }));
  const next = registry.pushImage('moves', '1');
  const first = await tagpin(['refresh', 'deploy/moves', '-n', 'shop']);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(first.stdout.split('\n'), [
    `app: ${image} ${short(old)} -> ${short(next)}`,
    `side: ${registry.host}/side:1 still ${short(side)}`,
    '',
  ]);
  assert.match(first.stderr, /^Warning: app: .*pinned to sha256:/m);
  const after = await stored('moves');
  assert.equal(after.images[0], `${registry.host}/moves@${next}`);
  assert.equal(after.annotations['tagpin.dev/refresh'], undefined);
  assert.ok(after.managers.includes('tagpin'));
  const again = await tagpin(['refresh', 'deployments.apps/moves', '-n', 'shop', '-o', 'json']);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(rowsOf(again.stdout)[0], {
    namespace: 'shop',
    kind: 'Deployment',
    name: 'moves',
    container: 'app',
    image: `${registry.host}/moves@${next}`,
    requested: image,
    before: next,
    after: next,
    state: 'unchanged',
  });
});

test('--container moves only what it names, and only to the digest that is expected', { skip }, async () => {
  const [one, two] = [registry.pushImage('one', '1'), registry.pushImage('two', '1')];
  await plane.apply(deployment('some', { a: `${registry.host}/one:1`, b: `${registry.host}/two:1` }));
  const [newOne, newTwo] = [registry.pushImage('one', '1'), registry.pushImage('two', '1')];
  const unexpected = await tagpin(['refresh', 'deploy/some', '-n', 'shop', '--container', `a=${two}`]);
  assert.equal(unexpected.code, 1);
  assert.match(unexpected.stderr, /not refreshed: its tag means sha256:\w+, not the expected digest/);
  const named = await tagpin(['refresh', 'deploy/some', '-n', 'shop', '--container', `b=${newTwo}`]);
  assert.equal(named.code, 0, named.stderr);
  const expected = [`${registry.host}/one@${one}`, `${registry.host}/two@${newTwo}`];
  assert.deepEqual((await stored('some')).images, expected);
  const missing = await tagpin(['refresh', 'deploy/some', '-n', 'shop', '--container', 'c']);
  assert.deepEqual([missing.code, missing.stdout], [2, '']);
  assert.match(missing.stderr, /there is no c, only a, b\n$/);
  assert.notEqual(newOne, one);
});

test('--floating adopts what was there before, and has nothing to do the second time', { skip }, async () => {
  const digest = registry.pushImage('adopted', '1');
  await namespace('older', {});
  await plane.apply(deployment('adopted', { app: `${registry.host}/adopted:1` }, 'older'));
  await namespace('older', { 'tagpin.dev/inject': 'enabled' });
  const audit = () => tagpin(['audit', '-n', 'older', '--fail-on', 'floating', '-o', 'json']);
  const [row] = rowsOf((await audit()).stdout);
  const words = / tagpin (refresh .*)$/.exec(String(row?.['reason']))?.[1]?.split(' ');
  const advice = words ?? assert.fail(JSON.stringify(row));
  const adopted = await tagpin(advice);
  assert.equal(adopted.stdout, `app: ${registry.host}/adopted:1 pinned to ${short(digest)}\n`);
  assert.equal(adopted.code, 0, adopted.stderr);
  assert.equal((await audit()).code, 0);
  const again = await tagpin(advice);
  assert.equal(again.code, 0);
  assert.match(again.stderr, /nothing floats\n$/);
});

test('a registry that gives no answer leaves the pin, and is exit code 1', { skip }, async () => {
  const digest = registry.pushImage('silent', '1');
  await plane.apply(deployment('silent', { app: `${registry.host}/silent:1` }));
  registry.removeTag('silent', '1');
  const { code, stdout, stderr } = await tagpin(['refresh', 'deploy/silent', '-n', 'shop']);
  assert.equal(code, 1);
  assert.match(stdout, /still sha256:/);
  assert.match(stderr, /^Warning: app: not refreshed: the registry has no such image \(NotFound\)$/m);
  assert.deepEqual((await stored('silent')).images, [`${registry.host}/silent@${digest}`]);
});

test('where no webhook looks, nothing is left behind, and what to do is said', { skip }, async () => {
  await plane.apply(deployment('alone', { app: `${registry.host}/alone:1` }, 'elsewhere'));
  const before = await plane.get('/apis/apps/v1/namespaces/elsewhere/deployments/alone');
  const { code, stdout, stderr } = await tagpin(['refresh', 'deploy/alone', '-n', 'elsewhere']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /^tagpin: refresh: deployment\/alone: no webhook answered: namespace elsewhere has not opted in: [^\n]+\n$/,
  );
  assert.deepEqual((await stored('alone', 'elsewhere')).annotations, before.metadata.annotations);
  const [{ uid, name }] = [(await plane.get(`${DEPLOYMENTS}/moves`)).metadata];
  const set = deployment('owned', { app: `${registry.host}/moves:1` });
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }];
  await plane.apply({ ...set, kind: 'ReplicaSet', metadata: { ...set.metadata, ownerReferences } });
  const owned = await tagpin(['refresh', 'rs/owned', '-n', 'shop']);
  assert.equal(owned.code, 1);
  assert.match(owned.stderr, /belongs to Deployment\/moves, which decides about its images: refresh that instead\n$/);
});

test('wrong use is exit code 2, what is not there 3', { skip }, async () => {
  for (const [args, code, message] of [
    [['deploy'], 2, /write KIND\/NAME/],
    [['svc/web'], 2, /"svc" is no kind with images; there are: deployment,/],
    [['deploy/..'], 2, /nothing has such a name/],
    [['deploy/moves', '--container', '*'], 2, /it takes names/],
    [['deploy/moves', '--container', 'a', '--floating'], 2, /cannot be used with/],
    [['deploy/nowhere'], 3, /deployments\.apps "nowhere" not found/],
  ] as const) {
    const { stderr, ...finished } = await tagpin(['refresh', ...args, '-n', 'shop']);
    assert.equal(finished.code, code, stderr);
    assert.match(stderr, message);
  }
});

test('policy explain asks the cluster for its policy and the labels of the namespace', { skip }, async () => {
  await applyPolicy('rules:\n- {name: labs, match: {namespaceLabels: {env: lab}}, action: ignore}\n');
  const explain = (...args: readonly string[]) => tagpin(['policy', 'explain', 'nginx', '-o', 'json', ...args]);
  const inShop = await explain('-n', 'shop');
  assert.deepEqual([inShop.code, inShop.stderr], [0, '']);
  const [{ action, rule } = {}] = rowsOf(inShop.stdout);
  assert.deepEqual([action, rule], ['ignore', 'labs']);
  const other = await explain('-n', 'elsewhere');
  assert.equal(rowsOf(other.stdout)[0]?.['action'], 'pin');
  assert.match(other.stderr, /namespace elsewhere has not opted in, so the webhook does not look there\n$/);
  assert.equal((await explain('-n', 'nowhere')).code, 3);
  assert.equal((await explain('-n', 'shop', '--namespace-label', 'env=lab')).code, 2);
});

test('a bad policy is named with its line, and the one that was accepted last explains', { skip }, async () => {
  await eventually('the policy is accepted', async () => {
    const { data } = await plane.get('/api/v1/namespaces/tagpin-system/configmaps/tagpin-policy-accepted');
    return data['policy.yaml'].includes('labs');
  });
  // Its webhook would refuse it.
  await plane.kubectl(['delete', 'validatingwebhookconfiguration', 'tagpin']);
  await applyPolicy('rules:\n- {name: labs, acton: ignore}\n');
  const { code, stdout, stderr } = await tagpin(['policy', 'explain', 'nginx', '-n', 'shop', '-o', 'json']);
  assert.equal(code, 0, stderr);
  assert.equal(rowsOf(stdout)[0]?.['rule'], 'labs');
  assert.match(stderr, /tagpin-system\/tagpin-policy: policy\.yaml:\d+:\d+: rules\[0\]\.acton: /);
  assert.match(stderr, /tagpin-policy is bad: the policy that was accepted last holds\n$/);
});

test('a record that a refresh writes is the one that the audit reads', { skip }, async () => {
  const { annotations } = await stored('moves');
  assert.match(annotations[PINS_ANNOTATION] ?? '', /"refreshed":\["\*;/);
  const rows = rowsOf((await tagpin(['audit', '-n', 'shop', '-o', 'json'])).stdout);
  const row = rows.find(({ name, container }) => name === 'moves' && container === 'app');
  assert.deepEqual([row?.['requested'], row?.['state']], [`${registry.host}/moves:1`, 'pinned']);
});
