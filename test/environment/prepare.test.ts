/** How the environment is prepared, with a `go` of ours that takes a moment, so that no build is needed to know. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { runProcess, startProcess } from '../support/process.ts';
import { prepareEnvironment } from './prepare.ts';
import type { Program } from './programs.ts';

const GO = `#!/bin/sh
[ "$1" = version ] && exit 0
echo "$@" >> "$CALLS"
[ -z "$GO_FAILS" ] || { echo "go: no such module" >&2; exit 1; }
sleep "\${GO_TAKES:-0}"
for last; do :; done
echo "$last" > "$GOBIN/$(basename "\${last%@*}")"
`;

const TOOL: Program = { name: 'tool', package: 'example.com/tool', version: 'v1.0.0' };

function scene(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'tagpin-prepare-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const tools = join(folder, 'tools');
  const calls = join(folder, 'calls');
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'go'), GO);
  chmodSync(join(folder, 'bin', 'go'), 0o755);
  writeFileSync(calls, '');
  const path = [join(folder, 'bin'), process.env['PATH']].join(delimiter);
  const lines: string[] = [];
  return {
    tools,
    lines,
    calls: () => readFileSync(calls, 'utf8').split('\n').slice(0, -1),
    file: () => readFileSync(join(tools, 'bin', 'tool'), 'utf8').trim(),
    environment: { ...process.env, PATH: path, CALLS: calls },
    prepare: (program: Program, more: Readonly<Record<string, string>> = {}) =>
      prepareEnvironment([program], {
        say: (line) => lines.push(line),
        tools,
        environment: { ...process.env, PATH: path, CALLS: calls, ...more },
      }),
  };
}

test('a program is built once, and again when its version changes', async (t) => {
  const { prepare, calls, file, tools, lines } = scene(t);
  assert.equal(await prepare(TOOL), null);
  assert.equal(await prepare(TOOL), null);
  assert.deepEqual(calls(), ['install -trimpath -ldflags=-s -w example.com/tool@v1.0.0']);
  assert.match(lines.join('\n'), /^environment: building tool v1.0.0 .+\nenvironment: built tool v1.0.0 in \d+ s$/);

  assert.equal(await prepare({ ...TOOL, version: 'v1.1.0' }), null);
  assert.equal(file(), 'example.com/tool@v1.1.0');
  assert.deepEqual(readdirSync(tools).toSorted(), ['bin', 'tool-v1.1.0']);
});

test('a program that does not build is a problem told with the words of Go, and leaves nothing', async (t) => {
  const { prepare, tools } = scene(t);
  const problem = await prepare(TOOL, { GO_FAILS: '1' });
  assert.match(problem ?? '', /^example.com\/tool@v1.0.0 does not build: go: no such module$/);
  assert.deepEqual(readdirSync(tools), ['bin']);
  assert.equal(await prepare(TOOL), null);
});

test('without Go the problem says so, and programs that are there still do', async (t) => {
  const { prepare, tools } = scene(t);
  assert.match((await prepare(TOOL, { PATH: '/nowhere' })) ?? '', /Go is not installed/);
  assert.equal(existsSync(tools), false);
  assert.equal(await prepare(TOOL), null);
  assert.equal(await prepare(TOOL, { PATH: '/nowhere' }), null);
});

function inAnotherProcess(tools: string): readonly string[] {
  const script = `const { prepareEnvironment } = await import(${JSON.stringify(join(import.meta.dirname, 'prepare.ts'))});
    const say = (line) => console.log(line);
    console.log(await prepareEnvironment([${JSON.stringify(TOOL)}], { say, tools: ${JSON.stringify(tools)} }));`;
  return ['--input-type=module', '-e', script];
}

test('of two runs at once one builds and the other waits for it', async (t) => {
  const { tools, calls, file, environment } = scene(t);
  const args = inAnotherProcess(tools);
  const slowly = { environment: { ...environment, GO_TAKES: '1' } };
  const both = await Promise.all([1, 2].map(() => runProcess(process.execPath, args, slowly)));
  assert.deepEqual(
    both.map(({ code, stdout }) => [code, stdout.trim().split('\n').at(-1)]),
    [
      [0, 'null'],
      [0, 'null'],
    ],
  );
  assert.equal(calls().length, 1);
  assert.match(both.map(({ stdout }) => stdout).join(''), /is building it already; waiting/);
  assert.equal(file(), 'example.com/tool@v1.0.0');
});

test('what a killed run left is no hindrance', async (t) => {
  const { prepare, tools, calls, environment } = scene(t);
  const killed = startProcess(process.execPath, inAnotherProcess(tools), {
    environment: { ...environment, GO_TAKES: '300' },
  });
  await killed.waitFor(/building/);
  killed.signal('SIGKILL');
  await killed.finished;
  assert.ok(existsSync(join(tools, 'lock')));
  assert.equal(await prepare(TOOL), null);
  assert.deepEqual(readdirSync(tools).toSorted(), ['bin', 'tool-v1.0.0']);
  assert.ok(calls().length >= 1);
});
