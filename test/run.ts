/**
 * Runs named groups of tests with node's runner: `node test/run.ts fast environment`. `fast` mirrors `src` and needs
 * nothing but Node and git; `environment` needs programs that are built from Go modules first, once.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, sep } from 'node:path';
import { prepareEnvironment } from './environment/prepare.ts';
import { PROBLEM_VARIABLE, PROGRAMS } from './environment/programs.ts';
import { supervised } from './support/process.ts';

const here = import.meta.dirname;
const root = join(here, '..');

/** Which test files a group has: a folder of its own, or (fast) all the others. */
const OWN_FOLDERS = ['environment', 'cluster', 'argocd'];

/** No test takes so long; one that hangs is told by its name, and the others still run. */
const LONGEST_TEST = 5 * 60_000;

const groups = process.argv.slice(2);
const files = globSync('**/*.test.ts', { cwd: here })
  .filter((file) => {
    const folder = file.split(sep)[0] ?? '';
    return groups.includes(OWN_FOLDERS.includes(folder) ? folder : 'fast');
  })
  .map((file) => relative(root, join(here, file)))
  .toSorted();

if (files.length === 0) {
  console.error(`no test belongs to: ${groups.join(' ') || '(no group named)'}; groups: fast ${OWN_FOLDERS.join(' ')}`);
  process.exitCode = 2;
} else {
  const problem = groups.includes('environment') ? await prepare() : null;
  runTests(problem === null ? {} : { [PROBLEM_VARIABLE]: problem });
}

async function prepare(): Promise<string | null> {
  const programs = Object.values(PROGRAMS);
  const problem = await prepareEnvironment(programs, { say: (line) => console.log(line) });
  if (problem === null) {
    console.log(`environment: ready: ${programs.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
  } else {
    console.log(`environment: ${problem}`);
    console.log(`environment: its tests are ${process.env['CI'] === 'true' ? 'failures, since CI=true' : 'skipped'}`);
  }
  return problem;
}

/** The runner and its test files end with this process, however it ends; a signal is the runner's to answer. */
function runTests(more: Readonly<Record<string, string>>): void {
  const options = ['--test', `--test-concurrency=${availableParallelism()}`, `--test-timeout=${LONGEST_TEST}`];
  const runner = spawn('/bin/sh', supervised(process.execPath, [...options, ...files]), {
    cwd: root,
    // Half of what a short process does is compiling what the one before it compiled.
    env: { NODE_COMPILE_CACHE: join(root, '.tools', 'compile-cache'), ...process.env, ...more },
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void runner.kill(signal));
  runner.once('exit', (code) => {
    // Not just the exit code: the pipe that keeps the runner alive keeps this process alive too.
    process.exit(code ?? 1);
  });
}
