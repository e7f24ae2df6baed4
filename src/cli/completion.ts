import { Argument, Command } from 'commander';
import type { CommandIO, ExitCode } from './output.ts';
import type { FinishCommand } from './program.ts';
import { bashScript } from './shell/bash.ts';
import { fishScript } from './shell/fish.ts';
import { type CommandFacts, describeCommands } from './shell/tree.ts';
import { zshScript } from './shell/zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const satisfies Record<
  string,
  (commands: readonly CommandFacts[]) => string
>;

/** `tagpin completion bash|zsh|fish`: a script made from the commands that there are. */
export function completionCommand(io: CommandIO, finish: FinishCommand): Command {
  return new Command('completion')
    .description('a completion script for a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .addHelpText(
      'after',
      `
Examples:
  source <(tagpin completion bash)
  tagpin completion zsh > "\${fpath[1]}/_tagpin"
  tagpin completion fish > ~/.config/fish/completions/tagpin.fish`,
    )
    .action((shell: keyof typeof SCRIPTS, _options: object, command: Command) =>
      finish(completion(io, shell, command.parent ?? command)),
    );
}

function completion(io: CommandIO, shell: keyof typeof SCRIPTS, program: Command): ExitCode {
  io.stdout.write(SCRIPTS[shell](describeCommands(program)));
  return 0;
}
