import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { ReceiverType } from '../../src/core/receivers/receiver-type.ts';
import { eventually } from '../support/eventually.ts';
import * as payloads from '../support/receiver-payloads.ts';
import { type StartedReceivers, secretOf, signature, startTestReceivers } from '../support/receiver-server.ts';

type Options = Parameters<typeof startTestReceivers>[0];

async function start(t: TestContext, options?: Options): Promise<StartedReceivers> {
  const receivers = await startTestReceivers(options);
  t.after(() => receivers.close());
  return receivers;
}

const url = (type: ReceiverType): string => `?type=${type}&secret=${encodeURIComponent(secretOf(type))}`;
const bearer = (text: string): Record<string, string> => ({ authorization: text });

/** Each sender as it is set up: what it sends, and what comes of it first. */
const SENDERS: readonly (readonly [ReceiverType, string, unknown, Record<string, string>, string])[] = [
  ['docker.io', url('docker.io'), payloads.DOCKER_HUB, {}, 'docker.io/acme/shop:1.4.2'],
  ['quay.io', url('quay.io'), payloads.QUAY, {}, 'quay.io/acme/shop:latest'],
  ['aliyun-acr', url('aliyun-acr'), payloads.ALIYUN, {}, 'registry.cn-hangzhou.aliyuncs.com/acme/shop:1.4.2'],
  ['harbor', '?type=harbor', payloads.HARBOR, bearer('open harbor'), 'hub.example.com/acme/shop:1.4.2'],
  ['acr', '?type=acr', payloads.AZURE, bearer('open acr'), 'acme.azurecr.io/shop:1.4.2'],
  ['acr', url('acr'), payloads.EVENT_GRID, {}, 'acme.azurecr.io/shop:1.4.2'],
  ['cloudevents', url('cloudevents'), payloads.HARBOR_CLOUD_EVENT, {}, 'hub.example.com/acme/shop:1.4.2'],
  [
    'cloudevents',
    '?type=cloudevents',
    payloads.HARBOR_CLOUD_EVENT,
    { 'x-webhook-secret': 'open cloudevents', 'content-type': 'application/cloudevents+json' },
    'hub.example.com/acme/shop:1.4.2',
  ],
  [
    'ecr',
    '?type=ecr',
    payloads.ECR,
    bearer(`Basic ${Buffer.from('tagpin:open ecr').toString('base64')}`),
    '123456789012.dkr.ecr.eu-central-1.amazonaws.com/acme/shop:1.4.2',
  ],
  [
    'distribution',
    '?type=distribution',
    payloads.DISTRIBUTION,
    { ...bearer('Bearer open distribution'), 'content-type': 'application/vnd.docker.distribution.events.v2+json' },
    'registry.example.com:5000/acme/shop:1.4.2',
  ],
  [
    'gitlab',
    '?type=gitlab',
    payloads.GITLAB_PIPELINE,
    { 'x-gitlab-token': 'open gitlab' },
    'registry.gitlab.com/acme/team/shop:/',
  ],
];

for (const [type, query, body, headers, first] of SENDERS) {
  test(`a push of ${type} by ${query.includes('secret') ? 'URL' : Object.keys(headers)[0]} becomes a hint`, async (t) => {
    const receivers = await start(t);
    const answer = await receivers.post(query, body, headers);
    assert.deepEqual([answer.status, answer.text], [202, 'accepted\n']);
    await eventually('the hint', () => receivers.hints.length > 0);
    assert.equal(receivers.hints[0], first);
    assert.doesNotMatch(receivers.lines.join(''), /open /, 'no secret is in the log');
  });
}

test('a signed push of GitHub becomes a hint, as JSON and as a form', async (t) => {
  const receivers = await start(t);
  const json = JSON.stringify(payloads.GITHUB);
  const headers = (body: string) => ({
    'x-hub-signature-256': signature(body, 'open ghcr.io'),
    'x-github-event': 'registry_package',
  });
  assert.equal((await receivers.post('?type=ghcr.io', json, headers(json))).status, 202);
  await eventually('the hint', () => receivers.hints.length === 1);
  const form = new URLSearchParams({ payload: json }).toString();
  const sent = { ...headers(form), 'content-type': 'application/x-www-form-urlencoded' };
  assert.equal((await receivers.post('', form, { ...sent, 'x-registry-type': 'ghcr.io' })).status, 202);
  const ping = JSON.stringify({ zen: 'Keep it logically awesome.', hook_id: 1 });
  assert.equal(
    (await receivers.post('?type=ghcr.io', ping, { ...headers(ping), 'x-github-event': 'ping' })).status,
    202,
  );
  assert.deepEqual(receivers.hints, ['ghcr.io/acme/shop/web:v2']);
});

