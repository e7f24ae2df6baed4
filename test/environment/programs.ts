import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A program that the tests run against, built from its Go module. */
export interface Program {
  /** Its file in `.tools/bin`. */
  readonly name: string;
  /** The import path of its main package, as `go install` takes it. */
  readonly package: string;
  readonly version: string;
}

/** Every program of the environment. The versions stand nowhere else. */
export const PROGRAMS = {
  registry: { name: 'registry', package: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.1.2' },
  crane: { name: 'crane', package: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' },
} as const satisfies Readonly<Record<string, Program>>;

/** Where programs are kept: `.tools` of the checkout. */
export const TOOLS = join(import.meta.dirname, '..', '..', '.tools');

/** Carries from `test/run.ts` to the tests why the environment could not be prepared. */
export const PROBLEM_VARIABLE = 'TAGPIN_TEST_ENVIRONMENT_PROBLEM';

/** The folder below `.tools` in which one version of a program stands, complete or not at all. */
export function versionFolder(program: Program): string {
  return `${program.name}-${program.version}`;
}

/** What `.tools/bin/NAME` links to when the program is there in the version that is asked for. */
export function linkTarget(program: Program): string {
  return join('..', versionFolder(program), program.name);
}

/** Is the program there, in that version? */
export function isReady(program: Program, tools: string = TOOLS): boolean {
  const link = join(tools, 'bin', program.name);
  try {
    return readlinkSync(link) === linkTarget(program) && existsSync(link);
  } catch {
    return false;
  }
}

/** The program's file. It is there where `skipWithout` says so. */
export function programFile(program: Program): string {
  return join(TOOLS, 'bin', program.name);
}

/**
 * For the `skip` option of tests that need some programs: false where they are there, or else the reason.
 *
 * @throws Error with that reason where `CI=true`, since a skipped test proves nothing there.
 */
export function skipWithout(...programs: readonly Program[]): string | false {
  const missing = programs.filter((program) => !isReady(program));
  if (missing.length === 0) return false;
  const names = missing.map(({ name, version }) => `${name} ${version}`).join(', ');
  const reason = `not built: ${names}: ${process.env[PROBLEM_VARIABLE] ?? 'npm run test:environment builds it first'}`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  return reason;
}
