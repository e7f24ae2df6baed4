/** What one request gets for an answer, over a real connection. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { TooManyQuestions } from '../../src/webhook/limits.ts';
import { allow, startTestServer } from '../support/admission-server.ts';
import { connectRaw, type HttpsAnswer, reviewText } from '../support/https-client.ts';

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  };
}

function reviewOf({ text, headers }: HttpsAnswer): Review['response'] {
  const review = JSON.parse(text) as Review;
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(Number(headers['content-length']), Buffer.byteLength(text));
  assert.deepEqual([review.apiVersion, review.kind], ['admission.k8s.io/v1', 'AdmissionReview']);
  return review.response;
}

test('a review is answered with one of its uid', async (context) => {
  const { client, reports } = await startTestServer(context);
  const answer = await client.send({ path: '/mutate?timeout=10s', body: reviewText('u-ü') });
  assert.equal(answer.status, 200);
  assert.deepEqual(reviewOf(answer), { uid: 'u-ü', allowed: true });
  assert.deepEqual(
    reports.map(({ outcome }) => outcome),
    ['allowed'],
  );
});

test('what Node and Express tell of themselves is not told', async (context) => {
  const { client } = await startTestServer(context);
  const { headers } = await client.send({ path: '/mutate', body: reviewText('u') });
  assert.deepEqual(Object.keys(headers).toSorted(), [
    'connection',
    'content-length',
    'content-type',
    'date',
    'keep-alive',
  ]);
});

const NO_REVIEWS: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['half an object', '{"apiVersion":'],
  ['null', 'null'],
  ['a list', '[]'],
  ['another kind', '{"apiVersion":"v1","kind":"Pod"}'],
  ['v1beta1', '{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"u"}}'],
  ['a review without a request', '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'],
  ['a very deep list', '['.repeat(100_000)],
];

for (const [what, body] of NO_REVIEWS) {
  test(`${what} gets 400 and a review that refuses it`, async (context) => {
    const { client, reports } = await startTestServer(context);
    const answer = await client.send({ path: '/mutate', body, headers: { 'content-type': 'application/json' } });
    assert.equal(answer.status, 400);
    assert.equal(reviewOf(answer).allowed, false);
    assert.equal(reports[0]?.outcome, 'invalid');
  });
}

const TYPES: readonly (readonly [string, number])[] = [
  ['application/json', 200],
  ['Application/JSON; charset=UTF-8', 200],
  ['application/json;charset="utf-8"', 200],
  ['application/json; profile=x', 200],
  ['application/json; charset=utf-16', 415],
  ['text/plain', 415],
  ['application/jsonx', 415],
  ['application/yaml, application/json', 415],
  ['', 415],
];

for (const [type, status] of TYPES) {
  test(`the content type ${JSON.stringify(type)} is answered with ${status}`, async (context) => {
    const { client } = await startTestServer(context);
    const answer = await client.send({ path: '/mutate', body: reviewText('u'), headers: { 'content-type': type } });
    assert.equal(answer.status, status);
  });
}

test('a compressed body is not read', async (context) => {
  const { client } = await startTestServer(context);
  const headers = { 'content-encoding': 'gzip' };
  assert.equal((await client.send({ path: '/mutate', body: 'x', headers })).status, 415);
});

const ELSEWHERE: readonly (readonly [string, string, number])[] = [
  ['GET', '/mutate', 405],
  ['PUT', '/mutate', 405],
  ['OPTIONS', '/validate-policy', 405],
  ['GET', '/', 404],
  ['POST', '/', 404],
  ['POST', '/mutate/', 404],
  ['POST', '/Mutate', 404],
  ['POST', '/mutate/..%2f', 404],
  ['POST', '/%', 404],
  ['POST', '/metrics', 404],
];

for (const [method, path, status] of ELSEWHERE) {
  test(`${method} ${path} is answered with ${status}`, async (context) => {
    const { client, failures } = await startTestServer(context);
    const answer = await client.send({ method, path, ...(method === 'POST' && { body: reviewText('u') }) });
    assert.equal(answer.status, status);
    assert.equal(answer.headers.allow, status === 405 ? 'POST' : undefined);
    assert.deepEqual(failures, []);
  });
}

test('a body that takes longer than the budget is 408, and the connection ends', async (context) => {
  const { server, certificates, reports } = await startTestServer(context);
  const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
  const head = 'Host: a\r\nContent-Type: application/json\r\nContent-Length: 100';
  socket.write(`POST /mutate?timeout=200ms HTTP/1.1\r\n${head}\r\n\r\n{"a`);
  assert.match(await received, /^HTTP\/1\.1 408 [\s\S]*Connection: close/i);
  assert.equal(reports[0]?.outcome, 'invalid');
});

test('a sender that goes away in the middle of its body harms nobody', async (context) => {
  const { server, certificates, client, reports, failures } = await startTestServer(context);
  const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
  socket.write('POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a');
  await sleep(50);
  socket.destroy();
  await received;
  while (reports.length === 0) await sleep(5);
  assert.equal((await client.send({ path: '/mutate', body: reviewText('u') })).status, 200);
  assert.deepEqual(failures, []);
});

test('a sender that goes away before its answer harms nobody', async (context) => {
  const held = Promise.withResolvers<void>();
  const { server, certificates, client, failures } = await startTestServer(context, {
    review: async (body, budget) => {
      await held.promise;
      return allow(body, budget);
    },
  });
  const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
  const body = reviewText('u');
  const head = `Host: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  socket.write(`POST /mutate HTTP/1.1\r\n${head}\r\n\r\n${body}`);
  await sleep(50);
  socket.destroy();
  await received;
  held.resolve();
  assert.equal((await client.send({ path: '/mutate', body })).status, 200);
  assert.deepEqual(failures, []);
});

for (const [how, review] of [
  ['rejects', () => Promise.reject(new Error('broken'))],
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
] as const) {
  test(`a review that ${how} is answered with a review of its uid, and its place is free again`, async (context) => {
    const { client, failures } = await startTestServer(context, {
      review,
      gate: { running: 1, waiting: 0, patienceMilliseconds: 1 },
    });
    for (let times = 0; times < 2; times += 1) {
      const answer = await client.send({ path: '/mutate', body: reviewText('u') });
      assert.equal(answer.status, 200);
      const { uid, allowed, status } = reviewOf(answer);
      assert.deepEqual([uid, allowed, status?.code, status?.reason], ['u', false, 500, 'InternalError']);
      assert.doesNotMatch(answer.text, /broken/);
    }
    assert.deepEqual(failures, ['u: broken', 'u: broken']);
  });
}

test('a review that breaks on a body that is none gets 400', async (context) => {
  const { client } = await startTestServer(context, { review: () => Promise.reject(new Error('broken')) });
  const answer = await client.send({ path: '/mutate', body: 'no json' });
  assert.deepEqual([answer.status, reviewOf(answer).status?.reason], [400, 'InternalError']);
});

test('a review hears when its budget ends', async (context) => {
  const { client } = await startTestServer(context, {
    review: async (body, budget) => {
      await new Promise((resolve) => {
        budget.addEventListener('abort', resolve);
      });
      return allow(body, budget);
    },
  });
  const answer = await client.send({ path: '/mutate?timeout=100ms', body: reviewText('u') });
  assert.deepEqual(reviewOf(answer), { uid: 'u', allowed: true });
});

test('a review that never ends is answered all the same, before its caller gives up', async (context) => {
  const held = Promise.withResolvers<void>();
  const { client, failures, reports } = await startTestServer(context, {
    review: async (body, budget) => {
      await held.promise;
      return allow(body, budget);
    },
  });
  const answer = await client.send({ path: '/mutate?timeout=200ms', body: reviewText('u') });
  assert.deepEqual([reviewOf(answer).uid, reviewOf(answer).status?.code], ['u', 500]);
  held.resolve();
  while (reports.length === 0) await sleep(5);
  assert.deepEqual(
    reports.map(({ outcome, result }) => [outcome, result]),
    [['failed', null]],
  );
  assert.deepEqual(failures, ['u: the review did not end with its budget']);
});

test('more at once than may run and wait is 503 with Retry-After, and the others are answered', async (context) => {
  const held = Promise.withResolvers<void>();
  const { client, reports } = await startTestServer(context, {
    gate: { running: 2, waiting: 3, patienceMilliseconds: 5000 },
    review: async (body, budget) => {
      await held.promise;
      return allow(body, budget);
    },
  });
  const sent = Array.from({ length: 9 }, () => client.send({ path: '/mutate', body: reviewText('u') }));
  while (reports.length < 4) await sleep(5);
  held.resolve();
  const answers = await Promise.all(sent);
  const busy = answers.filter(({ status }) => status === 503);
  assert.equal(busy.length, 4);
  assert.deepEqual(new Set(busy.map(({ headers }) => headers['retry-after'])), new Set(['1']));
  assert.equal(answers.filter(({ status }) => status === 200).length, 5);
});

test('who waits too long for a place is sent away as well', async (context) => {
  const held = Promise.withResolvers<void>();
  const { client } = await startTestServer(context, {
    gate: { running: 1, waiting: 1, patienceMilliseconds: 20 },
    review: async (body, budget) => {
      await held.promise;
      return allow(body, budget);
    },
  });
  const first = client.send({ path: '/mutate', body: reviewText('u') });
  await sleep(50);
  assert.equal((await client.send({ path: '/mutate', body: reviewText('u') })).status, 503);
  held.resolve();
  assert.equal((await first).status, 200);
});

test('large bodies together hold a bounded memory, which comes back; small ones need none', async (context) => {
  const held = Promise.withResolvers<void>();
  const { client } = await startTestServer(context, {
    memoryBytes: 200_000,
    review: async (body, budget) => {
      if (body.length > 100_000) await held.promise;
      return allow(body, budget);
    },
  });
  const large = reviewText('u').padEnd(200_000);
  const first = client.send({ path: '/mutate', body: large });
  await sleep(100);
  const second = await client.send({ path: '/mutate', body: large });
  assert.deepEqual([second.status, second.headers['retry-after']], [503, '1']);
  assert.equal((await client.send({ path: '/mutate', body: reviewText('u') })).status, 200);
  held.resolve();
  assert.equal((await first).status, 200);
  assert.equal((await client.send({ path: '/mutate', body: large })).status, 200);
});

test('a namespace that asks too much gets 429 with Retry-After', async (context) => {
  const { client, reports, failures } = await startTestServer(context, {
    review: () => Promise.reject(new TooManyQuestions(3)),
  });
  const { status, headers } = await client.send({ path: '/mutate', body: reviewText('u') });
  assert.deepEqual([status, headers['retry-after']], [429, '3']);
  assert.deepEqual([reports[0]?.outcome, failures], ['limited', []]);
});

test('whatever bytes are posted get a review', async (context) => {
  const { client, failures } = await startTestServer(context);
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.json().map(bytesOf)), async (body) => {
      const answer = await client.send({ path: '/mutate', body });
      assert.equal(answer.status, 400);
      assert.equal(reviewOf(answer).allowed, false);
    }),
    { seed: 3, numRuns: 300 },
  );
  assert.deepEqual(failures, []);
});

test('whatever bytes are sent instead of HTTP get an end, and the server stays', async (context) => {
  const { server, certificates, client, failures } = await startTestServer(context);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
      const { socket, received } = await connectRaw(server.address, certificates.authority.certificate);
      socket.end(bytes);
      assert.match(await received, /^(?:HTTP\/1\.1 4\d\d |$)/);
    }),
    { seed: 4, numRuns: 50 },
  );
  assert.equal((await client.send({ path: '/mutate', body: reviewText('u') })).status, 200);
  assert.deepEqual(failures, []);
});

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}
