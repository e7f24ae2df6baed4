import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import test, { after, before } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { request } from 'undici';
import { issueAuthority, issueServing, validFor } from '../../../src/certificates/issue.ts';
import {
  AddressRefused,
  type Agents,
  AuthorityRefused,
  createAgents,
  type Reach,
} from '../../../src/registry/connection/agent.ts';
import { type Loopback, startLoopback } from '../../support/loopback.ts';

const nowhere: Reach = { privateAddresses: false, certificateAuthority: null, clientCertificate: null, proxy: null };
const inside: Reach = { ...nowhere, privateAddresses: true };

let agents: Agents;
let plain: Loopback;
let secure: Loopback;
let authority: string;

before(async () => {
  agents = createAgents(1000);
  plain = await startLoopback((_request, response) => response.end('plain'));
  const validity = validFor(new Date(), 3_600_000);
  const issuer = await issueAuthority({ name: 'test authority', ...validity });
  const pair = await issueServing({ name: 'registry', authority: issuer, hosts: ['localhost'], ...validity });
  authority = issuer.certificate;
  secure = await startLoopback((_request, response) => response.end('secure'), {
    cert: pair.certificate,
    key: pair.key,
  });
});

after(async () => {
  await agents.close();
  await Promise.all([plain.close(), secure.close()]);
});

async function get(url: string, reach: Reach): Promise<string> {
  const answer = await request(url, { dispatcher: agents.forReach(reach) });
  return await answer.body.text();
}

test('a name is refused where any of its addresses is, before anything is connected', async () => {
  const made = plain.connections();
  await assert.rejects(get(`http://localhost:${plain.port}/`, nowhere), AddressRefused);
  assert.equal(plain.connections(), made);
  assert.equal(await get(`http://localhost:${plain.port}/`, inside), 'plain');
});

test('an address in a URL, which no lookup sees, is refused before anything is sent', async () => {
  const sent = plain.requests.length;
  await assert.rejects(get(`http://127.0.0.1:${plain.port}/`, nowhere), AddressRefused);
  assert.equal(plain.requests.length, sent);
  assert.equal(await get(`http://127.0.0.1:${plain.port}/`, inside), 'plain');
});

test('connections of one reach are not used by another', async () => {
  await get(`http://127.0.0.1:${plain.port}/`, inside);
  await assert.rejects(get(`http://127.0.0.1:${plain.port}/`, nowhere), AddressRefused);
});

test('a certificate is trusted by the authority that is given, and only by that', async () => {
  const url = `https://localhost:${secure.port}/`;
  await assert.rejects(get(url, inside), /certificate/);
  assert.equal(await get(url, { ...inside, certificateAuthority: authority }), 'secure');
  await assert.rejects(
    get(`https://127.0.0.1:${secure.port}/`, { ...inside, certificateAuthority: authority }),
    /altnames/,
  );
  await assert.rejects(get(url, { ...nowhere, certificateAuthority: authority }), AddressRefused);
});

test('the environment can not turn verification off', async (t) => {
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
  await assert.rejects(get(`https://localhost:${secure.port}/`, inside), /certificate/);
});

test('an authority that is none is an error of its own', () => {
  const block = '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n';
  for (const text of ['no PEM', block, `${authority}${block}`]) {
    assert.throws(() => agents.forReach({ ...inside, certificateAuthority: text }), AuthorityRefused, text);
  }
});

test('a proxy is told the name and gets the request', async (t) => {
  const proxy = await startLoopback((_request, response) => response.end('through the proxy'));
  t.after(() => proxy.close());
  assert.equal(
    await get('http://registry.corp/v2/', {
      ...nowhere,
      proxy: { url: `http://${proxy.host}`, privateAddresses: true },
    }),
    'through the proxy',
  );
  assert.equal(proxy.requests[0]?.path, 'http://registry.corp/v2/');
});

