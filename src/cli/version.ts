import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { CommandError, type CommandIO, type ExitCode, type OutputFormat, writeJson, writeLine } from './output.ts';
import { type FinishCommand, outputOption } from './program.ts';

/** `tagpin version`. */
export function versionCommand(io: CommandIO, finish: FinishCommand): Command {
  return new Command('version')
    .description('which tagpin this is')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  tagpin version')
    .action((options: { output: OutputFormat }) => finish(version(io, options.output)));
}

async function version(io: CommandIO, output: OutputFormat): Promise<ExitCode> {
  const found = await findVersion(import.meta.dirname);
  if (found === null) throw new CommandError(3, 'version: no package.json beside the program says which one it is');
  if (output === 'json') writeJson(io.stdout, { version: found });
  else writeLine(io.stdout, found);
  return 0;
}

/** What the next package.json of ours above says: the checkout's, the package's, or one that the build put beside the bundle. */
async function findVersion(folder: string): Promise<string | null> {
  try {
    const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    if (name === 'tagpin' && typeof version === 'string') return version;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return dirname(folder) === folder ? null : await findVersion(dirname(folder));
}
