import assert from 'node:assert/strict';
import test from 'node:test';
import { type ProgramOptions, type ProgramResult, runProgram } from '../../../src/platform/process/program.ts';

function shell(script: string, options: Partial<ProgramOptions> = {}): Promise<ProgramResult> {
  const { PATH } = process.env;
  const bounds = { timeoutMilliseconds: 10_000, maximumBytes: 1000 };
  return runProgram('sh', ['-c', script], { input: '', environment: { PATH }, ...bounds, ...options });
}

test('a program gets its input and environment, and gives its code and outputs', async () => {
  const { PATH } = process.env;
  const result = await shell('cat; echo "$WORD" >&2; exit 3', { input: 'text', environment: { PATH, WORD: 'there' } });
  assert.deepEqual(result, { kind: 'exited', code: 3, stdout: 'text', stderr: 'there\n' });
});

test('a program that does not read its input is none the worse', async () => {
  const result = await shell('echo done', { input: 'x'.repeat(1_000_000) });
  assert.deepEqual(result, { kind: 'exited', code: 0, stdout: 'done\n', stderr: '' });
});

test('a program that is not on the PATH is missing', async () => {
  const options = { input: '', environment: { PATH: '/nowhere' }, timeoutMilliseconds: 1000, maximumBytes: 10 };
  assert.deepEqual(await runProgram('sh', [], options), { kind: 'missing' });
});

test('a program that takes too long is killed, even where a child of its keeps the pipes', async () => {
  assert.deepEqual(await shell('sleep 1 & wait', { timeoutMilliseconds: 100 }), { kind: 'timedOut' });
});

test('a program that writes too much is killed', async () => {
  assert.deepEqual(await shell('while :; do echo more; done'), { kind: 'tooLarge' });
});

test('a program that somebody else kills says so', async () => {
  assert.deepEqual(await shell('kill -TERM $$'), { kind: 'killed' });
});

test('a program that takes too long takes along what it started', async () => {
  const started = performance.now();
  const script = 'sh -c "trap : TERM INT HUP; sleep 31.7; :" & wait';
  assert.deepEqual(await shell(script, { timeoutMilliseconds: 100 }), { kind: 'timedOut' });
  const left = await shell('ps -eo args | grep -c "^sleep 31.7$"');
  assert.ok(left.kind === 'exited' && left.stdout.trim() === '0', JSON.stringify(left));
  assert.ok(performance.now() - started < 20_000);
});

test('a signal ends a program, also one that has come before it', async () => {
  const ending = new AbortController();
  const running = shell('sleep 30', { signal: ending.signal });
  ending.abort();
  assert.deepEqual(await running, { kind: 'killed' });
  assert.deepEqual(await shell('sleep 30', { signal: ending.signal }), { kind: 'killed' });
});

test('a program runs where it is told to, and gets bytes', async () => {
  const result = await shell('pwd; od -An -tx1', { directory: '/', input: Uint8Array.of(0xff, 0x00) });
  assert.deepEqual(result, { kind: 'exited', code: 0, stdout: '/\n ff 00\n', stderr: '' });
});
