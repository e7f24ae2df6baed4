import { Command } from 'commander';
import { CommandError, type CommandIO, type ExitCode } from './output.ts';
import type { FinishCommand } from './program.ts';
import { type Flags, variableOf } from './settings.ts';
import { readSweepConfiguration, SWEEP_SETTINGS } from './sweep/settings.ts';

/** `tagpin sweep`: keeps what follows tags up to date. */
export function sweepCommand(io: CommandIO, finish: FinishCommand): Command {
  const command = new Command('sweep').description('bumps Argo CD Applications whose images follow a tag or a range');
  for (const { name, value, help, default: fallback } of SWEEP_SETTINGS) {
    const standard = fallback === null ? '' : ` (default: ${fallback})`;
    const flag = `${name === 'output' ? '-o, ' : ''}--${name}${value === null ? '' : ` <${value}>`}`;
    const text = `${help}${standard} [${variableOf(name)}]`;
    if (name === 'target')
      command.option(flag, text, (each: string, before: readonly string[] | undefined) => [...(before ?? []), each]);
    else command.option(flag, text);
  }
  return command
    .addHelpText(
      'after',
      `
An Application says in annotations what it follows (tagpin.dev/image-list). Without --once this runs until it is asked to end;
of several replicas one leads. With --once the exit code is 1 where something failed.

Examples:
  tagpin sweep --kubeconfig admin.kubeconfig --once --dry-run
  tagpin sweep --kubeconfig admin.kubeconfig --once --target Application/argocd/shop -o json
  tagpin sweep`,
    )
    .action((options: Readonly<Record<string, string | true | readonly string[]>>) => {
      const flags = SWEEP_SETTINGS.map(({ name }) => {
        const given = options[camelCase(name)];
        return [name, typeof given === 'object' ? given.join(',') : given] as const;
      });
      return finish(sweep(io, Object.fromEntries(flags)));
    });
}

async function sweep(io: CommandIO, flags: Flags): Promise<ExitCode> {
  const parsed = readSweepConfiguration(flags, io.environment);
  if (!parsed.ok) throw new CommandError(2, parsed.problems.map((problem) => `sweep: ${problem}`).join('\ntagpin: '));
  const { configuration } = parsed;
  const { mode } = configuration;
  switch (mode.kind) {
    case 'once': {
      const { sweepOnce } = await import('./sweep/once.ts');
      return await sweepOnce(io, configuration, mode.output);
    }
    case 'loop': {
      const { sweepForEver } = await import('./sweep/loop.ts');
      return await sweepForEver(io, configuration, mode);
    }
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
