import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '../../../src/kubernetes/request/answer.ts';
import { KubernetesError } from '../../../src/kubernetes/request/error.ts';
import type { KubernetesRequest } from '../../../src/kubernetes/request/requests.ts';
import { type CredentialProblem, createCredentialReader } from '../../../src/kubernetes/secrets/credential-reader.ts';
import { base64, CANARY, dockerSecret, secret, serviceAccount } from '../../support/pull-secrets.ts';

/** A reader whose API server is a function, and a clock that stands still unless it is put forward. */
function readerOf(answer: (request: KubernetesRequest) => Promise<JsonObject> | JsonObject) {
  const problems: CredentialProblem[] = [];
  const requests: KubernetesRequest[] = [];
  let time = 1000;
  const reader = createCredentialReader({
    client: {
      async request(wanted) {
        requests.push(wanted);
        return answer(wanted);
      },
    },
    observe: (problem) => problems.push(problem),
    now: () => time,
  });
  const pass = (seconds: number) => {
    time += seconds * 1000;
  };
  return { reader, problems, requests, pass };
}

test('a Secret is one GET for all who ask at once, and for ten seconds after', async () => {
  const { reader, requests, pass } = readerOf(() => dockerSecret('shop', 'a', { 'ghcr.io': `u:${CANARY}` }));
  const found = await Promise.all([1, 2, 3].map(() => reader.secret('shop', 'a')));
  assert.deepEqual(new Set(found.map(({ kind }) => kind)), new Set(['read']));
  pass(9);
  await reader.secret('shop', 'a');
  assert.deepEqual(
    requests.map(({ method, path, query }) => [method, path, query]),
    [['GET', '/api/v1/namespaces/shop/secrets/a', undefined]],
  );
  pass(2);
  await reader.secret('shop', 'a');
  assert.equal(requests.length, 2);
});

test('Secrets and ServiceAccounts of one name, and of other namespaces, are different things', async () => {
  const { reader, requests } = readerOf(({ path }) =>
    path.includes('serviceaccounts') ? serviceAccount('shop', 'a', ['x', 'y']) : dockerSecret('shop', 'a', {}),
  );
  await reader.secret('shop', 'a');
  await reader.secret('shop-2', 'a');
  assert.deepEqual(await reader.serviceAccount('shop', 'a'), { kind: 'read', secrets: ['x', 'y'] });
  assert.equal(requests.length, 3);
});

test('what was not there or could not be read is asked for again after a second', async () => {
  for (const [code, kind] of [
    ['NotFound', 'missing'],
    ['Forbidden', 'forbidden'],
    ['Unavailable', 'failed'],
    ['Timeout', 'failed'],
    ['Unauthorized', 'failed'],
    ['BadAnswer', 'failed'],
  ] as const) {
    const { reader, requests, pass } = readerOf(() => {
      throw new KubernetesError(code, `it said ${CANARY}`);
    });
    assert.deepEqual(await reader.secret('shop', 'a'), { kind });
    assert.deepEqual(await reader.secret('shop', 'a'), { kind });
    assert.equal(requests.length, 1, code);
    pass(1.1);
    assert.deepEqual(await reader.secret('shop', 'a'), { kind });
    assert.equal(requests.length, 2, code);
  }
});

test('whatever is thrown, nothing is rejected', async () => {
  const { reader } = readerOf(() => {
    throw new TypeError('no');
  });
  assert.deepEqual(await reader.secret('shop', 'a'), { kind: 'failed' });
  assert.deepEqual(await reader.serviceAccount('shop', '..'), { kind: 'failed' });
});

test('an API server that hangs is left after three seconds by a signal that is nobody else’s', async () => {
  const { reader } = readerOf(({ signal }) => {
    const { promise, reject } = Promise.withResolvers<JsonObject>();
    signal?.addEventListener('abort', () => reject(signal.reason));
    return promise;
  });
  const start = performance.now();
  const alive = setInterval(() => {}, 100);
  assert.deepEqual(await reader.secret('shop', 'a'), { kind: 'failed' });
  clearInterval(alive);
  assert.ok(performance.now() - start >= 2900);
});

test('one namespace that names ever new Secrets has 25 reads a second, and others have theirs', async () => {
  const { reader, requests } = readerOf(() => dockerSecret('shop', 'a', {}));
  const flood = Array.from({ length: 300 }, (_, index) => reader.secret('flood', `s${index}`));
  assert.equal((await reader.secret('shop', 'a')).kind, 'read');
  const found = await Promise.all(flood);
  const read = found.filter(({ kind }) => kind === 'read').length;
  assert.ok(read >= 25 && read < 130, `${read}`);
  assert.equal(requests.length, read + 1);
  assert.deepEqual(new Set(found.map(({ kind }) => kind)), new Set(['read', 'failed']));
});

test('a large Secret is used, and not kept', async () => {
  const logins = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`r${index}.io`, `u:${CANARY}`]));
  const { reader, requests } = readerOf(() => dockerSecret('shop', 'a', logins));
  const found = await reader.secret('shop', 'a');
  assert.equal(found.kind === 'read' && found.entries.length, 2000);
  await reader.secret('shop', 'a');
  assert.equal(requests.length, 2);
});

const UNUSABLE: readonly (readonly [string, object, RegExp])[] = [
  ['another type', secret('shop', 'a', 'Opaque', { '.dockerconfigjson': base64('{}') }), /its type/],
  ['no type', { data: { '.dockerconfigjson': base64('{}') } }, /its type/],
  ['no data', { type: 'kubernetes.io/dockerconfigjson' }, /has no \.dockerconfigjson/],
  [
    'the data of the other type',
    secret('shop', 'a', 'kubernetes.io/dockercfg', { '.dockerconfigjson': 'e30=' }),
    /has no/,
  ],
  ['data that is no text', { type: 'kubernetes.io/dockercfg', data: { '.dockercfg': 7 } }, /has no \.dockercfg/],
  [
    'a broken configuration',
    secret('shop', 'a', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': base64(`{"auths":"${CANARY}"`) }),
    /no Docker configuration/,
  ],
  [
    'a broken entry',
    secret('shop', 'a', 'kubernetes.io/dockerconfigjson', {
      '.dockerconfigjson': base64(`{"auths":{"${CANARY}.io":{"auth":"${CANARY}"}}}`),
    }),
    /no Docker configuration/,
  ],
];

for (const [name, object, problem] of UNUSABLE) {
  test(`a Secret with ${name} is ignored, with a sentence that holds nothing of it`, async () => {
    const { reader, problems } = readerOf(() => object as JsonObject);
    assert.deepEqual(await reader.secret('shop', 'a'), { kind: 'unusable' });
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.problem ?? '', problem);
    assert.ok(!JSON.stringify(problems).includes(CANARY));
  });
}

test('keys that are left out are told without the keys, and once in ten minutes', async () => {
  const { reader, problems, pass } = readerOf(() =>
    dockerSecret('shop', 'a', { [`*.${CANARY}`]: 'u:p', 'ghcr.io': 'u:p' }),
  );
  for (let minute = 0; minute < 10; minute += 1) {
    const found = await reader.secret('shop', 'a');
    assert.equal(found.kind === 'read' && found.entries.length, 1);
    assert.equal(problems.length, 1);
    pass(60);
  }
  assert.match(problems[0]?.problem ?? '', /left out/);
  assert.ok(!JSON.stringify(problems).includes(CANARY));
  pass(1);
  await reader.secret('shop', 'a');
  assert.equal(problems.length, 2);
});
