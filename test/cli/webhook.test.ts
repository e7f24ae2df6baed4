/** `tagpin webhook --standalone` as a process, against a registry on loopback. */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployment, type Manifest } from '../support/admission.ts';
import { issueTestClient, issueTestServing } from '../support/certificate.ts';
import { connectRaw, httpsClient, reviewText } from '../support/https-client.ts';
import { startRegistry } from '../support/registry.ts';
import { policyFor, startWebhook, type WebhookProcess, webhookFolder } from '../support/webhook-process.ts';

interface Answered {
  readonly allowed: boolean;
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly status?: { readonly code: number; readonly message: string };
}

async function admit(webhook: WebhookProcess, object: Manifest, more: Manifest = {}): Promise<Answered> {
  const body = reviewText('u-1', { operation: 'CREATE', userInfo: { username: 'alice' }, object, ...more });
  const { status, text } = await webhook.client.send({ path: '/mutate?timeout=10s', body });
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { response: Answered }).response;
}

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

test('SIGTERM: not ready at once, answers until the drain is over, exit code 0, and nothing unwritten', async (context) => {
  const registry = await startRegistry();
  context.after(() => registry.close());
  registry.pushImage('app', '1');
  const folder = await webhookFolder(context, { policy: policyFor(registry.host) });
  const webhook = await startWebhook(context, folder, ['--drain', '1s']);
  webhook.process.signal('SIGTERM');
  await webhook.line('shutting down');
  assert.deepEqual(await webhook.page('/readyz'), { status: 503, body: 'shutdown: under way\n' });
  assert.equal((await webhook.page('/healthz')).status, 200);
  const { allowed } = await admit(webhook, deployment({ app: `${registry.host}/app:1` }));
  assert.equal(allowed, true);
  const { code, stdout, stderr } = await webhook.process.finished;
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.match(/"msg":"admission"/g)?.length, 1);
  assert.match(stdout, /"msg":"stopped"\}\n$/);
});

test('SIGINT, and a second signal, do not wait for the drain', async (context) => {
  const folder = await webhookFolder(context);
  const interrupted = await startWebhook(context, folder, ['--drain', '10m']);
  interrupted.process.signal('SIGINT');
  assert.equal((await interrupted.process.finished).code, 0);
  const forced = await startWebhook(context, folder, ['--drain', '10m']);
  forced.process.signal('SIGTERM');
  await forced.line('shutting down');
  await sleep(600);
  forced.process.signal('SIGTERM');
  assert.equal((await forced.process.finished).code, 0);
});

test('a rolling restart under load loses no request', async (context) => {
  const folder = await webhookFolder(context);
  const first = await startWebhook(context, folder, ['--drain', '1500ms']);
  const pods = [first];
  let ready: readonly WebhookProcess[] = pods;
  const over = new AbortController();
  // As a Service's endpoints: pods whose readiness holds, as known a moment ago.
  const endpoints = (async () => {
    while (!over.signal.aborted) {
      const states = await Promise.all(
        pods.map((pod) =>
          pod.page('/readyz').then(
            ({ status }) => status === 200,
            () => false,
          ),
        ),
      );
      await sleep(200);
      ready = pods.filter((_pod, index) => states[index]);
    }
  })();
  const agent = new Agent({ keepAlive: true, ca: folder.certificates.authority.certificate });
  context.after(() => agent.destroy());
  const answered = new Map<string, number>();
  const failures: unknown[] = [];
  const load = Array.from({ length: 8 }, async () => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      const pod = ready[turn % ready.length];
      if (pod === undefined) {
        failures.push('no pod was ready');
        break;
      }
      try {
        const status = await statusOf(pod.address, agent);
        if (status !== 200) failures.push(status);
        answered.set(pod.address, (answered.get(pod.address) ?? 0) + 1);
      } catch (error) {
        failures.push(error);
      }
    }
  });
  await sleep(300);
  const second = await startWebhook(context, folder);
  pods.push(second);
  await sleep(600);
  first.process.signal('SIGTERM');
  assert.equal((await first.process.finished).code, 0);
  await sleep(300);
  over.abort();
  await Promise.all([...load, endpoints]);
  assert.deepEqual(failures, []);
  for (const { address } of pods) assert.ok((answered.get(address) ?? 0) > 10, `${address} was not asked`);
});

