import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import test, { after } from 'node:test';
import { type ApiRequest, type ApiTrust, createApiClient } from '../../../src/platform/network/api-client.ts';
import { HttpError } from '../../../src/platform/network/http.ts';
import { issueTestCertificates } from '../../support/certificate.ts';
import { startLoopback } from '../../support/loopback.ts';

const NO_TRUST: ApiTrust = { authorities: null, clientCertificate: null, proxy: null };
const client = createApiClient({ http_proxy: '', https_proxy: 'http://127.0.0.1:9' });
after(() => client.close());

function requestTo(url: string, more: Partial<ApiRequest> = {}): ApiRequest {
  const { signal } = new AbortController();
  return { method: 'GET', url: new URL(url), headers: {}, body: null, trust: NO_TRUST, signal, ...more };
}

async function failureOf(request: ApiRequest): Promise<string> {
  const error: unknown = await client.send(request).then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof HttpError ? error.failure : String(error);
}

test('bodies of all answers are read, and redirects are not followed', async (t) => {
  const server = await startLoopback((request, response, body) => {
    const status = Number(request.url?.slice(1));
    response.writeHead(status, { location: `http://${request.headers.host}/200` }).end(`${request.method} ${body}`);
  });
  t.after(() => server.close());
  for (const [status, method] of [
    [200, 'GET'],
    [201, 'POST'],
    [302, 'PUT'],
    [422, 'PATCH'],
    [404, 'DELETE'],
  ] as const) {
    const answer = await client.send(
      requestTo(`http://${server.host}/${status}`, { method, body: method === 'GET' ? null : 'x' }),
    );
    assert.deepEqual([answer.status, answer.body.toString()], [status, `${method} ${method === 'GET' ? '' : 'x'}`]);
  }
  assert.equal(server.requests.length, 5);
});

test('a server is believed by its authority only', async (t) => {
  const { authority, serving } = await issueTestCertificates();
  const server = await startLoopback((_request, response) => response.end('ok'), {
    cert: serving.certificate,
    key: serving.key,
  });
  t.after(() => server.close());
  const proxy = { url: 'http://127.0.0.1:9', except: '127.0.0.1' };
  const direct = { ...NO_TRUST, proxy };
  const url = `https://${server.host}/`;
  const answer = await client.send(requestTo(url, { trust: { ...direct, authorities: authority.certificate } }));
  assert.equal(answer.body.toString(), 'ok');
  assert.equal(await failureOf(requestTo(url, { trust: direct })), 'Untrusted');
  assert.equal(await failureOf(requestTo(url, { trust: { ...direct, authorities: 'no PEM' } })), 'Untrusted');
  assert.equal(await failureOf(requestTo(url)), 'Unreachable', "the environment's proxy is used, and is away");
  assert.equal(
    await failureOf(requestTo(url, { trust: { ...direct, proxy: { url: 'socks5://x', except: null } } })),
    'Unreachable',
  );
});

test('a request goes through the proxy that is named, and nowhere else', async (t) => {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(502).end();
  });
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(`${request.method} ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const trust = { ...NO_TRUST, proxy: { url: `http://127.0.0.1:${port}`, except: null } };
  assert.equal(await failureOf(requestTo('https://api.example/x', { trust })), 'Unreachable');
  assert.deepEqual(asked, ['CONNECT api.example:443']);
});
