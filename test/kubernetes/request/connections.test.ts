import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type Dispatcher, request } from 'undici';
import { Connections } from '../../../src/kubernetes/request/connections.ts';
import { issueTestCertificates } from '../../support/certificate.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { startLoopback } from '../../support/loopback.ts';

async function setUp(t: TestContext) {
  const { authority, serving } = await issueTestCertificates();
  const server = await startLoopback((_request, response) => void response.end('{}'), {
    cert: serving.certificate,
    key: serving.key,
  });
  const connections = new Connections('https://cluster:6443', null);
  t.after(async () => {
    await connections.close();
    await server.close();
  });
  const url = `https://${server.host}/`;
  const ask = async (dispatcher: Dispatcher, target = url): Promise<void> => {
    const { body } = await request(target, { dispatcher });
    await body.text();
  };
  return { server, connections, url, ask, tls: { ca: authority.certificate } };
}

async function explained(connections: Connections, asking: Promise<void>): Promise<unknown> {
  const error = await asking.then(
    () => assert.fail('it went well'),
    (failure: unknown) => failure,
  );
  return connections.explain(error, 'GET /');
}

test('requests share connections, and no more than 16 of them', async (t) => {
  const { server, connections, ask, tls } = await setUp(t);
  for (let times = 0; times < 50; times += 1) await ask(connections.forRequests({ ...tls }));
  // A second one is made where the first is not yet seen to be free.
  assert.ok(server.connections() <= 2, `${server.connections()} connections`);
  await Promise.all(Array.from({ length: 200 }, () => ask(connections.forRequests(tls))));
  assert.ok(server.connections() <= 16, `${server.connections()} connections`);
});

test('a renewed authority is believed, and what is under way on old connections is finished', async (t) => {
  const { connections, ask, tls } = await setUp(t);
  const other = await issueTestCertificates();
  const refused = ask(connections.forRequests({ ca: other.authority.certificate }));
  const well = ask(connections.forRequests(tls));
  assert.match(String(await explained(connections, refused)), /certificate is not trusted/);
  await well;
});

test('what goes wrong is said in words', async (t) => {
  const { connections, ask, tls, url } = await setUp(t);
  const plain = await startLoopback((_request, response) => void response.end('{}'));
  t.after(() => plain.close());
  const proxy = await startFaultProxy(t, url);
  proxy.mode('refuse');
  const dispatcher = connections.forRequests(tls);
  const cases: readonly (readonly [string, RegExp])[] = [
    ['https://127.0.0.1:1/', /GET \/: https:\/\/cluster:6443 can not be reached: the connection was refused$/],
    ['https://nothing.invalid/', /: there is no such host \((?:ENOTFOUND|EAI_AGAIN)\)$/],
    [`https://${plain.host}/`, /: the connection failed \(\w+\)$/],
    [proxy.url, /: the connection failed \(\w+\)$/],
  ];
  for (const [target, message] of cases) {
    const error = await explained(connections, ask(dispatcher, target));
    assert.ok(error instanceof Error && 'code' in error && error.code === 'Unreachable', target);
    assert.match(error.message, message);
  }
});

test('errors of others stay what they are', () => {
  const connections = new Connections('https://cluster:6443', null);
  const error = new Error('mine');
  assert.equal(connections.explain(error, 'GET /'), error);
});
