import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runProcess } from '../support/process.ts';
import { isReady, linkTarget, type Program, TOOLS, versionFolder } from './programs.ts';

/** What preparing needs; all but `say` for its own tests. */
export interface PrepareOptions {
  /** Takes one line of progress. */
  readonly say: (line: string) => void;
  readonly tools?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A build takes 4 minutes on two cores with cold caches; this is for the slowest machine. */
const LONGEST_BUILD = 30 * 60_000;
const UNFINISHED = 'unfinished-';

/**
 * Builds the programs that are not there yet from their Go modules. What is there is left alone, and of two runs at once
 * one builds and the other waits.
 *
 * @returns null, or why it could not be done: one sentence, and the end of what Go said.
 */
export async function prepareEnvironment(
  programs: readonly Program[],
  options: PrepareOptions,
): Promise<string | null> {
  const { say, tools = TOOLS, environment = process.env } = options;
  if (programs.every((program) => isReady(program, tools, environment))) return null;
  const version = await runProcess('go', ['version'], { environment });
  if (version.code !== 0) return 'Go is not installed, or not on PATH (https://go.dev/dl); 1.26 is known to do';
  mkdirSync(join(tools, 'bin'), { recursive: true });
  const release = await takeLock(join(tools, 'lock'), say);
  try {
    removeUnfinished(tools);
    for (const program of programs) {
      if (isReady(program, tools, environment)) continue;
      say(`environment: building ${program.name} ${program.version} from its Go module, once; this takes minutes`);
      const start = performance.now();
      const problem = await build(program, tools, environment);
      if (problem !== null) return problem;
      say(
        `environment: built ${program.name} ${program.version} in ${Math.round((performance.now() - start) / 1000)} s`,
      );
    }
    return null;
  } finally {
    release();
  }
}

async function build(
  program: Program,
  tools: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  const folder = mkdtempSync(join(tools, UNFINISHED));
  const { what, args, directory, flags } = commandOf(program, folder);
  const go = await runProcess('go', args, {
    // The flags of whoever runs this stay out of it, and Go does not fetch another Go unasked.
    environment: {
      ...environment,
      GOBIN: folder,
      GOFLAGS: flags,
      GOTOOLCHAIN: 'local',
      GOWORK: 'off',
      CGO_ENABLED: '0',
    },
    directory,
    timeout: LONGEST_BUILD,
  });
  if (go.code !== 0) {
    rmSync(folder, { recursive: true });
    return `${what} does not build: ${lastLines(go.stderr)}`;
  }
  // From here on each step is one rename: a run that is killed between any two leaves what the next one can go on from.
  const versioned = join(tools, versionFolder(program));
  rmSync(versioned, { recursive: true, force: true });
  renameSync(folder, versioned);
  const link = join(tools, `${UNFINISHED}link-${process.pid}`);
  symlinkSync(linkTarget(program), link);
  renameSync(link, join(tools, 'bin', program.name));
  for (const other of readdirSync(tools)) {
    const isOlder = other.startsWith(`${program.name}-v`) && other !== versionFolder(program);
    if (isOlder) rmSync(join(tools, other), { recursive: true, force: true });
  }
  return null;
}

/** What Go is to do for a program so that `folder` has it. */
function commandOf(program: Program, folder: string) {
  const { name, version, module, package: path } = program;
  const what = `${path}@${version}`;
  if (module === undefined) {
    return { what, args: ['install', '-trimpath', '-ldflags=-s -w', what], directory: folder, flags: '-mod=mod' };
  }
  const args = ['build', '-trimpath', `-ldflags=${module.linkerFlags}`, '-o', join(folder, name), path];
  return { what, args, directory: module.folder, flags: '-mod=readonly' };
}

/**
 * One run builds at a time. The lock saves work and is not what keeps the files whole, that is the renames: so it may be
 * taken over from a process that is gone without further care.
 */
async function takeLock(file: string, say: (line: string) => void): Promise<() => void> {
  for (let told = false; ; told = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readPid(file);
    if (holder !== null && !isRunning(holder)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told) say(`environment: process ${holder ?? '?'} is building it already; waiting (its lock is ${file})`);
    await delay(200);
  }
}

/** Null where the lock was just released, or is just being written. */
function readPid(file: string): number | null {
  try {
    return Number(readFileSync(file, 'utf8')) || null;
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function removeUnfinished(tools: string): void {
  for (const name of readdirSync(tools)) {
    if (name.startsWith(UNFINISHED)) rmSync(join(tools, name), { recursive: true, force: true });
  }
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-5).join('\n');
}
