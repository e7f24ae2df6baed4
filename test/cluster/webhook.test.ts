/** `tagpin webhook` in a real control plane, with the rights that it ships with: start, restart of the API server, end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { after, before } from 'node:test';
import { connect } from 'node:tls';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import { deployment } from '../support/admission.ts';
import {
  type ClusterWebhook,
  type InstalledPlane,
  startClusterWebhook,
  startInstalledPlane,
} from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import type { FinishedProcess } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { policyFor } from '../support/webhook-process.ts';

const skip = skipWithout(...CONTROL_PLANE);
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';

let plane: InstalledPlane;
let registry: TestRegistry;
const ends: (() => unknown)[] = [];
before(async () => {
  if (skip !== false) return;
  registry = await startRegistry();
  ends.push(() => registry.close());
  plane = await startInstalledPlane({ after: (end) => ends.push(end) });
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

/** Creates a namespace that opted in. */
async function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
  const metadata = { name, labels: { 'tagpin.dev/inject': 'enabled', ...labels } };
  await plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata });
  return name;
}

async function applyPolicy(rules = ''): Promise<void> {
  await plane.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'tagpin-policy', namespace: 'tagpin-system' },
    data: { 'policy.yaml': policyFor(registry.host, rules) },
  });
}

/** Asks for a Deployment without storing it: what would be stored, or why not. */
function tryDeployment(where: string, image: string): Promise<FinishedProcess> {
  const object = deployment({ app: image }, { name: 'web', namespace: where });
  const labels = { app: 'web' };
  const { template, ...spec } = object['spec'] as { readonly template: object };
  const whole = {
    ...object,
    spec: { ...spec, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
  };
  const args = ['create', '--dry-run=server', '-f', '-', '-o', 'jsonpath={.spec.template.spec.containers[0].image}'];
  return plane.kubectl(args, { input: JSON.stringify(whole) });
}

/** Waits until such a Deployment is stored with this image. */
async function pins(where: string, image: string, wanted: string): Promise<void> {
  await eventually(`${image} in ${where} is ${wanted}`, async () => {
    const { stdout, stderr } = await tryDeployment(where, image);
    if (stdout !== wanted) throw new Error(`${stdout} ${stderr}`);
    return true;
  });
}

/** The names in the certificate that is served. */
async function servedNames(): Promise<string> {
  const socket = connect({ port: plane.port, host: '127.0.0.1', rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().subjectaltname ?? '';
  } finally {
    socket.destroy();
  }
}

async function gauge(webhook: ClusterWebhook, series: string): Promise<number | null> {
  const { body } = await webhook.page('/metrics');
  const line = body.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? null : Number(line.slice(series.length));
}

test('from nothing: it makes its certificate, is trusted, becomes ready, and Deployments are pinned', {
  skip,
}, async (t) => {
  const digest = registry.pushImage('app', '1');
  await applyPolicy();
  const where = await namespace('first');
  const webhook = await startClusterWebhook(t, plane);
  await pins(where, `${registry.host}/app:1`, `${registry.host}/app@${digest}`);
  for (const kind of ['mutating', 'validating']) {
    const { webhooks } = await plane.get(`${CONFIGURATIONS}/${kind}webhookconfigurations/tagpin`);
    for (const one of webhooks)
      assert.match(Buffer.from(one.clientConfig.caBundle, 'base64').toString(), /^-----BEGIN/);
  }
  for (const name of ['workloads', 'pods', 'policy']) {
    assert.equal(await gauge(webhook, `tagpin_webhook_registered{webhook="${name}.tagpin.dev"}`), 1);
  }
  assert.deepEqual((await servedNames()).split(', ').toSorted(), [
    'DNS:tagpin-webhook.tagpin-system',
    'DNS:tagpin-webhook.tagpin-system.svc',
    'DNS:tagpin-webhook.tagpin-system.svc.cluster.local',
    'IP Address:127.0.0.1',
  ]);
  const expiry = await gauge(webhook, 'tagpin_certificate_expiry_timestamp_seconds');
  assert.ok((expiry ?? 0) * 1000 > Date.now());
  assert.equal(await gauge(webhook, 'tagpin_policy_source{source="configmap"}'), 1);
});

test('rules see the labels of a namespace: of one that is new, and of one whose labels have changed', {
  skip,
}, async (t) => {
  registry.pushImage('labels', '1');
  const image = `${registry.host}/labels:1`;
  await applyPolicy('rules:\n- {name: closed, match: {namespaceLabels: {env: production}}, action: deny}\n');
  await startClusterWebhook(t, plane);
  const open = await namespace('open');
  const closed = await namespace('closed', { env: 'production' });
  assert.match((await tryDeployment(closed, image)).stderr, /denied the request: .*closed/);
  assert.equal((await tryDeployment(open, image)).code, 0);
  await plane.kubectl(['label', 'namespace', open, 'env=production']);
  await eventually('the label counts', async () => (await tryDeployment(open, image)).code !== 0);
});

test('an API server that restarts finds it ready, and what changed meanwhile is seen', { skip }, async (t) => {
  const digest = registry.pushImage('restart', '1');
  const image = `${registry.host}/restart:1`;
  await applyPolicy();
  const where = await namespace('restart');
  const webhook = await startClusterWebhook(t, plane);
  await pins(where, image, `${registry.host}/restart@${digest}`);
  const states: number[] = [];
  const restarted = plane.restartApiServer();
  const over = restarted.then(() => true);
  while (!(await Promise.race([over, webhook.page('/readyz').then(({ status }) => void states.push(status))])));
  assert.deepEqual([...new Set(states)], [200]);
  await pins(where, image, `${registry.host}/restart@${digest}`);
  await applyPolicy('rules: [{name: shut, action: deny}]\n');
  await eventually('the policy is in force', async () => (await tryDeployment(where, image)).code !== 0);
  await applyPolicy();
});

test('SIGTERM: it answers until the drain is over, and the next one goes on with the same certificates', {
  skip,
}, async (t) => {
  const digest = registry.pushImage('drain', '1');
  await applyPolicy();
  const where = await namespace('drain');
  const webhook = await startClusterWebhook(t, plane, { args: ['--drain=3s'] });
  await pins(where, `${registry.host}/drain:1`, `${registry.host}/drain@${digest}`);
  webhook.process.signal('SIGTERM');
  await webhook.line('shutting down');
  assert.deepEqual(await webhook.page('/readyz'), { status: 503, body: 'shutdown: under way\n' });
  const { stdout, stderr } = await tryDeployment(where, `${registry.host}/drain:1`);
  assert.equal(stdout, `${registry.host}/drain@${digest}`, stderr);
  const { code, stdout: log } = await webhook.process.finished;
  assert.equal(code, 0);
  assert.match(log, /"msg":"stopped"\}\n$/);
  await startClusterWebhook(t, plane);
  await pins(where, `${registry.host}/drain:1`, `${registry.host}/drain@${digest}`);
});
