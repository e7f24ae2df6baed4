/**
 * `npm run demo:cluster`: tagpin in a real control plane (etcd, kube-apiserver and its controllers, built from Go modules once), with
 * a real registry. Each step is shown as it could be typed, and each claim is checked. Nothing is left behind.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ApiObject } from '../environment/control-plane.ts';
import { startDistribution } from '../environment/distribution.ts';
import { prepareEnvironment } from '../environment/prepare.ts';
import { CONTROL_PLANE, PROGRAMS } from '../environment/programs.ts';
import { openWorkbench, type Workbench } from '../environment/workbench.ts';
import {
  type InstalledPlane,
  installedOn,
  linesOf,
  startClusterWebhook,
  startInstalledPlane,
} from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import { demonstrateFollowing } from './cluster-follow.ts';
import { demonstrateSweeper } from './cluster-sweep.ts';
import { commandsFor } from './commands.ts';
import { BrokenClaim, claim, say, showCommand, showDiff, step } from './stage.ts';

const NAMESPACE = 'shop';
const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/web`;

const folder = mkdtempSync(join(tmpdir(), 'tagpin-demo-'));
const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
// Processes end with this one, however it ends (test/support/process.ts); folders go where there is time to.
for (const [signal, code] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const, ['SIGHUP', 129] as const]) {
  process.once(signal, () => {
    console.log('\nstopped');
    void tidy().finally(() => process.exit(code));
  });
}

const began = performance.now();
let code = 0;
try {
  await demonstrate();
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`\nAll of it held. It took ${seconds} s and left nothing behind.`);
} catch (error) {
  code = 1;
  console.error(`\n✗ ${error instanceof BrokenClaim ? error.message : String(error)}`);
}
await tidy();
process.exit(code);

async function tidy(): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}

async function demonstrate(): Promise<void> {
  const lifetime = { after: (end: () => unknown): void => void ends.push(end) };
  const problem = await prepareEnvironment([...CONTROL_PLANE, PROGRAMS.registry, PROGRAMS.crane, PROGRAMS.cosign], {
    say: console.log,
  });
  if (problem !== null) throw new BrokenClaim(problem);

  step('A control plane, and tagpin installed from deploy/install.yaml');
  const [plane, registry] = await Promise.all([
    startInstalledPlane(lifetime, { controllers: 'all' }),
    startDistribution(),
  ]);
  lifetime.after(() => registry.stop());
  const { kubectl, tagpin } = commandsFor(plane, folder);
  const bench = openWorkbench(lifetime, { host: registry.host, hostPolicy: { plainHttp: true } });
  showCommand(['kubectl', 'apply', '-f', 'deploy/install.yaml']);
  for (const { kind, metadata } of installedOn(plane.port)) say(`${kind} ${metadata.name}`);
  say('(There is no kubelet, so the Deployment is left out, and the webhooks are called on loopback.)');

  step('The policy: where the registry is, and no latest in production');
  const policy = configMap(registry.host);
  say(stringify(policy.data['policy.yaml'], { lineWidth: 0 }).replace(/^\|\n/, ''));
  await plane.apply(policy);

  step('The webhook, a process with the rights of its ServiceAccount and no other');
  const webhook = await startClusterWebhook(lifetime, plane);
  say('It has made its certificates, and written the authority into both configurations.');
  claim('it is ready', (await webhook.page('/readyz')).status === 200);
  await refuseBadPolicy(plane, registry.host);

  step('A namespace is opted in');
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const enabled = await tagpin('namespace', 'enable', NAMESPACE);
  claim('it has the label, and tagpin may read its pull secrets', enabled.code === 0);

  step('A Deployment is applied with tags');
  const image = `${registry.host}/shop/web:1.27`;
  const first = await push(bench, image);
  const file = join(folder, 'shop.yaml');
  writeFileSync(file, stringify(deployment(image), { lineWidth: 0 }));
  await untilServed(plane, image);
  const applied = await kubectl('apply', '-f', file);
  claim('the webhook says what it did', /Warning: .*pinned to sha256:/.test(applied.stderr));
  const stored = await plane.get(DEPLOYMENT);
  showDiff(stringify(deployment(image).spec.template.spec), stringify(containersOf(stored)));
  claim('it is stored with the digest that the tag means', imageOf(stored) === `${registry.host}/shop/web@${first}`);
  await eventually('its ReplicaSet is made', async () => (await replicaSets(plane)).length === 1);

  step('The tag moves');
  const second = await push(bench, image);
  claim('it is another image', second !== first);
  await kubectl('diff', '-f', file);
  await kubectl('apply', '-f', file);
  await kubectl('label', 'deploy/web', '-n', NAMESPACE, 'team=shop');
  await kubectl('rollout', 'restart', 'deploy/web', '-n', NAMESPACE);
  await eventually('the restart is rolled out', async () => (await replicaSets(plane)).length === 2);
  const kept = await plane.get(DEPLOYMENT);
  claim('diff, apply, an edit and a restart: the digest stays', imageOf(kept) === `${registry.host}/shop/web@${first}`);
  const images = (await replicaSets(plane)).map(imageOf);
  claim('nothing runs anything else', new Set(images).size === 1);
  const behind = await tagpin('audit', '--registry', '--timeout', '5s');
  claim('the audit knows that the tag means something else by now', /\bbehind\b/.test(behind.stdout));

  step('A refresh, and only that, rolls it out: once');
  const refreshed = await tagpin('refresh', 'deploy/web', '-n', NAMESPACE);
  claim('it is pinned to what the tag means now', refreshed.code === 0);
  await eventually('the refresh is rolled out', async () => (await replicaSets(plane)).length === 3);
  const moved = await plane.get(DEPLOYMENT);
  claim('the new digest is stored', imageOf(moved) === `${registry.host}/shop/web@${second}`);
  claim('the request is consumed', !('tagpin.dev/refresh' in (moved.metadata.annotations ?? {})));

  step('An undo goes back to what ran, and stays');
  await kubectl('rollout', 'undo', 'deploy/web', '-n', NAMESPACE);
  await kubectl('apply', '-f', file);
  const undone = await plane.get(DEPLOYMENT);
  claim('applying the tag again does not undo the undo', imageOf(undone) === `${registry.host}/shop/web@${first}`);

  step('The audit');
  const audit = await tagpin('audit', '--fail-on', 'floating');
  claim('nothing floats', audit.code === 0);
  say('(Pods stay Pending here, so a rollout is never finished: the audit tells those of the last one.)');
  const revisions = await tagpin('audit', '--revisions');
  claim('it tells what ran before, and when', revisions.stdout.includes(second.slice(0, 19)));

  const swept = { plane, folder, host: registry.host, push: (image: string) => push(bench, image) };
  const sweep = await demonstrateSweeper(lifetime, swept);
  const changePolicy = async (more: string): Promise<void> => {
    const inForce = (): number => linesOf(webhook, 'policy in force').length;
    const before = inForce();
    const changed = configMap(registry.host);
    await plane.apply({ ...changed, data: { 'policy.yaml': changed.data['policy.yaml'] + more } });
    await eventually('the policy is in force', () => inForce() > before);
  };
  await demonstrateFollowing(lifetime, { ...swept, changePolicy, sweep });

  step('The webhook is down');
  await webhook.process.stop();
  const refused = await kubectl('set', 'image', 'deploy/web', '-n', NAMESPACE, `web=${image}`);
  claim('a workload that would be unpinned is refused', refused.code !== 0);
  const scaled = await kubectl('scale', 'deploy/web', '-n', NAMESPACE, '--replicas=3');
  claim('what runs goes on: it can be scaled', scaled.code === 0);
}

async function refuseBadPolicy(plane: InstalledPlane, host: string): Promise<void> {
  const bad = configMap(host);
  bad.data['policy.yaml'] = bad.data['policy.yaml'].replace('action: deny', 'action: forbid');
  const file = join(folder, 'bad-policy.yaml');
  writeFileSync(file, stringify(bad, { lineWidth: 0 }));
  showCommand(['kubectl', 'apply', '-f', 'bad-policy.yaml']);
  const { code, stderr } = await plane.kubectl(['apply', '-f', file]);
  // kubectl repeats the patch before it.
  say(stderr.slice(stderr.indexOf('admission webhook')));
  claim('a bad policy is refused when it is applied, with line and column', code !== 0 && /\b\d+:\d+\b/.test(stderr));
}

/** The API server takes a moment to see that a namespace was opted in. */
async function untilServed(plane: InstalledPlane, image: string): Promise<void> {
  await eventually('the API server asks the webhook', async () => {
    const args = ['create', '--dry-run=server', '-o', 'json', '-f', '-'];
    const { stdout } = await plane.kubectl(args, { input: JSON.stringify(deployment(image)) });
    return stdout.includes('@sha256:');
  });
}

async function replicaSets(plane: InstalledPlane): Promise<readonly ApiObject[]> {
  const { items } = await plane.get(`/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`);
  return items;
}

function push(bench: Workbench, image: string): Promise<string> {
  return bench.pushImage(image, randomBytes(16).toString('hex'));
}

function configMap(host: string) {
  const text = `apiVersion: tagpin.dev/v1
kind: TagPolicy
registries:
  freshFor: 0s
  hosts:
    - {host: "${host}", plainHttp: true}
sweep:
  git:
    signing: {secret: tagpin-signing, format: ssh}
rules:
  - name: no-latest-in-production
    match: {namespaceLabels: {env: production}, tags: [latest]}
    action: deny
`;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: { 'policy.yaml': text },
  };
}

function deployment(image: string) {
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image }] } };
  const spec = { replicas: 2, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: NAMESPACE }, spec };
}

function imageOf({ spec }: ApiObject): string {
  return spec.template.spec.containers[0].image;
}

function containersOf({ spec }: ApiObject): object {
  const containers = spec.template.spec.containers.map(({ name, image }: ApiObject) => ({ name, image }));
  return { containers };
}
