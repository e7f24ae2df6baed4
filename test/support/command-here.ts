import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { neededCommands } from '../../src/cli/commands.ts';
import { run } from '../../src/cli/program.ts';
import type { FinishedProcess } from './process.ts';

/**
 * Runs a command line of tagpin in this process: for tests that run the same one dozens of times, where each start would take most of
 * the time. What ends a process, its signals and its exit are for `runProcess`.
 */
export async function runCommandHere(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<FinishedProcess> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const written = Promise.all([text(stdout), text(stderr)]);
  const directory = process.cwd();
  const io = { stdin: process.stdin, stdout, stderr, terminal: false, directory, environment };
  const commands = await Promise.all(neededCommands(argv).map(({ load }) => load()));
  const code = await run(argv, io, commands);
  stdout.end();
  stderr.end();
  const [out, errors] = await written;
  return { code, stdout: out, stderr: errors };
}
