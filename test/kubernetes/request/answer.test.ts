import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { request } from 'undici';
import { readAnswer, readWarnings, statusError } from '../../../src/kubernetes/request/answer.ts';
import { type StandInAnswer, startStandIn } from '../../support/stand-in.ts';

async function read(t: TestContext, answer: StandInAnswer) {
  const { url } = await startStandIn(t, () => answer);
  return await readAnswer(await request(`${url}/x`), 'GET /x');
}

test('an object is read as it is, with fields that nobody knows', async (t) => {
  const json = { kind: 'Tomorrow', spec: { field: [1, 'ä\u2028'] } };
  assert.deepEqual(await read(t, { json }), json);
  assert.deepEqual(await read(t, { status: 201, json }), json);
});

test('a Status tells what went wrong', async (t) => {
  const json = { kind: 'Status', code: 409, reason: 'AlreadyExists', message: 'pods "web" already exists' };
  await assert.rejects(read(t, { status: 409, json, headers: { 'retry-after': '7' } }), {
    name: 'KubernetesError',
    code: 'AlreadyExists',
    status: 409,
    retryAfterMilliseconds: 7000,
    message: 'GET /x: pods "web" already exists',
  });
});

test('an error that is no Status is told by its number', async (t) => {
  const message = 'GET /x: HTTP 502';
  await assert.rejects(read(t, { status: 502, text: '<html>Bad Gateway</html>' }), { code: 'Unavailable', message });
  await assert.rejects(read(t, { status: 301, text: '', headers: { location: '/y' } }), { code: 'BadAnswer' });
});

test('what is no object is no answer', async (t) => {
  for (const text of ['', 'ok', '[]', 'null', '7', '{"kind":']) {
    await assert.rejects(read(t, { text }), { code: 'BadAnswer', status: 200 });
  }
});

test('a long message is cut', () => {
  const { message } = statusError({ message: 'x'.repeat(100_000) }, 400, 'GET /x');
  assert.ok(message.length < 1100);
});

test('the code of a Status counts more than that of HTTP, as in an event of a watch', () => {
  const error = statusError({ code: 410, reason: 'Expired', message: 'too old' }, 500, 'WATCH /x');
  assert.deepEqual([error.code, error.status], ['Expired', 410]);
});

test('warnings are read out of their headers', () => {
  assert.deepEqual(readWarnings(undefined), []);
  assert.deepEqual(readWarnings('299 - "one"'), ['one']);
  assert.deepEqual(readWarnings(['299 - "one"', '299 - "say \\"two\\", please", 299 - "three"']), [
    'one',
    'say "two", please',
    'three',
  ]);
  assert.deepEqual(readWarnings('110 - "stale"'), []);
});
