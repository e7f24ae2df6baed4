/**
 * Runs named groups of tests with node's runner: `node test/run.ts fast environment`. `fast` mirrors `src` and needs
 * nothing but Node and git; the others need programs that are built from Go modules first, once.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, sep } from 'node:path';
import { ARGO_CD_PROGRAMS, inOwnNetwork, prepareArgoCd } from './environment/argo-cd.ts';
import { prepareEnvironment } from './environment/prepare.ts';
import { PROBLEM_VARIABLE, PROGRAMS, type Program } from './environment/programs.ts';
import { supervised } from './support/process.ts';

const here = import.meta.dirname;
const root = join(here, '..');

/** Which folders of test files a group has, and the programs that it needs. `fast` has all other folders. */
const GROUPS: Readonly<Record<string, { readonly folders: readonly string[]; readonly programs: readonly Program[] }>> =
  {
    environment: { folders: ['environment'], programs: Object.values(PROGRAMS) },
    cluster: { folders: ['cluster', 'kubernetes'], programs: Object.values(PROGRAMS) },
    argocd: { folders: ['argocd'], programs: ARGO_CD_PROGRAMS },
  };

const groups = process.argv.slice(2);
const isArgoCd = groups.includes('argocd');

/** No test takes so long; one that hangs is told by its name, and the others still run. Argo CD takes its time. */
const LONGEST_TEST = (isArgoCd ? 15 : 5) * 60_000;

const files = globSync('**/*.test.ts', { cwd: here })
  .filter((file) => groups.includes(groupOf(file.split(sep)[0] ?? '')))
  .map((file) => relative(root, join(here, file)))
  .toSorted();

if (files.length === 0) {
  const known = ['fast', ...Object.keys(GROUPS)].join(' ');
  console.error(`no test belongs to: ${groups.join(' ') || '(no group named)'}; groups: ${known}`);
  process.exitCode = 2;
} else {
  const programs = new Set(groups.flatMap((group) => GROUPS[group]?.programs ?? []));
  const problem = programs.size === 0 ? null : await prepare([...programs]);
  runTests(problem === null ? {} : { [PROBLEM_VARIABLE]: problem });
}

function groupOf(folder: string): string {
  return Object.entries(GROUPS).find(([, { folders }]) => folders.includes(folder))?.[0] ?? 'fast';
}

async function prepare(programs: readonly Program[]): Promise<string | null> {
  const missing = isArgoCd ? await prepareArgoCd() : null;
  const problem = missing ?? (await prepareEnvironment(programs, { say: (line) => console.log(line) }));
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
  const [command, ...args] =
    isArgoCd && !(PROBLEM_VARIABLE in more)
      ? inOwnNetwork(process.execPath, [...options, ...files])
      : ([process.execPath, ...options, ...files] as const);
  const runner = spawn('/bin/sh', supervised(command, args), {
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
