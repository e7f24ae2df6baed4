import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLog, describeError, LOG_LEVELS, redact } from '../../src/platform/log.ts';

type Line = Record<string, unknown>;

function record(level: (typeof LOG_LEVELS)[number] = 'debug') {
  const writes: string[] = [];
  const log = createLog(level, (lines) => writes.push(lines));
  const lines = (): Line[] =>
    writes
      .join('')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  return { log, writes, lines };
}

test('a line is JSON with level, time, message and facts, written at once', () => {
  const { log, lines } = record();
  log.info('listening', { address: '127.0.0.1:1' });
  const [{ time, ...line } = {}] = lines();
  assert.deepEqual(line, { level: 'info', msg: 'listening', address: '127.0.0.1:1' });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

for (const [index, level] of LOG_LEVELS.entries()) {
  test(`at level ${level} the levels from there on are written, and records always`, () => {
    const { log, lines } = record(level);
    for (const each of LOG_LEVELS) log[each](each);
    log.record('admission', { uid: 'u' });
    log.flush();
    assert.deepEqual(
      lines().map((line) => line['msg']),
      [...LOG_LEVELS.slice(index), 'admission'],
    );
  });
}

test('records are written together within 50 ms, and have the form of other lines', async () => {
  const { log, writes, lines } = record();
  log.record('admission', { uid: '1' });
  log.record('admission', { uid: '2', text: 'ä"\n' });
  assert.equal(writes.length, 0);
  await sleep(120);
  assert.equal(writes.length, 1);
  const [, { time, ...second } = {}] = lines();
  assert.deepEqual(second, { level: 'info', msg: 'admission', uid: '2', text: 'ä"\n' });
  assert.match(String(time), /Z$/);
});

test('records do not wait for a timer when they are many, nor are they overtaken by other lines', () => {
  const { log, writes, lines } = record();
  log.record('admission', { uid: '1' });
  log.info('second');
  assert.deepEqual(
    lines().map((line) => line['msg']),
    ['admission', 'second'],
  );
  writes.length = 0;
  for (let index = 0; index < 700; index += 1) log.record('admission', { text: 'x'.repeat(100) });
  assert.ok(writes.length > 0);
  log.flush();
  assert.equal(lines().length, 700);
});

test('what is flushed is not written again', async () => {
  const { log, lines } = record();
  log.record('admission', { uid: '1' });
  log.flush();
  log.flush();
  await sleep(80);
  assert.equal(lines().length, 1);
});

const SECRETS: readonly (readonly [string, string])[] = [
  ['Authorization: Bearer eyJhbGciOi.abc-_~', 'Authorization: Bearer [redacted]'],
  ['basic cm9ib3Q6c2VjcmV0== refused', 'basic [redacted] refused'],
  ['get https://robot:secret@ghcr.io/v2/ failed', 'get https://[redacted]@ghcr.io/v2/ failed'],
  ['https://acr.io/oauth2/token?_token=abc&x=1 was "x"', 'https://acr.io/oauth2/token?[redacted] was "x"'],
  ['nginx:1.27@sha256:abc is fine', 'nginx:1.27@sha256:abc is fine'],
];

for (const [text, redacted] of SECRETS) {
  test(`secrets are taken out of ${JSON.stringify(text)}`, () => {
    assert.equal(redact(text), redacted);
    const { log, lines } = record();
    log.warn('a', { text, texts: [text] });
    assert.equal(lines()[0]?.['text'], redacted);
    assert.deepEqual(lines()[0]?.['texts'], [redacted]);
  });
}

for (const part of ['x', 'a://', 'https://a', 'a://?', 'bearer ', '@']) {
  test(`a text of a million times ${JSON.stringify(part)} is cut, and costs little time`, () => {
    const { log, lines } = record();
    const started = performance.now();
    log.warn('a', { text: part.repeat(1_000_000) });
    // It takes milliseconds; a pattern that goes back and forth would take minutes.
    assert.ok(performance.now() - started < 5000);
    assert.ok(String(lines()[0]?.['text']).length <= 2049);
  });
}

test('an exception is told with its causes, its place, and without its secrets', () => {
  const error = new TypeError('bad', { cause: new Error('at https://a:b@c/', { cause: 'text' }) });
  const { stack, ...facts } = describeError(error) as { stack: string[]; cause: Line };
  assert.ok(stack.length > 0 && stack.length <= 8);
  const { stack: _inner, ...cause } = facts.cause;
  assert.deepEqual(
    { ...facts, cause },
    {
      name: 'TypeError',
      message: 'bad',
      cause: { name: 'Error', message: 'at https://[redacted]@c/', cause: { message: 'text' } },
    },
  );
});

test('an exception that causes itself is told all the same', () => {
  const error = new Error('again');
  error.cause = error;
  assert.ok(JSON.stringify(describeError(error)).length < 20_000);
});
