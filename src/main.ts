#!/usr/bin/env node
import { neededCommands } from './cli/commands.ts';
import type { CommandIO } from './cli/output.ts';
import { run } from './cli/program.ts';

const io: CommandIO = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  terminal: process.stderr.isTTY,
  // `npm run tagpin` changes into the checkout; paths still start where it was typed.
  directory: (process.env['npm_lifecycle_event'] === 'tagpin' && process.env['INIT_CWD']) || process.cwd(),
  environment: process.env,
};

// Who reads may go away, as `head` does; what is still written is for nobody, and no reason to fail. A full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(
    `tagpin: the output could not be written (${error.code}): free some space, or write elsewhere\n`,
  );
  process.exit(3);
});
process.stderr.on('error', () => {});

// The exit code is set, not forced, so that everything written reaches a pipe first.
const argv = process.argv.slice(2);
const commands = await Promise.all(neededCommands(argv).map(({ load }) => load()));
process.exitCode = await run(argv, io, commands);
