import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { parseFields, readTokenFile, requestToken, tokenIn } from '../../../src/registry/cloud/exchange.ts';
import { startStandIn } from '../../support/stand-in.ts';

const never = new AbortController().signal;

test('a form or JSON is posted, and what has neither is asked by GET', async (t) => {
  const server = await startStandIn(t, () => ({ json: { token: 'x' }, headers: { 'x-who': 'me' } }));
  const base = { url: `${server.url}/token`, name: 'it', signal: never };
  const answer = await requestToken({ ...base, form: { a: 'b c', d: '&' } });
  assert.ok(answer.ok);
  assert.deepEqual(answer.fields, { token: 'x' });
  assert.equal(answer.header('x-who'), 'me');
  await requestToken({ ...base, json: { a: 1 }, headers: { authorization: 'Bearer y' } });
  await requestToken(base);
  assert.deepEqual(
    server.requests.map(({ method, body, headers }) => [method, headers['content-type'], body, headers.authorization]),
    [
      ['POST', 'application/x-www-form-urlencoded', 'a=b+c&d=%26', undefined],
      ['POST', 'application/json', '{"a":1}', 'Bearer y'],
      ['GET', undefined, '', undefined],
    ],
  );
});

test('whoever does not answer ends with the signal, and whoever is not there is unreachable', async (t) => {
  const silent = await startStandIn(t, () => null);
  const late = await requestToken({ url: silent.url, name: 'it', signal: AbortSignal.timeout(50) });
  assert.deepEqual(late, { ok: false, problem: 'it gave no answer (TimedOut)' });
  const absent = await requestToken({ url: 'http://127.0.0.1:1/', name: 'it', signal: never });
  assert.deepEqual(absent, { ok: false, problem: 'it gave no answer (Unreachable)' });
});

test('nothing is sent without TLS, but to this machine', async () => {
  for (const url of [
    'http://example.com',
    'http://127.0.0.1.example.com',
    'ftp://example.com',
    'https://a:b@c.com',
    '',
    'x',
  ]) {
    const answer = await requestToken({ url, name: 'it', signal: never });
    assert.deepEqual(answer, { ok: false, problem: 'it has no address with https' }, url);
  }
});

test('a token is text that a header can hold', () => {
  for (const token of ['', 'a b', 'a\n', 'ä', 7, null, undefined]) assert.equal(tokenIn({ token }, 'token'), null);
  assert.equal(tokenIn({ token: 'a.b-c_d~/+=' }, 'token'), 'a.b-c_d~/+=');
});

test('a token file is read without the white space round it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-token-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'token');
  for (const [text, expected] of [
    ['a.b\n', 'a.b'],
    ['', null],
    [' \n', null],
    ['x'.repeat(70_000), null],
  ] as const) {
    writeFileSync(path, text);
    assert.equal(await readTokenFile(path), expected);
  }
  assert.equal(await readTokenFile(folder), null);
  assert.equal(await readTokenFile(join(folder, 'absent')), null);
});

test('fields are those of a JSON object', () => {
  assert.deepEqual(parseFields('{"a":1}'), { a: 1 });
  for (const text of ['', '[]', 'null', '1', '{', '"a"']) assert.equal(parseFields(text), null, text);
});
