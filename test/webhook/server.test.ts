/** Connections: how long they last, whose they are, and how they end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { CONNECTION_TIMES, startServer } from '../../src/webhook/server.ts';
import { allow, startTestServer } from '../support/admission-server.ts';
import { issueTestCertificates, issueTestClient, issueTestServing } from '../support/certificate.ts';
import { connectRaw, httpsClient, reviewText } from '../support/https-client.ts';
import { startProcess } from '../support/process.ts';
import { STANDALONE, webhookFolder } from '../support/webhook-process.ts';

const REQUEST = { path: '/mutate', body: reviewText('u') } as const;
const never = new AbortController().signal;

/** Go's HTTP client, which the API server is, keeps an idle connection that long (IdleConnTimeout). */
const API_SERVER_IDLE = 90_000;
/** And waits so long for a handshake (client-go's TLSHandshakeTimeout). */
const API_SERVER_HANDSHAKE = 10_000;

test('connections outlive those that the API server keeps, used or not yet used', () => {
  assert.ok(CONNECTION_TIMES.idle > API_SERVER_IDLE);
  assert.ok(CONNECTION_TIMES.headers > API_SERVER_IDLE);
  assert.ok(CONNECTION_TIMES.headers > CONNECTION_TIMES.idle);
  assert.ok(CONNECTION_TIMES.request > CONNECTION_TIMES.headers, 'Node swaps them otherwise');
});

test('a handshake that waits for its turn on a busy machine is not given up before the API server does', () => {
  assert.ok(CONNECTION_TIMES.handshake > API_SERVER_HANDSHAKE);
});

test('a connection is used again after it was idle for longer than headers may take', async (context) => {
  const { client } = await startTestServer(context, {
    times: { handshake: 1000, idle: 60_000, headers: 300, request: 400 },
  });
  const first = await client.send(REQUEST);
  assert.match(String(first.headers['keep-alive']), /timeout=60\b/);
  await sleep(1200);
  const second = await client.send(REQUEST);
  assert.equal(second.localPort, first.localPort);
});

test('headers that do not come are 408, and the others are answered meanwhile', async (context) => {
  const { server, certificates, client } = await startTestServer(context, {
    times: { handshake: 1000, idle: 1000, headers: 200, request: 300 },
  });
  const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
  socket.write('POST /mutate HTTP/1.1\r\nHost: a\r\nX-Slow:');
  assert.equal((await client.send(REQUEST)).status, 200);
  assert.match(await received, /^HTTP\/1\.1 408 /);
});

test('headers without end are 431', async (context) => {
  const { server, certificates } = await startTestServer(context);
  const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
  socket.write(`POST /mutate HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`);
  assert.match(await received, /^HTTP\/1\.1 431 /);
});

test('only HTTP/1.1 is offered', async (context) => {
  const { server, certificates } = await startTestServer(context);
  const [host = '', port = ''] = server.address.split(':');
  const ca = certificates.authority.certificate;
  const socket = connect({ host, port: Number(port), ca, ALPNProtocols: ['h2', 'http/1.1'] });
  await once(socket, 'secureConnect');
  assert.equal(socket.alpnProtocol, 'http/1.1');
  socket.destroy();
});