test('a registry with TLS is reached through a tunnel, and checked all the same', async (t) => {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request.url ?? '');
    const upstream = connect(secure.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) end.on('error', () => end.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => proxy.close());
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const through: Reach = { ...nowhere, proxy: { url: proxyUrl, privateAddresses: true } };
  const url = `https://localhost:${secure.port}/`;
  assert.equal(await get(url, { ...through, certificateAuthority: authority }), 'secure');
  await assert.rejects(get(url, through), /certificate/);
  assert.deepEqual(
    asked,
    Array.from({ length: 2 }, () => `localhost:${secure.port}`),
  );
});

test('a proxy at a private address is refused where that is not allowed', async (t) => {
  const proxy = await startLoopback((_request, response) => response.end('through the proxy'));
  t.after(() => proxy.close());
  const through = (privateAddresses: boolean): Reach => ({
    ...nowhere,
    proxy: { url: `http://localhost:${proxy.port}`, privateAddresses },
  });
  await assert.rejects(get('http://registry.corp/v2/', through(false)), AddressRefused);
  assert.equal(proxy.connections(), 0);
  assert.equal(await get('http://registry.corp/v2/', through(true)), 'through the proxy');
});

test('a proxy is told who asks, whatever is in the password', async (t) => {
  const asked: string[] = [];
  const proxy = await startLoopback((request, response) => {
    asked.push(request.headers['proxy-authorization'] ?? '');
    response.end('through the proxy');
  });
  t.after(() => proxy.close());
  const url = `http://robot:${encodeURIComponent('p@ss:/%')}@${proxy.host}`;
  await get('http://registry.corp/v2/', { ...nowhere, proxy: { url, privateAddresses: true } });
  assert.deepEqual(asked, [`Basic ${Buffer.from('robot:p@ss:/%').toString('base64')}`]);
});

test('a server that asks who we are is shown a certificate', async (t) => {
  const validity = validFor(new Date(), 3_600_000);
  const issuer = await issueAuthority({ name: 'mutual authority', ...validity });
  const [server, client] = await Promise.all(
    ['registry', 'client'].map((name) => issueServing({ name, authority: issuer, hosts: ['localhost'], ...validity })),
  );
  assert.ok(server !== undefined && client !== undefined);
  const mutual = createTlsServer(
    { key: server.key, cert: server.certificate, ca: issuer.certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody'),
  );
  mutual.listen(0, '127.0.0.1');
  await once(mutual, 'listening');
  t.after(() => mutual.close());
  const url = `https://localhost:${(mutual.address() as AddressInfo).port}/`;
  const reach: Reach = { ...inside, certificateAuthority: issuer.certificate };
  assert.equal(await get(url, reach), 'nobody');
  const { certificate, key } = client;
  assert.equal(await get(url, { ...reach, clientCertificate: { certificate, key } }), 'client');
  assert.throws(
    () => agents.forReach({ ...reach, clientCertificate: { certificate, key: 'no key' } }),
    AuthorityRefused,
  );
});

test('old reaches make room for new ones', async () => {
  for (let number = 0; number < 40; number += 1) {
    agents.forReach({ ...inside, proxy: { url: `http://proxy-${number}.corp`, privateAddresses: true } });
  }
  assert.equal(await get(`http://127.0.0.1:${plain.port}/`, inside), 'plain');
});

test('hundreds of authorities share the certificates of the system, and none is trusted beside its own reach', async () => {
  const many = createAgents(1000);
  const before = process.memoryUsage().rss;
  for (let index = 0; index < 300; index += 1) {
    many.forReach({ ...inside, certificateAuthority: `${authority}\n# ${index}` });
  }
  // Of each its own copy took more than a megabyte, of which V8 knows nothing, so that it is not collected in time.
  assert.ok(process.memoryUsage().rss - before < 150_000_000);
  await many.close();
  await assert.rejects(get(`https://localhost:${secure.port}/`, inside), /certificate/);
});
