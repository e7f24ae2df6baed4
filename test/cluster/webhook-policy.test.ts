/** The policy's ConfigMap in a real control plane: applied, changed, bad, deleted, and met by a webhook that just starts. */
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONTROL_PLANE, skipWithout } from '../environment/programs.ts';
import {
  type ClusterWebhook,
  type InstalledPlane,
  linesOf,
  startClusterWebhook,
  startInstalledPlane,
} from '../support/cluster-webhook.ts';
import { eventually } from '../support/eventually.ts';
import type { FinishedProcess } from '../support/process.ts';

const skip = skipWithout(...CONTROL_PLANE);

const HEAD = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n';
const BAD = `${HEAD}rules:\n- name: a\n  acton: deny\n`;
const IN_SYSTEM = ['-n', 'tagpin-system'];
const JUDGE = 'validatingwebhookconfigurations/tagpin';

let plane: InstalledPlane;
const ends: (() => unknown)[] = [];
before(async () => {
  if (skip === false) plane = await startInstalledPlane({ after: (end) => ends.push(end) });
});
after(async () => {
  for (const end of ends.toReversed()) await end();
});

function applyText(text: string, key = 'policy.yaml'): Promise<FinishedProcess> {
  const metadata = { name: 'tagpin-policy', namespace: 'tagpin-system' };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { [key]: text } };
  return plane.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });
}

const rule = (name: string): string => `${HEAD}rules: [{name: ${name}, action: deny}]\n`;

async function accepted(): Promise<string | undefined> {
  const args = ['get', 'configmap', 'tagpin-policy-accepted', ...IN_SYSTEM, '--ignore-not-found', '-o', 'json'];
  const { stdout } = await plane.kubectl(args);
  return stdout === '' ? undefined : JSON.parse(stdout).data?.['policy.yaml'];
}

async function forget(name: string): Promise<void> {
  await plane.kubectl(['delete', 'configmap', name, ...IN_SYSTEM, '--ignore-not-found']);
}

/** Applies what the API server would refuse while it asks the webhook. */
async function applyUnjudged(text: string, key?: string): Promise<void> {
  const select = (labels: object): Promise<FinishedProcess> => {
    const patch = [{ op: 'replace', path: '/webhooks/0/objectSelector', value: { matchLabels: labels } }];
    return plane.kubectl(['patch', JUDGE, '--type=json', '-p', JSON.stringify(patch)]);
  };
  await select({ nobody: 'asks' });
  await eventually('nobody judges', async () => (await applyText(text, key)).code === 0);
  await select({});
}

const inForce = (webhook: ClusterWebhook): unknown => {
  const line = linesOf(webhook, 'policy in force').at(-1);
  return line === undefined ? null : [line['source'], line['rules']];
};

async function metric(webhook: ClusterWebhook, series: string): Promise<string> {
  const { body } = await webhook.page('/metrics');
  return (
    body
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length + 1) ?? ''
  );
}

test('without a ConfigMap the defaults hold; one that is applied holds within a second', { skip }, async (t) => {
  const webhook = await startClusterWebhook(t, plane);
  assert.deepEqual(inForce(webhook), ['defaults', 0]);
  assert.equal(await metric(webhook, 'tagpin_policy_source{source="defaults"}'), '1');
  assert.equal((await applyText(rule('one'))).code, 0);
  const applied = performance.now();
  await eventually('it is in force', () => linesOf(webhook, 'policy in force').length === 2);
  assert.ok(performance.now() - applied < 2000, 'a second, and one more for a busy machine');
  assert.deepEqual(inForce(webhook), ['configmap', 1]);
  await eventually('it is accepted', async () => (await accepted()) === rule('one'));
  assert.equal(await metric(webhook, 'tagpin_policy_source{source="defaults"}'), '0');
});

test('kubectl shows what of a valid one can never act', { skip }, async (t) => {
  await startClusterWebhook(t, plane);
  const told = await eventually('it is judged', async () => {
    const finished = await applyText(`${HEAD}rules: [{name: all, action: pin}, {name: never, action: deny}]\n`);
    if (finished.stderr.includes('Warning')) return finished;
    // What is unchanged is not sent.
    await applyText(rule('one'));
    return null;
  });
  assert.equal(told.code, 0);
  assert.match(
    told.stderr,
    /Warning: policy\.yaml:3:35: rules\[1\]: no image reaches it: rule "all" before it matches all/,
  );
});

