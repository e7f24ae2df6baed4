import assert from 'node:assert/strict';
import test from 'node:test';
import { type ProgramOptions, type ProgramResult, runProgram } from '../../src/platform/program.ts';

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
