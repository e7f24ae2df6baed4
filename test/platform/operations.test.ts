import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createMetrics } from '../../src/platform/metrics.ts';
import { type ReadinessCheck, startOperations } from '../../src/platform/operations.ts';

async function start(context: TestContext, checks: readonly ReadinessCheck[] = []) {
  const metrics = createMetrics();
  const server = await startOperations({ listen: { host: '127.0.0.1', port: 0 }, checks, metrics });
  context.after(() => server.close());
  const ask = async (path: string, method = 'GET') => {
    const sent = request(`http://${server.address}${path}`, { method }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let body = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    await once(response, 'end');
    return { status: response.statusCode, headers: response.headers, body };
  };
  return { metrics, server, ask };
}

test('health is there as long as the process turns around', async (context) => {
  const { ask } = await start(context, [{ name: 'never', problem: () => 'not ready' }]);
  const { status, body } = await ask('/healthz');
  assert.deepEqual([status, body], [200, 'ok\n']);
});

test('readiness names every check that fails, and follows them', async (context) => {
  let problem: string | null = 'not served yet';
  const { ask } = await start(context, [
    { name: 'admission', problem: () => problem },
    { name: 'policy', problem: () => null },
    { name: 'shutdown', problem: () => problem && 'under way' },
  ]);
  const before = await ask('/readyz');
  assert.deepEqual([before.status, before.body], [503, 'admission: not served yet\nshutdown: under way\n']);
  problem = null;
  const after = await ask('/readyz?verbose');
  assert.deepEqual([after.status, after.body], [200, 'ok\n']);
});

test('metrics are in the text format, with those of the process', async (context) => {
  const { ask, metrics } = await start(context);
  metrics.counter({ name: 'test_total', help: 'A test.', labels: ['kind'] })({ kind: 'a"b' }, 2);
  metrics.counter({ name: 'never_total', help: 'Never counted.', labels: [] });
  metrics.gauge({ name: 'test_bytes', help: 'A size.', labels: [] })({}, 7);
  metrics.histogram({ name: 'test_seconds', help: 'A time.', labels: ['host'], buckets: [1, 2] })({ host: 'h' }, 1.5);
  const { status, headers, body } = await ask('/metrics');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  const lines = body.split('\n');
  for (const line of [
    'test_total{kind="a\\"b"} 2',
    'never_total 0',
    'test_bytes 7',
    'test_seconds_bucket{le="1",host="h"} 0',
    'test_seconds_bucket{le="2",host="h"} 1',
    'test_seconds_count{host="h"} 1',
  ]) {
    assert.ok(lines.includes(line), `${line} is not in ${body}`);
  }
  assert.match(body, /^process_resident_memory_bytes \d+/m);
});

const REFUSED: readonly (readonly [string, string, number])[] = [
  ['GET', '/', 404],
  ['GET', '/healthz/', 404],
  ['GET', '/__proto__', 404],
  ['GET', '/constructor', 404],
  ['POST', '/healthz', 405],
  ['DELETE', '/metrics', 405],
];

for (const [method, path, expected] of REFUSED) {
  test(`${method} ${path} is answered with ${expected}`, async (context) => {
    const { ask } = await start(context);
    const { status, headers } = await ask(path, method);
    assert.equal(status, expected);
    assert.equal(headers.allow, expected === 405 ? 'GET, HEAD' : undefined);
  });
}

test('HEAD is answered without a body', async (context) => {
  const { ask } = await start(context);
  const { status, body } = await ask('/healthz', 'HEAD');
  assert.deepEqual([status, body], [200, '']);
});

test('a page that can not be made is a 500, and says nothing of why', async (context) => {
  const { ask } = await start(context, [
    {
      name: 'broken',
      problem: () => {
        throw new Error('secret');
      },
    },
  ]);
  const { status, body } = await ask('/readyz');
  assert.deepEqual([status, body], [500, 'internal error\n']);
});

test('closing does not wait for connections that do nothing', async (context) => {
  const { server } = await start(context);
  const [host, port] = server.address.split(':');
  const socket = connect(Number(port), host);
  await once(socket, 'connect');
  await server.close();
  await once(socket.resume(), 'close');
});

test('a port that is taken is an error with its code', async (context) => {
  const { server, metrics } = await start(context);
  const port = Number(server.address.split(':')[1]);
  await assert.rejects(startOperations({ listen: { host: '127.0.0.1', port }, checks: [], metrics }), {
    code: 'EADDRINUSE',
  });
});
