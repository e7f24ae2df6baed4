/** What a webhook keeps to itself, and what it survives. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { deployment } from '../support/admission.ts';
import { reviewText } from '../support/https-client.ts';
import { startRegistry } from '../support/registry.ts';
import { type Answered, policyFor, startWebhook, webhookFolder } from '../support/webhook-process.ts';

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
