/**
 * Runs named groups of tests with node's runner: `node test/run.ts fast environment`. `fast` mirrors `src` and needs
 * nothing but Node and git; `environment` needs programs that `test/environment` builds from Go modules first.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, sep } from 'node:path';

const here = import.meta.dirname;
const root = join(here, '..');

/** Which test files a group has: a folder of its own, or (fast) all the others. */
const OWN_FOLDERS = ['environment', 'cluster', 'argocd'];

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
  const child = spawn(process.execPath, ['--test', `--test-concurrency=${availableParallelism()}`, ...files], {
    cwd: root,
    stdio: 'inherit',
  });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