test('two receivers of a type each know their sender, and the secret before is good too', async (t) => {
  const receivers = await start(t, {
    receivers: () => [
      { type: 'harbor', secret: 'one' },
      { type: 'harbor', secret: 'two' },
    ],
  });
  receivers.secrets.set('one', { 'webhook.harbor-secret': 'first' });
  receivers.secrets.set('two', { secret: 'new\n', previous: 'old', registry: 'hub.internal' });
  for (const [shown, status] of [
    ['first', 202],
    ['new', 202],
    ['old', 202],
    ['third', 401],
  ] as const) {
    assert.equal((await receivers.post('?type=harbor', payloads.HARBOR, bearer(shown))).status, status, shown);
  }
  await eventually('hints under both names', () => receivers.hints.length === 4);
  assert.ok(receivers.hints.includes('hub.internal/acme/shop:1.4.2'));
});

test("the registry's name may stand in the URL, as Image Updater has it", async (t) => {
  const receivers = await start(t);
  const query = `${url('aliyun-acr')}&registry_url=acme-registry.cn-shanghai.cr.aliyuncs.com`;
  assert.equal((await receivers.post(query, payloads.ALIYUN)).status, 202);
  await eventually('the hint', () => receivers.hints.length === 1);
  assert.deepEqual(receivers.hints, ['acme-registry.cn-shanghai.cr.aliyuncs.com/acme/shop:1.4.2']);
});

test('a known sender hears what is wrong with what it sends', async (t) => {
  const receivers = await start(t);
  for (const body of ['', '{', 'null', '[]', '{"__proto__":{"type":"PUSH_ARTIFACT"}}', '['.repeat(200_000), '\u00ff']) {
    const answer = await receivers.post('?type=harbor', body, bearer('open harbor'));
    assert.equal(answer.status, 400, body.slice(0, 40));
  }
  const other = await receivers.post('?type=harbor', payloads.QUAY, bearer('open harbor'));
  assert.deepEqual([other.status, other.text], [400, 'this is not what harbor sends: it has no type\n']);
  const compressed = await receivers.post('?type=harbor', 'x', {
    ...bearer('open harbor'),
    'content-encoding': 'gzip',
  });
  assert.equal(compressed.status, 415);
  assert.deepEqual(receivers.hints, []);
  assert.equal(Object.hasOwn(Object.prototype, 'type'), false);
});

test('handshakes are answered, to those who are known', async (t) => {
  const receivers = await start(t);
  const validated = await receivers.post(url('acr'), payloads.EVENT_GRID_VALIDATION, {
    'aeg-event-type': 'SubscriptionValidation',
  });
  assert.deepEqual(
    [validated.status, validated.text],
    [200, '{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}'],
  );
  assert.equal((await receivers.post('?type=acr', payloads.EVENT_GRID_VALIDATION)).status, 401);
  assert.equal((await receivers.post(url('acr'), { id: '1', action: 'ping' })).status, 202);

  const ask = (query: string): Promise<Response> =>
    fetch(`http://${receivers.address}/webhook${query}`, {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'eventgrid.azure.net' },
    });
  const allowed = await ask(url('acr'));
  assert.deepEqual([allowed.status, allowed.headers.get('webhook-allowed-origin')], [200, 'eventgrid.azure.net']);
  const refused = await ask('?type=acr');
  assert.deepEqual([refused.status, refused.headers.get('webhook-allowed-origin')], [401, null]);
});

test('only POST /webhook and GET /healthz are served', async (t) => {
  const { address } = await start(t);
  const statusOf = async (path: string, method = 'GET') => (await fetch(`http://${address}${path}`, { method })).status;
  assert.equal(await statusOf('/healthz'), 200);
  assert.equal(await statusOf('/webhook?type=harbor'), 405);
  assert.equal(await statusOf('/webhook', 'PUT'), 405);
  for (const path of ['/', '/metrics', '/webhook/', '/Webhook', '/webhook/x', '/%2e%2e/etc/passwd']) {
    assert.equal(await statusOf(path, 'POST'), 404, path);
  }
});

test('a Secret that can not be read is none, until it can', async (t) => {
  const receivers = await start(t, { readSecret: () => Promise.reject(new Error('the API server is away')) });
  assert.equal((await receivers.post('?type=harbor', payloads.HARBOR, bearer('open harbor'))).status, 401);
  assert.match(receivers.lines.join(''), /the Secret of a receiver can not be used/);
});