function statusOf(address: string, agent: Agent): Promise<number> {
  const body = reviewText('u', { operation: 'CREATE', object: deployment({}) });
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
    const sent = request(`https://${address}/mutate`, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject).end(body);
  });
}

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

test('no secret reaches the log, the metrics or an answer', async (context) => {
  const canary = 'c4n4ry-7f3a';
  const registry = await startRegistry({ auth: 'token', passwords: { robot: `good-${canary}` } });
  context.after(() => registry.close());
  registry.pushImage('app', '1');
  registry.fault({ kind: 'reset', after: 'request' }, { path: /reset/ });
  const auth = (password: string) => ({ auth: Buffer.from(`robot:${password}`).toString('base64') });
  const folder = await webhookFolder(context, {
    policy: policyFor(registry.host),
    docker: {
      auths: {
        [registry.host]: auth(`good-${canary}`),
        [`${registry.host}/refused`]: auth(`bad-${canary}`),
        'broken.invalid': { auth: canary },
      },
    },
  });
  const webhook = await startWebhook(context, folder, ['--drain', '0s', '--log-level', 'debug']);
  const answers: string[] = [];
  const images = [
    `${registry.host}/app:1`,
    `${registry.host}/refused/app:1`,
    `${registry.host}/reset/app:1`,
    `https://robot:${canary}@${registry.host}/app:1`,
    `robot:${canary}@${registry.host}/app:1`,
  ];
  for (const image of images) {
    const body = reviewText('u', { operation: 'CREATE', object: deployment({ app: image }) });
    const headers = { authorization: `Bearer ${canary}`, 'content-type': 'application/json', cookie: canary };
    const { text } = await webhook.client.send({ path: `/mutate?timeout=2s&token=${canary}`, body, headers });
    answers.push(text, atob((JSON.parse(text) as { response: Answered }).response.patch ?? ''));
  }
  await webhook.client.send({ path: `/x?token=${canary}`, headers: { authorization: `Basic ${canary}` } });
  assert.ok(
    registry.requests.some(({ authorization }) => authorization !== null),
    'credentials were used',
  );
  answers.push((await webhook.page('/metrics')).body);
  webhook.process.signal('SIGTERM');
  const { stdout, stderr } = await webhook.process.finished;
  assert.equal(stdout.match(/"msg":"admission"/g)?.length, images.length);
  for (const text of [stdout, stderr]) {
    assert.doesNotMatch(text, new RegExp(canary));
    assert.doesNotMatch(text, new RegExp(Buffer.from(`robot:good-${canary}`).toString('base64')));
    assert.doesNotMatch(text, /-----BEGIN|Bearer ey/);
  }
  // Its author may read his own text again, but nobody's credentials.
  for (const text of answers) assert.doesNotMatch(text, new RegExp(`(?:good|bad)-${canary}`));
});

test('hostile reviews get answers, and the process stays up', async (context) => {
  const policy = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\nregistries: {allow: ["127.0.0.1:1"]}\n';
  const webhook = await startWebhook(context, await webhookFolder(context, { policy }));
  const deep = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","object":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`;
  const many = deployment(
    Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`c${index}`, `a.invalid/b:${index}`])),
  );
  const polluted =
    '{"metadata":{"name":"a","annotations":{"__proto__":"x"}},"spec":{"template":{"spec":{"containers":[{"name":"__proto__","image":"constructor"}]}}}}';
  const bodies = [
    deep,
    reviewText('u', { operation: 'CREATE', object: many }),
    reviewText('u', { operation: 'CREATE', object: JSON.parse(polluted) as unknown }),
    reviewText('u', { operation: 'CREATE', object: deployment({ app: '169.254.169.254/latest:meta-data' }) }),
    reviewText('u'.repeat(1_000_000), { operation: 7, object: { spec: { template: { spec: { containers: 'x' } } } } }),
  ];
  for (const body of bodies) {
    const { status, text } = await webhook.client.send({ path: '/mutate?timeout=3s', body });
    assert.equal(status, 200, text.slice(0, 300));
    assert.equal((JSON.parse(text) as { kind: string }).kind, 'AdmissionReview');
  }
  assert.equal((await webhook.page('/readyz')).status, 200);
  assert.ok(
    webhook.process
      .output()
      .split('\n')
      .every((line) => line.length < 200_000),
    'lines are bounded',
  );
  assert.deepEqual(
    webhook.lines().filter((line) => line['level'] === 'error'),
    [],
  );
});
