import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type TestContext } from 'node:test';
import { createTransport, type Errand, type RequestEvent } from '../../../src/registry/connection/transport.ts';
import { findEndpoint } from '../../../src/registry/endpoint.ts';
import { RegistryError } from '../../../src/registry/error.ts';
import { permitRegistry } from '../../../src/registry/guard.ts';
import { type Loopback, registriesOf, startLoopback } from '../../support/loopback.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A transport that may ask these servers and no others. */
async function setUp(t: TestContext, answers: readonly Answer[], more: object = {}) {
  const servers = await Promise.all(answers.map((answer) => startLoopback(answer)));
  const hosts = servers.map(({ host }) => ({ host, plainHttp: true, ...more }));
  const settings = registriesOf({ hosts });
  const events: RequestEvent[] = [];
  const transport = createTransport({
    settings: () => settings,
    observe: (event) => events.push(event),
    now: () => performance.now(),
    requestMilliseconds: 1000,
  });
  t.after(async () => {
    await transport.close();
    await Promise.all(servers.map((server) => server.close()));
  });
  const errand = (server: Loopback, path: string, changes: Partial<Errand> = {}): Errand => {
    const permit = permitRegistry(findEndpoint(settings, server.host));
    const { signal } = new AbortController();
    return {
      permit: { ...permit, url: new URL(path, permit.url) },
      method: 'GET',
      headers: {},
      authorization: 'Basic canary',
      account: 'someone',
      maximumBytes: 1000,
      signal,
      ...changes,
    };
  };
  const reasonOf = async (wanted: Errand): Promise<string> => {
    const error: unknown = await transport.send(wanted).then(
      ({ answer }) => answer.status,
      (reason: unknown) => reason,
    );
    return error instanceof RegistryError ? error.reason : String(error);
  };
  return { servers: servers as [Loopback, ...Loopback[]], transport, events, errand, reasonOf };
}

test('credentials stay with their origin: a redirect to another gets none, also on the way back', async (t) => {
  const ports: string[] = [];
  const { servers, transport, errand } = await setUp(t, [
    (request, response) =>
      request.url === '/start'
        ? response.writeHead(307, { location: '/same' }).end()
        : request.url === '/same'
          ? response.writeHead(307, { location: `http://${ports[1]}/away` }).end()
          : response.end('back'),
    (_request, response) => response.writeHead(302, { location: `http://${ports[0]}/back` }).end(),
  ]);
  ports.push(...servers.map(({ host }) => host));
  const { answer, isRedirected } = await transport.send(errand(servers[0], '/start'));
  assert.equal(answer.body.toString(), 'back');
  assert.equal(isRedirected, false, 'it is the origin that was asked');
  const seen = servers.map(({ requests }) => requests.map(({ path, authorization }) => `${path} ${authorization}`));
  assert.deepEqual(seen, [['/start Basic canary', '/same Basic canary', '/back null'], ['/away null']]);
});

test('a redirect to a host that is not listed reaches nobody', async (t) => {
  const canary = await startLoopback((_request, response) => response.end());
  t.after(() => canary.close());
  const { servers, errand, reasonOf } = await setUp(t, [
    (request, response) => response.writeHead(307, { location: decodeURIComponent(request.url?.slice(1) ?? '') }).end(),
  ]);
  const to = (location: string) => reasonOf(errand(servers[0], `/${encodeURIComponent(location)}`));
  assert.equal(await to(`http://${canary.host}/`), 'RedirectNotSafe');
  assert.equal(await to(`https://${canary.host}/`), 'RedirectNotAllowed');
  assert.equal(await to(`https://localhost:${canary.port}/`), 'RedirectNotAllowed');
  assert.equal(await to('http://169.254.169.254/latest/meta-data/'), 'RedirectNotSafe');
  assert.equal(canary.connections(), 0);
});

