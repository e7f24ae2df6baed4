/** `tagpin webhook --standalone` as a process, against a registry on loopback. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployment } from '../support/admission.ts';
import { issueTestClient, issueTestServing } from '../support/certificate.ts';
import { connectRaw, httpsClient, reviewText } from '../support/https-client.ts';
import { startRegistry } from '../support/registry.ts';
import { newKey, publicPem } from '../support/signed-image.ts';
import { pushLegacy } from '../support/sigstore/push.ts';
import { signLegacy, simpleSigning } from '../support/sigstore/signatures.ts';
import {
  type Answered,
  admit,
  policyFor,
  startWebhook,
  type WebhookProcess,
  webhookFolder,
} from '../support/webhook-process.ts';

async function metric(webhook: WebhookProcess, name: string): Promise<number> {
  const { body } = await webhook.page('/metrics');
  const line = body.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await condition()) return;
    await sleep(20);
  }
  assert.fail('it never came');
}

test('a Deployment is pinned; the decision is logged, counted, and a dry run leaves no line', async (context) => {
  const registry = await startRegistry();
  context.after(() => registry.close());
  const digest = registry.pushImage('app', '1');
  const folder = await webhookFolder(context, { policy: policyFor(registry.host) });
  const webhook = await startWebhook(context, folder);
  assert.deepEqual(await webhook.page('/readyz'), { status: 200, body: 'ok\n' });
  assert.deepEqual(await webhook.page('/healthz'), { status: 200, body: 'ok\n' });

  const object = deployment({ app: `${registry.host}/app:1` });
  const { allowed, patch = '' } = await admit(webhook, object, { dryRun: true });
  assert.equal(allowed, true);
  assert.match(atob(patch), new RegExp(`"value":"${registry.host}/app@${digest}"`));
  assert.equal((await admit(webhook, object)).patch, patch);

  const { time, ms, ...line } = await webhook.line('admission');
  assert.match(String(time), /^\d{4}-/);
  assert.ok(typeof ms === 'number' && ms > 0);
  assert.deepEqual(line, {
    level: 'info',
    msg: 'admission',
    uid: 'u-1',
    user: 'alice',
    operation: 'CREATE',
    namespace: 'shop',
    kind: 'Deployment',
    name: 'web',
    decision: 'patched',
    images: [
      {
        container: 'containers/app',
        ref: `${registry.host}/app:1`,
        digest,
        outcome: 'pinned',
        source: 'cache',
        rule: null,
      },
    ],
    caller: 'claimed',
  });
  assert.equal(webhook.lines().filter((each) => each['msg'] === 'admission').length, 1);

  assert.equal(await metric(webhook, 'tagpin_reviews_total{decision="patched"}'), 2);
  assert.equal(await metric(webhook, 'tagpin_review_duration_seconds_count'), 2);
  assert.equal(await metric(webhook, 'tagpin_images_total{outcome="pinned"}'), 1);
  assert.equal(await metric(webhook, `tagpin_registry_requests_total{host="${registry.host}",code="200"}`), 1);
  assert.equal(await metric(webhook, `tagpin_registry_request_duration_seconds_count{host="${registry.host}"}`), 1);
  assert.equal(await metric(webhook, 'tagpin_cache_lookups_total{result="miss"}'), 1);
  assert.equal(await metric(webhook, 'tagpin_cache_lookups_total{result="hit"}'), 1);
  assert.equal(await metric(webhook, 'tagpin_policy_valid'), 1);
  const expiry = (await metric(webhook, 'tagpin_certificate_expiry_timestamp_seconds')) - Date.now() / 1000;
  assert.ok(expiry > 23 * 3600 && expiry < 25 * 3600);
  assert.ok((await metric(webhook, 'process_resident_memory_bytes')) > 1e7);
});

test('signatures are verified without a cluster too, but for trust roots that only a cluster has', async (context) => {
  const registry = await startRegistry();
  context.after(() => registry.close());
  const key = newKey();
  const entry = (more: string): string =>
    policyFor(registry.host, `verify:\n  - {name: ours, images: ["${registry.host}/**"], ${more}}\n`);
  const byKey = entry(`keys: [${JSON.stringify(publicPem(key))}], transparencyLog: optional`);
  const folder = await webhookFolder(context, { policy: byKey });
  const webhook = await startWebhook(context, folder);
  const digest = registry.pushImage('app', 'signed');
  registry.pushImage('app', 'unsigned');
  const signature = signLegacy(simpleSigning(digest), { privateKey: key });
  await pushLegacy({ host: registry.host, repository: 'app' }, digest, [signature]);
  const ask = async (tag: string) => await admit(webhook, deployment({ app: `${registry.host}/app:${tag}` }));
  assert.equal((await ask('signed')).allowed, true);
  assert.equal((await ask('unsigned')).allowed, false);
  assert.equal(await metric(webhook, 'tagpin_verifications_total{result="verified"}'), 1);

  await folder.write('policy.yaml', entry('identities: [{issuer: a, subject: b}], trustRoot: {configMap: a, key: b}'));
  const { problems } = await webhook.line('policy refused, the last good one stays in force');
  assert.match(String(problems), /"ours" has its trust root in the ConfigMap a, which only a cluster has/);
  assert.equal((await ask('signed')).allowed, true);
});

test('a changed policy holds within a second, and of a bad one the last good stays', async (context) => {
  const folder = await webhookFolder(context, { policy: policyFor('127.0.0.1:1') });
  const webhook = await startWebhook(context, folder);
  const object = deployment({ app: '127.0.0.1:1/app:latest' });
  const deny = 'rules:\n  - {name: no-latest, match: {tags: [latest]}, action: deny, message: Use a release tag.}\n';
  const denied = async () => !(await admit(webhook, object)).allowed;
  assert.equal(await denied(), false);

  await folder.write('policy.yaml', policyFor('127.0.0.1:1', deny));
  const changed = performance.now();
  await until(denied);
  assert.ok(performance.now() - changed < 1000);

  await folder.write('policy.yaml', 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\nrule: []\n');
  const { problems, level } = await webhook.line('policy refused, the last good one stays in force');
  assert.equal(level, 'error');
  assert.match(String(problems), /^policy\.yaml:3:1: rule: /);
  assert.equal(await metric(webhook, 'tagpin_policy_valid'), 0);
  assert.equal((await webhook.page('/readyz')).status, 200);
  assert.equal(await denied(), true);

  await folder.write('policy.yaml', policyFor('127.0.0.1:1'));
  await until(async () => !(await denied()));
  assert.equal(await metric(webhook, 'tagpin_policy_valid'), 1);
});

test('credentials of a Secret are ignored with a warning', async (context) => {
  const folder = await webhookFolder(context, {
    policy:
      'apiVersion: tagpin.dev/v1\nkind: TagPolicy\nregistries:\n  hosts:\n  - {host: "a.io", credentials: {secret: s}}\n',
  });
  const webhook = await startWebhook(context, folder);
  const { hosts } = await webhook.line(
    'credentials.secret is ignored without a cluster, the Docker configuration is asked',
  );
  assert.deepEqual(hosts, ['a.io']);
});

test('the policy is judged where it is applied', async (context) => {
  const webhook = await startWebhook(context, await webhookFolder(context));
  const ask = async (text: string) => {
    const { status, text: answer } = await webhook.client.send({
      path: '/validate-policy?timeout=10s',
      body: reviewText('u', {
        kind: { group: '', version: 'v1', kind: 'ConfigMap' },
        namespace: 'tagpin-system',
        name: 'tagpin-policy',
        operation: 'CREATE',
        object: { data: { 'policy.yaml': text } },
      }),
    });
    assert.equal(status, 200);
    return (JSON.parse(answer) as { response: Answered }).response;
  };
  assert.equal((await ask('apiVersion: tagpin.dev/v1\nkind: TagPolicy\n')).allowed, true);
  assert.match((await ask('kind: TagPolicy\nrules: 7\n')).status?.message ?? '', /policy\.yaml:2:\d+: rules: /);
});

test('a new certificate is served without a restart, a bad pair is not', async (context) => {
  const folder = await webhookFolder(context);
  const webhook = await startWebhook(context, folder);
  const ca = folder.certificates.authority.certificate;
  const served = async () => {
    const { socket } = await connectRaw(webhook.address, ca);
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN;
  };
  const next = await issueTestServing(folder.certificates.authority, 'renewed', 2 * 3600_000);
  await folder.write('tls.crt', next.certificate);
  await webhook.line('certificate refused, the last good one stays');
  assert.equal(await served(), 'tagpin test');
  assert.equal(await metric(webhook, 'tagpin_certificate_loads_total{result="failed"}'), 1);
  await folder.write('tls.key', next.key);
  await webhook.line('certificate renewed');
  assert.equal(await served(), 'renewed');
  const expiry = (await metric(webhook, 'tagpin_certificate_expiry_timestamp_seconds')) - Date.now() / 1000;
  assert.ok(expiry < 2 * 3600);
});

test('a flag beats its variable, which beats the default', async (context) => {
  const folder = await webhookFolder(context);
  const environment = {
    ...folder.environment,
    TAGPIN_LOG_LEVEL: 'error',
    TAGPIN_DRAIN: '0s',
    TAGPIN_LISTEN: '[::1]:0',
  };
  const webhook = await startWebhook(context, { ...folder, environment }, ['--log-level', 'info']);
  assert.match(webhook.address, /^127\.0\.0\.1:/);
  webhook.process.signal('SIGTERM');
  const { drainSeconds } = await webhook.line('shutting down');
  assert.equal(drainSeconds, 0);
});

test('with --client-ca only its clients are answered, and the audit line says so', async (context) => {
  const folder = await webhookFolder(context);
  const webhook = await startWebhook(context, folder, ['--drain', '0s', '--client-ca', 'ca.crt']);
  const { authority } = folder.certificates;
  await assert.rejects(admit(webhook, deployment({})));
  const client = httpsClient(webhook.address, authority.certificate, issueTestClient(authority));
  context.after(() => client.close());
  await admit({ ...webhook, client }, deployment({}));
  assert.equal((await webhook.line('admission'))['caller'], 'verified');
});
