import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test, { after } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { HttpError, type HttpRequest, sendRequest } from '../../../src/platform/network/http.ts';
import { startLoopback } from '../../support/loopback.ts';

const dispatcher = new Agent({ allowH2: false, connect: { timeout: 500 } });
after(() => dispatcher.destroy());

function requestTo(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  const { signal } = new AbortController();
  const wanted = { method: 'GET', headers: {}, dispatcher, timeoutMilliseconds: 2000, maximumBytes: 1000 } as const;
  return { ...wanted, url: new URL(url), signal, ...more };
}

/** A server that answers with bytes of one's own. */
async function startRaw(talk: (socket: Socket) => void): Promise<{ url: string; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => talk(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${address.port}/`, close };
}

async function failureOf(wanted: HttpRequest): Promise<string> {
  const error: unknown = await sendRequest(wanted).then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof HttpError ? error.failure : String(error);
}

test('an answer comes with its status, its headers and its bytes', async (t) => {
  const server = await startLoopback((request, response) => {
    response.setHeader('x-one', 'a').setHeader('x-two', ['a', 'b']);
    response.end(JSON.stringify(request.headers['accept-encoding']));
  });
  t.after(() => server.close());
  const answer = await sendRequest(requestTo(`http://${server.host}/`));
  assert.equal(answer.status, 200);
  assert.equal(answer.body.toString(), '"identity"');
  assert.equal(answer.header('x-one'), 'a');
  assert.equal(answer.header('x-missing'), null);
  assert.equal(answer.header('x-two'), null, 'a header that came twice says nothing');
  assert.deepEqual(answer.headers('x-two'), ['a', 'b']);
});

test('the body of a refusal is not read, and the connection is used again', async (t) => {
  const server = await startLoopback((_request, response) => response.writeHead(404).end('secret'));
  t.after(() => server.close());
  for (let round = 0; round < 6; round += 1) {
    const answer = await sendRequest(requestTo(`http://${server.host}/`));
    assert.deepEqual([answer.status, answer.body.length], [404, 0]);
  }
  assert.ok(server.connections() <= 2, `${server.connections()} connections`);
});

test('what a proxy compressed is unpacked, within the bound', async (t) => {
  const server = await startLoopback((request, response) => {
    const size = request.url === '/bomb' ? 50_000_000 : 900;
    response.setHeader('content-encoding', request.url === '/odd' ? 'zstd' : 'gzip');
    response.end(gzipSync(Buffer.alloc(size, 'x')));
  });
  t.after(() => server.close());
  assert.equal((await sendRequest(requestTo(`http://${server.host}/`))).body.length, 900);
  const wide = { maximumBytes: 100_000 };
  assert.equal(await failureOf(requestTo(`http://${server.host}/bomb`, wide)), 'TooLarge');
  assert.equal(await failureOf(requestTo(`http://${server.host}/odd`, wide)), 'Malformed');
});

test('an endless body ends at the bound', async (t) => {
  const server = await startLoopback((_request, response) => {
    const pour = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(100, 'x'), () => setImmediate(pour));
    };
    pour();
  });
  t.after(() => server.close());
  assert.equal(await failureOf(requestTo(`http://${server.host}/`)), 'TooLarge');
});

// [what the server does, what that is called]
const faults: readonly (readonly [string, (socket: Socket) => void, string])[] = [
  ['hangs', () => {}, 'TimedOut'],
  [
    'hangs in the middle of the body',
    (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
    'TimedOut',
  ],
  ['resets the connection', (socket) => void socket.resetAndDestroy(), 'Unreachable'],
  [
    'ends in the middle of the body',
    (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc'),
    'Unreachable',
  ],
  ['does not speak HTTP', (socket) => void socket.end('SSH-2.0-OpenSSH\r\n'), 'Malformed'],
  [
    'floods with headers',
    (socket) => void socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`),
    'Malformed',
  ],
];

for (const [fault, talk, expected] of faults) {
  test(`a server that ${fault} is ${expected}`, async (t) => {
    const { url, close } = await startRaw(talk);
    t.after(close);
    assert.equal(await failureOf(requestTo(url, { timeoutMilliseconds: 300 })), expected);
  });
}

test('a port where nothing listens is Unreachable, and a name that is none as well', async () => {
  const server = await startLoopback(() => {});
  await server.close();
  assert.equal(await failureOf(requestTo(`http://${server.host}/`)), 'Unreachable');
  assert.equal(await failureOf(requestTo('http://no-such-host.invalid/')), 'Unreachable');
});

test('TLS to a server that speaks none is NotTls', async (t) => {
  const server = await startLoopback((_request, response) => response.end());
  t.after(() => server.close());
  assert.equal(await failureOf(requestTo(`https://${server.host}/`)), 'NotTls');
});

test('the signal ends it with its own reason, before and after the start', async (t) => {
  const { url, close } = await startRaw(() => {});
  t.after(close);
  const ended = AbortSignal.abort(new Error('enough'));
  assert.equal(await failureOf(requestTo(url, { signal: ended })), 'Error: enough');
  const ending = new AbortController();
  const waiting = failureOf(requestTo(url, { signal: ending.signal }));
  setTimeout(() => ending.abort(new Error('enough now')), 20);
  assert.equal(await waiting, 'Error: enough now');
});