test('five redirects are followed, a sixth is not', async (t) => {
  const { servers, transport, errand, reasonOf } = await setUp(t, [
    (request, response) => {
      const left = Number(request.url?.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(307, { location: `/${left - 1}` }).end();
    },
  ]);
  assert.equal((await transport.send(errand(servers[0], '/5'))).answer.body.toString(), 'there');
  assert.equal(await reasonOf(errand(servers[0], '/6')), 'RedirectLoop');
  const requests = servers[0].requests.length;
  assert.equal(await reasonOf(errand(servers[0], '/3', { method: 'POST', body: 'secret' })), 'RedirectNotSafe');
  assert.equal(servers[0].requests.length, requests + 1, 'a body is not sent to where an answer points');
});

test('Retry-After makes the host wait for that credential alone, and 429 without it for nobody', async (t) => {
  const { servers, errand, reasonOf } = await setUp(t, [
    (request, response) => {
      if (request.url === '/limited') response.setHeader('retry-after', '30');
      response.writeHead(request.url === '/fine' ? 200 : 429).end();
    },
  ]);
  const [server] = servers;
  assert.equal(await reasonOf(errand(server, '/odd')), 'TooManyRequests');
  assert.equal(await reasonOf(errand(server, '/fine')), '200');
  assert.equal(await reasonOf(errand(server, '/limited')), 'TooManyRequests');
  const asked = server.requests.length;
  assert.equal(await reasonOf(errand(server, '/fine')), 'TooManyRequests');
  assert.equal(server.requests.length, asked);
  assert.equal(await reasonOf(errand(server, '/fine', { account: 'another' })), '200');
});

test('no more than eight requests are under way at a host', async (t) => {
  let running = 0;
  let most = 0;
  const { servers, transport, errand } = await setUp(t, [
    (_request, response) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        response.end();
      }, 10);
    },
  ]);
  await Promise.all(Array.from({ length: 40 }, (_, number) => transport.send(errand(servers[0], `/${number}`))));
  assert.equal(most, 8);
  assert.ok(servers[0].connections() <= 8, `${servers[0].connections()} connections`);
});

test('the rate that the policy sets is kept', async (t) => {
  const { servers, transport, errand } = await setUp(t, [(_request, response) => response.end()], {
    requestsPerSecond: 10,
  });
  const started = performance.now();
  await Promise.all(Array.from({ length: 13 }, (_, number) => transport.send(errand(servers[0], `/${number}`))));
  assert.ok(performance.now() - started >= 290, 'ten at once, and three more a tenth of a second each');
});

test('a connection that broke is tried once more; one that hangs is not', async (t) => {
  const { servers, errand, reasonOf } = await setUp(t, [
    (request, response) => {
      if (request.url === '/broken') request.socket.destroy();
      if (request.url === '/fine') response.end();
    },
  ]);
  const [server] = servers;
  assert.equal(await reasonOf(errand(server, '/broken')), 'NoConnection');
  assert.equal(server.requests.length, 2);
  assert.equal(await reasonOf(errand(server, '/hang')), 'TimedOut');
  assert.equal(server.requests.length, 3);
});

test('a host that failed many times in a row is left alone for a moment', async (t) => {
  const { servers, errand, reasonOf } = await setUp(t, [(request) => request.socket.destroy()]);
  const [server] = servers;
  for (let failure = 0; failure < 10; failure += 1) {
    assert.equal(await reasonOf(errand(server, '/')), 'NoConnection');
  }
  const asked = server.requests.length;
  assert.equal(await reasonOf(errand(server, '/')), 'CircuitOpen');
  assert.equal(server.requests.length, asked);
});

test('every request is observed with its host and how it ended', async (t) => {
  const { servers, events, errand, reasonOf } = await setUp(t, [
    (request, response) =>
      request.url === '/fine' ? response.writeHead(404).end() : void request.socket.resetAndDestroy(),
  ]);
  await reasonOf(errand(servers[0], '/fine'));
  await reasonOf(errand(servers[0], '/broken'));
  assert.deepEqual(
    events.map(({ host, code }) => `${host} ${code}`),
    ['404', 'Unreachable', 'Unreachable'].map((code) => `${servers[0].host} ${code}`),
  );
  assert.ok(events.every(({ seconds }) => seconds > 0 && seconds < 1));
});

test('a signal ends the waiting with its own reason', async (t) => {
  const { servers, transport, errand } = await setUp(t, [() => {}]);
  const { signal } = new AbortController();
  const ended = AbortSignal.any([signal, AbortSignal.timeout(20)]);
  await assert.rejects(transport.send(errand(servers[0], '/', { signal: ended })), { name: 'TimeoutError' });
});