test('kubectl apply of a bad one is refused with line and column, and nothing changes', { skip }, async (t) => {
  await applyText(rule('one'));
  const webhook = await startClusterWebhook(t, plane);
  const refused = await eventually('it is judged', async () => {
    const finished = await applyText(BAD);
    return finished.stderr.includes('policy.tagpin.dev') && finished;
  });
  assert.notEqual(refused.code, 0);
  assert.match(
    refused.stderr,
    /the policy is not valid: policy\.yaml:4:3: rules\[0\]\.action: .*policy\.yaml:5:3: rules\[0\]\.acton: /,
  );
  const replaced = await plane.kubectl([
    'patch',
    'configmap',
    'tagpin-policy',
    ...IN_SYSTEM,
    '-p',
    '{"data":{"policy.yaml":"x"}}',
  ]);
  assert.match(replaced.stderr, /the policy is not valid/);
  assert.deepEqual(linesOf(webhook, 'policy refused, the last good one stays in force'), []);
});

test('a bad one that got in all the same: the last good one stays, said in the log, a metric and one Event', {
  skip,
}, async (t) => {
  await applyText(rule('kept'));
  const webhook = await startClusterWebhook(t, plane);
  await applyUnjudged(BAD);
  const line = await webhook.line('policy refused, the last good one stays in force');
  assert.match(String(line['problems']), /policy\.yaml:5:3: /);
  assert.equal(await metric(webhook, 'tagpin_policy_valid'), '0');
  assert.equal((await webhook.page('/readyz')).status, 200);
  const args = ['get', 'events.events.k8s.io', ...IN_SYSTEM, '-o', 'json'];
  const events = await eventually('there is an Event', async () => {
    const { items } = JSON.parse((await plane.kubectl(args)).stdout);
    return items.length > 0 && items;
  });
  assert.equal(events.length, 1);
  const [{ type, reason, regarding, note }] = events;
  assert.deepEqual([type, reason, regarding.name], ['Warning', 'PolicyRefused', 'tagpin-policy']);
  assert.match(note, /policy\.yaml:5:3: /);
  assert.equal(await accepted(), rule('kept'));

  const later = await startClusterWebhook(t, plane, { port: 0 });
  assert.deepEqual(inForce(later), ['accepted', 1]);
  assert.equal((await applyText(rule('mended'))).code, 0);
  for (const each of [webhook, later]) {
    await eventually(
      'the mended one is in force',
      () => linesOf(each, 'policy in force').at(-1)?.['source'] === 'configmap',
    );
    assert.equal(await metric(each, 'tagpin_policy_valid'), '1');
  }
});

test('kubectl replace --force leaves no moment without it; deleted for good means the defaults', {
  skip,
}, async (t) => {
  await applyText(rule('one'));
  const webhook = await startClusterWebhook(t, plane);
  const metadata = { name: 'tagpin-policy', namespace: 'tagpin-system' };
  const next = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'policy.yaml': rule('two') } };
  const { code, stderr } = await plane.kubectl(['replace', '--force', '-f', '-'], { input: JSON.stringify(next) });
  assert.equal(code, 0, stderr);
  await eventually('the next one is accepted', async () => (await accepted()) === rule('two'));
  assert.deepEqual(
    linesOf(webhook, 'policy in force').map(({ source }) => source),
    ['configmap', 'configmap'],
  );
  await forget('tagpin-policy');
  await webhook.line('the policy was deleted: the defaults hold soon, unless it comes back');
  await eventually('the defaults hold', () => linesOf(webhook, 'policy in force').length === 3);
  assert.deepEqual(inForce(webhook), ['defaults', 0]);
});

test('a cold start with a bad one and nothing accepted: not ready, with the reason, until it is mended', {
  skip,
}, async (t) => {
  await applyUnjudgedWhileDown(rule('x'), 'policy.yml');
  const webhook = await startClusterWebhook(t, plane, { until: 'listening' });
  await webhook.line('policy refused, and none was accepted before it: not ready');
  await sleep(100);
  const { status, body } = await webhook.page('/readyz');
  assert.equal(status, 503);
  assert.match(body, /^policy: the ConfigMap of the policy is not valid, and no policy was accepted before it$/m);
  assert.equal((await webhook.page('/healthz')).status, 200);
  await plane.apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'cold', labels: { 'tagpin.dev/inject': 'enabled' } },
  });
  const pod = await plane.kubectl(['run', 'p', '-n', 'cold', '--image=nginx']);
  assert.deepEqual([pod.code, pod.stderr], [0, '']);
  // The API server was not told to try again: nobody who may go on without it waits for it.
  assert.equal(await metric(webhook, 'tagpin_reviews_total{decision="unready"}'), '1');
  const refused = await plane.kubectl(['create', 'deployment', 'd', '-n', 'cold', '--image=nginx']);
  assert.match(refused.stderr, /failed calling webhook "workloads\.tagpin\.dev"/);
  await applyText(rule('mended'));
  await webhook.ready();
});

/** The same, where no webhook runs; and nothing was accepted. */
async function applyUnjudgedWhileDown(text: string, key: string): Promise<void> {
  await forget('tagpin-policy');
  await forget('tagpin-policy-accepted');
  const { code, stderr } = await applyText(text, key);
  assert.equal(code, 0, stderr);
}
