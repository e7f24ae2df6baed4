import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { runProcess, startProcess } from './process.ts';

/** A process that ended and was not waited for is a zombie: it runs no more. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function ends(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 250 && runs(pid); tries += 1) await delay(20);
  return !runs(pid);
}

/** A program that starts a program, both of which would live for long, and tells their ids. */
const FAMILY = 'sleep 300 & echo "family $$ $!"; wait';

function familyIn(match: RegExpExecArray): readonly number[] {
  return [Number(match[1]), Number(match[2])];
}

test('a program gets its arguments and input, and gives its output and exit code', async () => {
  const script = `process.stdin.on('data', (data) => console.error('got ' + data)).on('end', () => {
    console.log(process.argv.slice(1).join('|')); process.exitCode = 7; })`;
  const finished = await runProcess(process.execPath, ['-e', script, '--', 'a b', '$(c)'], { input: 'text' });
  assert.deepEqual(finished, { code: 7, stdout: 'a b|$(c)\n', stderr: 'got text\n' });
});

test('a program has no input but what it is given', async () => {
  assert.deepEqual(await runProcess('cat', []), { code: 0, stdout: '', stderr: '' });
});

test('a program that is not there is exit code 127', async () => {
  assert.equal((await runProcess('/no/such/program', [])).code, 127);
});

test('a signal reaches the program itself', async () => {
  const script = `process.on('SIGTERM', () => { console.log('bye'); process.exit(3); }); setInterval(() => {}, 1000); console.log('up')`;
  const running = startProcess(process.execPath, ['-e', script]);
  await running.waitFor(/up/);
  running.signal('SIGTERM');
  assert.deepEqual(await running.finished, { code: 3, stdout: 'up\nbye\n', stderr: '' });
});

test('a program ends by SIGINT as it would at a terminal', async () => {
  const running = startProcess(process.execPath, ['-e', `setInterval(() => {}, 1000); console.log('up')`]);
  await running.waitFor(/up/);
  running.signal('SIGINT');
  assert.equal((await running.finished).code, 130);
});

test('what a program started goes with it, when it is stopped and when it ends', async () => {
  const stopped = startProcess('sh', ['-c', FAMILY]);
  const family = familyIn(await stopped.waitFor(/family (\d+) (\d+)/));
  assert.ok(family.every(runs));
  await stopped.stop();
  for (const pid of family) assert.ok(await ends(pid), `${pid} runs`);

  const { stdout } = await runProcess('sh', ['-c', 'sleep 300 & echo $!']);
  assert.ok(await ends(Number(stdout)));
});

test('a program is killed when its time is over', async () => {
  assert.equal((await runProcess('sleep', ['300'], { timeout: 50 })).code, 137);
});

test('waiting for what a program never says ends with it, and tells what it said', async () => {
  const running = startProcess('sh', ['-c', 'echo something else']);
  await assert.rejects(running.waitFor(/hello/), /ended without \/hello\/:\nsomething else/);
  await running.finished;
  await assert.rejects(running.waitFor(/hello/), /ended without/);
  assert.equal((await running.waitFor(/else/))[0], 'else');
});

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  test(`no process outlives a test that ends by ${signal}`, async () => {
    const module = JSON.stringify(join(import.meta.dirname, 'process.ts'));
    const script = `const { startProcess } = await import(${module});
      const running = startProcess('sh', ['-c', ${JSON.stringify(FAMILY)}]);
      console.log((await running.waitFor(/family \\d+ \\d+/))[0]);`;
    const crashing = startProcess(process.execPath, ['--input-type=module', '-e', script]);
    const family = familyIn(await crashing.waitFor(/family (\d+) (\d+)/));
    assert.ok(family.every(runs));
    crashing.signal(signal);
    await crashing.finished;
    for (const pid of family) assert.ok(await ends(pid), `${pid} runs`);
  });
}
