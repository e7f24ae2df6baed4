/** How a webhook ends: not ready at once, and no request lost. */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:https';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deployment } from '../support/admission.ts';
import { reviewText } from '../support/https-client.ts';
import { startRegistry } from '../support/registry.ts';
import { admit, policyFor, startWebhook, type WebhookProcess, webhookFolder } from '../support/webhook-process.ts';

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
