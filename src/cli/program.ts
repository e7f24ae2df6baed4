import { Argument, Command, CommanderError, Option } from 'commander';
import { CommandError, type CommandIO, type ExitCode, writeLine } from './output.ts';

/** Takes a command's exit code; called once, by its action. */
export type FinishCommand = (code: ExitCode | Promise<ExitCode>) => Promise<void>;

/** Makes one command; the table of all of them is in `commands.ts`. */
export type MakeCommand = (io: CommandIO, finish: FinishCommand) => Command;

/**
 * Runs one command line.
 *
 * @param argv the arguments after the program's name.
 * @returns the exit code; errors have been written to stderr, one line each.
 */
export async function run(argv: readonly string[], io: CommandIO, commands: readonly MakeCommand[]): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const finish: FinishCommand = async (code) => {
    exitCode = await code;
  };
  const program = new Command('tagpin')
    .description('turns floating image tags into digests, in a Kubernetes webhook and in files')
    .helpCommand(false);
  for (const make of commands) program.addCommand(make(io, finish));
  for (const command of [program, ...program.commands, ...program.commands.flatMap((child) => child.commands)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Commander's suggestion ("Did you mean pin?") comes on a line of its own.
      outputError: (text, write) =>
        write(
          `${text
            .replace(/^error: /, 'tagpin: ')
            .trim()
            .replaceAll('\n', ' ')}\n`,
        ),
    });
  }
  try {
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof CommandError) {
      writeLine(io.stderr, `tagpin: ${error.message}`);
      return error.exitCode;
    }
    writeLine(io.stderr, `tagpin: internal error: ${error instanceof Error ? error.message : String(error)}`);
    return 3;
  }
}

/** `IMAGE…`, one at least. */
export function imageArgument(): Argument {
  return new Argument('<image...>', 'image references, as in a Pod');
}

/** `-o, --output`, for commands that print data as text or as JSON lines. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text');
}
