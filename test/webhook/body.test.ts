/** Bodies that are larger than any review that a webhook can judge, over a real connection. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdmissionReview } from '../../src/core/admission/response.ts';
import { LARGEST_BODY } from '../../src/webhook/body.ts';
import { startTestServer } from '../support/admission-server.ts';
import { connectRaw, reviewText } from '../support/https-client.ts';

test('a body of 8 MiB is read, and one byte more is 413 over the same connection', async (context) => {
  const { client } = await startTestServer(context);
  const largest = reviewText('u').padEnd(LARGEST_BODY);
  const read = await client.send({ path: '/mutate', body: largest });
  assert.equal(read.status, 200);
  const refused = await client.send({ path: '/mutate', body: `${largest} ` });
  assert.deepEqual([refused.status, refused.headers['content-type']], [413, 'text/plain; charset=utf-8']);
  const next = await client.send({ path: '/mutate', body: reviewText('u') });
  assert.equal(next.status, 200);
});

test('a review that is too large is refused under its uid: any other answer would let a Pod in', async (context) => {
  const { client, server, certificates, reports } = await startTestServer(context);
  const large = '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","object":"'.padEnd(
    LARGEST_BODY + 1,
    'x',
  );
  const refused = { code: 413, reason: 'RequestEntityTooLarge' };
  const answer = await client.send({ path: '/mutate', body: large });
  const { status, ...response } = (JSON.parse(answer.text) as AdmissionReview).response;
  assert.deepEqual([answer.status, response], [200, { uid: 'u-1', allowed: false }]);
  assert.deepEqual({ ...status, message: '' }, { ...refused, message: '' });
  const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
  socket.write(`POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n`);
  socket.write(large.slice(0, 20));
  await sleep(20);
  socket.write(large.slice(20, 1000));
  while (reports.length < 2) await sleep(5);
  await sleep(20);
  socket.destroy();
  assert.match(await received, /"uid":"u-1","allowed":false/);
  assert.deepEqual(
    reports.map(({ outcome }) => outcome),
    ['invalid', 'invalid'],
  );
});

test('a body that does not say how long it is, and does not end, is 413', async (context) => {
  const { server, certificates } = await startTestServer(context);
  const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
  socket.write(
    'POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  for (let sent = 0; !socket.destroyed && sent < 200; sent += 1) {
    socket.write(chunk);
    await sleep(1);
  }
  assert.match(await received, /^HTTP\/1\.1 413 /);
});