test('a client that offers old TLS only is refused', async (context) => {
  const { server, certificates } = await startTestServer(context);
  const [host = '', port = ''] = server.address.split(':');
  const ca = certificates.authority.certificate;
  const socket = connect({ host, port: Number(port), ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
  const [error] = (await once(socket, 'error')) as [Error];
  assert.match(error.message, /protocol|version/i);
});

test('a new certificate is served to new connections, and connections that are there go on', async (context) => {
  const { server, certificates, client } = await startTestServer(context);
  const before = await client.send(REQUEST);
  const next = await issueTestServing(certificates.authority, 'renewed');
  server.renew({ ...next, clientAuthority: null, expires: new Date() });
  const after = await client.send(REQUEST);
  assert.equal(after.localPort, before.localPort);
  const { socket } = await connectRaw(server.address, certificates.authority.certificate);
  assert.equal(socket.getPeerCertificate().subject.CN, 'renewed');
  socket.destroy();
});

test('without an authority for clients nobody is asked for a certificate', async (context) => {
  const { server, certificates } = await startTestServer(context);
  const client = httpsClient(
    server.address,
    certificates.authority.certificate,
    issueTestClient(certificates.authority),
  );
  assert.equal((await client.send(REQUEST)).status, 200);
  client.close();
});

test('with one only its clients are served, also after a renewal, and those of another one then', async (context) => {
  const mine = (await issueTestCertificates('mine')).authority;
  const other = (await issueTestCertificates('other')).authority;
  const { server, certificates, client, reports } = await startTestServer(context, {
    clientAuthority: mine.certificate,
  });
  const ca = certificates.authority.certificate;
  const known = httpsClient(server.address, ca, issueTestClient(mine));
  const stranger = httpsClient(server.address, ca, issueTestClient(other));
  context.after(() => {
    known.close();
    stranger.close();
  });
  assert.equal((await known.send(REQUEST)).status, 200);
  await assert.rejects(client.send(REQUEST), /certificate required|ECONNRESET|socket hang up|EPIPE/);
  await assert.rejects(stranger.send(REQUEST), /unknown ca|ECONNRESET|socket hang up|EPIPE|decrypt error/);
  assert.equal(reports.length, 1);

  const { serving } = certificates;
  server.renew({ ...serving, clientAuthority: other.certificate, expires: new Date() });
  assert.equal((await stranger.send(REQUEST)).status, 200);
  await assert.rejects(client.send(REQUEST), /certificate required|ECONNRESET|socket hang up|EPIPE/);
});

test('draining: requests are answered and connections are given up, until the time is over', async (context) => {
  const { server, client } = await startTestServer(context);
  const first = await client.send(REQUEST);
  assert.equal(first.headers.connection, 'keep-alive');
  const drained = server.drain(700, never);
  for (let times = 0; times < 3; times += 1) {
    const { status, headers } = await client.send(REQUEST);
    assert.deepEqual([status, headers.connection], [200, 'close']);
    await sleep(100);
  }
  await drained;
  await assert.rejects(client.send(REQUEST), { code: 'ECONNREFUSED' });
});

test('draining waits for answers that are under way, and they end their connections', async (context) => {
  const held = Promise.withResolvers<void>();
  const { server, client } = await startTestServer(context, {
    review: async (body, budget) => {
      await held.promise;
      return allow(body, budget);
    },
  });
  const sent = client.send(REQUEST);
  await sleep(100);
  let isDrained = false;
  const drained = server.drain(0, never).then(() => {
    isDrained = true;
  });
  await sleep(600);
  assert.equal(isDrained, false);
  held.resolve();
  const { status, headers } = await sent;
  assert.deepEqual([status, headers.connection], [200, 'close']);
  await drained;
});

test('draining does not wait for connections that do nothing', async (context) => {
  const { server, certificates } = await startTestServer(context);
  const unused = await connectRaw(server.address, certificates.authority.certificate);
  await server.drain(0, never);
  assert.equal(await unused.received, '');
});

test('a drain that is forced ends at once', async (context) => {
  const { server, client } = await startTestServer(context, { review: () => new Promise(() => {}) });
  const sent = client.send(REQUEST);
  await sleep(100);
  const force = new AbortController();
  const drained = server.drain(60_000, force.signal);
  force.abort();
  await assert.rejects(sent, /socket hang up|ECONNRESET/);
  await drained;
});

test('running out of file descriptors ends nothing', async (context) => {
  const folder = await webhookFolder(context);
  const limited = startProcess(
    '/bin/sh',
    ['-c', 'ulimit -n 60; exec "$0" "$@"', process.execPath, ...STANDALONE, '--drain=0s'],
    {
      directory: folder.path,
      environment: folder.environment,
    },
  );
  context.after(() => limited.stop());
  const [, address = ''] = await limited.waitFor(/"server":"admission","address":"([^"]+)"/);
  const [host = '', port = ''] = address.split(':');
  const sockets = Array.from({ length: 80 }, () => connectPlain(Number(port), host).on('error', () => {}));
  await sleep(500);
  for (const socket of sockets) socket.destroy();
  const client = httpsClient(address, folder.certificates.authority.certificate);
  context.after(() => client.close());
  // A connection that comes while the others are still being closed may be turned away.
  const isServed = () =>
    client.send(REQUEST).then(
      ({ status }) => status === 200,
      () => false,
    );
  for (let tries = 0; !(await isServed()); tries += 1) {
    assert.ok(tries < 50, limited.output());
    await sleep(100);
  }
  // What could not be read meanwhile is read again.
  await limited.waitFor(/"msg":"policy in force"/);
});

test('a port that is taken is an error with its code', async (context) => {
  const { server, certificates } = await startTestServer(context);
  const port = Number(server.address.split(':')[1]);
  const certificate = { ...certificates.serving, clientAuthority: null, expires: new Date() };
  const listen = { host: '127.0.0.1', port };
  await assert.rejects(startServer({ listener: () => {}, listen, certificate }), { code: 'EADDRINUSE' });
});
