import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import test, { after, before } from 'node:test';
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

const nowhere: Reach = { privateAddresses: false, certificateAuthority: null, proxy: null };
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
    await get('http://registry.corp/v2/', { ...nowhere, proxy: `http://${proxy.host}` }),
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
  const through: Reach = { ...nowhere, proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const url = `https://localhost:${secure.port}/`;
  assert.equal(await get(url, { ...through, certificateAuthority: authority }), 'secure');
  await assert.rejects(get(url, through), /certificate/);
  assert.deepEqual(
    asked,
    Array.from({ length: 2 }, () => `localhost:${secure.port}`),
  );
});

test('old reaches make room for new ones', async () => {
  for (let number = 0; number < 40; number += 1) agents.forReach({ ...inside, proxy: `http://proxy-${number}.corp` });
  assert.equal(await get(`http://127.0.0.1:${plain.port}/`, inside), 'plain');
});
