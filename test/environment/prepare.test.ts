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
import { goModule } from './go-module.ts';
import { prepareEnvironment } from './prepare.ts';
import { PROGRAMS, type Program } from './programs.ts';

const GO = `#!/bin/sh
[ "$1" = version ] && exit 0
echo "$@" >> "$CALLS"
[ "$1" = build ] && { echo "$6 in $PWD" > "$5"; exit; }
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

test('a program of a module of ours is built in it, and again when anything of the module changes', async (t) => {
  const { tools, prepare, calls, file } = scene(t);
  const folder = mkdtempSync(join(tools, '..', 'module-'));
  const write = (version: string, sum: string): Program => {
    writeFileSync(join(folder, 'go.mod'), `module ours\n\nrequire (\n\texample.com/big ${version} // indirect\n)\n`);
    writeFileSync(join(folder, 'go.sum'), sum);
    const module = goModule(folder, (versionOf) => `-X v=${versionOf('example.com/big/cmd/tool')}`);
    return { name: 'tool', package: 'example.com/big/cmd/tool', version: module.versionOf('example.com/big'), module };
  };
  const first = write('v1.2.3', 'sum');
  assert.equal(first.version, 'v1.2.3');
  assert.equal(await prepare(first), null);
  assert.equal(await prepare(write('v1.2.3', 'sum')), null);
  assert.equal(file(), `example.com/big/cmd/tool in ${folder}`);
  assert.equal(await prepare(write('v1.2.3', 'another sum')), null);
  assert.deepEqual(
    calls().map((line) => line.replace(/-o \S+/, '-o FILE')),
    Array(2).fill('build -trimpath -ldflags=-X v=v1.2.3 -o FILE example.com/big/cmd/tool'),
  );
  assert.equal(readdirSync(tools).filter((name) => name.startsWith('tool-')).length, 1);
  assert.throws(() => first.module?.versionOf('example.com/bigger'), /requires nothing that has example.com\/bigger/);
});

test('what KUBEBUILDER_ASSETS has is not built, unless it has not all', async (t) => {
  const { tools, prepare, calls } = scene(t);
  const assets = mkdtempSync(join(tools, '..', 'assets-'));
  const KUBEBUILDER_ASSETS = assets;
  const program: Program = { ...TOOL, asset: true };
  writeFileSync(join(assets, 'tool'), '');
  assert.equal(await prepare(program, { KUBEBUILDER_ASSETS }), null);
  assert.deepEqual(calls(), []);
  assert.equal(await prepare({ ...program, name: 'other' }, { KUBEBUILDER_ASSETS }), null);
  assert.equal(await prepare(TOOL, { KUBEBUILDER_ASSETS }), null);
  assert.equal(calls().length, 2);
});

test("every module of Kubernetes is replaced by the release that belongs to Kubernetes' version", () => {
  const { version, module } = PROGRAMS.kubectl;
  const replaced = readFileSync(join(module.folder, 'go.mod'), 'utf8').matchAll(/^replace (\S+) => (\S+) (\S+)$/gm);
  const [first, ...others] = [...replaced].map(([, from, to, release]) => ({ isItself: from === to, release }));
  assert.deepEqual(first, { isItself: true, release: version.replace('v1.', 'v0.') });
  for (const other of others) assert.deepEqual(other, first);
  assert.ok(others.length > 20);
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
