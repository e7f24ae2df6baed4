import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReceiverType } from '../../src/core/receivers/receiver-type.ts';
import { eventually } from '../support/eventually.ts';
import * as payloads from '../support/receiver-payloads.ts';
import {
  RECEIVERS,
  type StartedReceivers,
  secretOf,
  signature,
  startTestReceivers,
} from '../support/receiver-server.ts';

type Options = Parameters<typeof startTestReceivers>[0];

async function start(t: TestContext, options?: Options): Promise<StartedReceivers> {
  const receivers = await startTestReceivers(options);
  t.after(() => receivers.close());
  return receivers;
}

const url = (type: ReceiverType): string => `?type=${type}&secret=${encodeURIComponent(secretOf(type))}`;
const bearer = (text: string): Record<string, string> => ({ authorization: text });

test('a body that was changed, cut off or signed with something else is not taken', async (t) => {
  const receivers = await start(t);
  const json = JSON.stringify(payloads.GITHUB);
  const good = signature(json, 'open ghcr.io');
  const sha1 = 'sha1=0123456789012345678901234567890123456789';
  for (const [body, shown] of [
    [json.replace('v2', 'v3'), good],
    [json.slice(0, -1), good],
    [`${json} `, good],
    [json, signature(json, 'open ghcr.ip')],
    [json, signature(json, '')],
    [json, good.slice(0, -1)],
    [json, good.toUpperCase()],
    [json, ''],
    [json, sha1],
  ] as const) {
    const answer = await receivers.post('?type=ghcr.io', body, { 'x-hub-signature-256': shown });
    assert.deepEqual([answer.status, answer.text], [401, 'unauthorized\n']);
  }
  const byUrl = await receivers.post(url('ghcr.io'), json);
  assert.equal(byUrl.status, 401, 'who can sign must sign');
  await sleep(60);
  assert.deepEqual(receivers.hints, []);
});

test('a stranger hears the same of a type that is configured, is not, has no Secret, or does not exist', async (t) => {
  const receivers = await start(t, {
    receivers: () => RECEIVERS.filter(({ type }) => type !== 'quay.io'),
  });
  receivers.secrets.delete('receiver-docker.io');
  receivers.secrets.set('receiver-acr', { secret: '' });
  receivers.secrets.set('receiver-ecr', { password: 'open ecr' });
  const heard = new Set<string>();
  for (const type of [...RECEIVERS.map((one) => one.type), 'nexus', '', '__proto__', 'constructor', 'harbor%00']) {
    for (const secret of ['', '&secret=', '&secret=wrong', '&secret=undefined', '&secret=null']) {
      const answer = await receivers.post(`?type=${type}${secret}`, '{"a": "not even', bearer(''));
      const headers = [...answer.headers].filter(([name]) => name !== 'date');
      heard.add(JSON.stringify([answer.status, answer.text, headers]));
    }
  }
  assert.equal(heard.size, 1, [...heard].join('\n'));
  assert.match([...heard].join(), /^\[401,/);
  assert.doesNotMatch(receivers.lines.join(''), /nexus|__proto__/, 'what strangers write is not logged');
  assert.ok(receivers.reads.length <= RECEIVERS.length, 'each Secret is read once');
});

test('a secret that begins right, ends right or is longer is wrong', async (t) => {
  const receivers = await start(t);
  for (const wrong of ['open', 'open harbor2', 'Open harbor', 'pen harbor', 'open\u0000harbor'.replace('\u0000', '')]) {
    assert.equal((await receivers.post('?type=harbor', payloads.HARBOR, bearer(wrong))).status, 401, wrong);
  }
  assert.equal(
    (await receivers.post(url('harbor'), payloads.HARBOR)).status,
    401,
    'not in the URL where a header can be had',
  );
  assert.equal(
    (await receivers.post('?type=harbor', payloads.HARBOR, bearer('open quay.io'))).status,
    401,
    "another type's",
  );
});

test('a body of more than 1 MiB is not read', async (t) => {
  const receivers = await start(t);
  const body = JSON.stringify({ ...payloads.HARBOR, more: 'x'.repeat(1024 * 1024) });
  const answer = await receivers.post('?type=harbor', body, bearer('open harbor'));
  assert.equal(answer.status, 413);
  assert.equal((await receivers.post('?type=ghcr.io', body)).status, 413);
  assert.equal((await receivers.post('?type=harbor', payloads.HARBOR, bearer('open harbor'))).status, 202);
});

test('a body that ends early is no push', async (t) => {
  const receivers = await start(t);
  const [host = '', port = ''] = receivers.address.split(':');
  const socket = connect({ host, port: Number(port) });
  const body = JSON.stringify(payloads.HARBOR);
  const head = `POST /webhook?type=harbor HTTP/1.1\r\nHost: x\r\nAuthorization: open harbor\r\nContent-Length: ${body.length + 50}\r\n\r\n`;
  socket.resume().end(`${head}${body}`);
  await once(socket, 'close');
  await eventually('the end', async () => /result="gone"\} 1/.test(await receivers.metrics()));
  assert.deepEqual(receivers.hints, []);
});

test('a replayed flood is one hint in a while, and too much of it is sent away', async (t) => {
  const receivers = await start(t, {
    limits: { perSecond: 0.001, burst: 150 },
    times: { debounce: 20, pause: 60_000 },
  });
  const send = (): Promise<{ status: number }> =>
    receivers.post('?type=harbor', payloads.HARBOR, bearer('open harbor'));
  await send();
  await eventually('the first', () => receivers.hints.length === 2);
  const answers = await Promise.all(Array.from({ length: 200 }, send));
  const taken = answers.filter(({ status }) => status === 202).length;
  assert.equal(taken, 149);
  assert.equal(answers.filter(({ status }) => status === 429).length, 200 - taken);
  await sleep(100);
  assert.equal(receivers.hints.length, 2, 'the same is not passed on again');
  assert.ok(receivers.reads.filter((name) => name === 'receiver-harbor').length === 1);
});

test('each source has its own limit where a proxy names it', async (t) => {
  const receivers = await start(t, { limits: { perSecond: 0.001, burst: 1 }, trustedProxies: 1 });
  const send = async (from: string): Promise<number> =>
    (await receivers.post('?type=harbor', payloads.HARBOR, { ...bearer('open harbor'), 'x-forwarded-for': from }))
      .status;
  assert.equal(await send('192.0.2.1'), 202);
  assert.equal(await send('192.0.2.1'), 429);
  assert.equal(await send('192.0.2.9, 192.0.2.1'), 429, 'only the last hop is believed');
  assert.equal(await send('2001:db8:1:2::1'), 202);
  assert.equal(await send('2001:db8:1:2:3::9'), 429, 'a network of IPv6 is one source');
  assert.equal(await send('2001:db8:1:3::1'), 202);
});

test('more hints than may wait are sent away, to come again', async (t) => {
  const receivers = await start(t, { times: { debounce: 60_000, pause: 60_000 } });
  const answers: number[] = [];
  for (let batch = 0; batch < 11; batch += 1) {
    const events = Array.from({ length: 100 }, (_, index) => ({
      action: 'push',
      target: { repository: `acme/shop${batch}-${index}`, tag: '1' },
      request: { host: 'hub.example' },
    }));
    answers.push((await receivers.post('?type=distribution', { events }, bearer('open distribution'))).status);
  }
  assert.deepEqual(answers, [...Array.from({ length: 10 }, () => 202), 429]);
});
