import type { Argument, Command, Option } from 'commander';

/** What a shell needs to know about one command. */
export interface CommandFacts {
  /** `pin`, `policy check`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionFacts[];
  readonly argument: ValueFacts | null;
}

/** One option; `values` is null where it takes no value. */
export interface OptionFacts {
  /** `-o` and `--output`, as far as there are both. */
  readonly names: readonly string[];
  readonly description: string;
  readonly values: ValueFacts | null;
}

/** What may be written in a place: one of a few words, a file, or anything. */
export type ValueFacts =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'text' };

/** How help texts call what is a file or a folder. */
const FILE = /file|folder|dir/i;

/** All commands of a program, the program first. */
export function describeCommands(program: Command): readonly CommandFacts[] {
  const describe = (command: Command, path: readonly string[]): readonly CommandFacts[] => [
    {
      path: path.join(' '),
      commands: command.commands.map((child) => ({ name: child.name(), description: child.description() })),
      options: command.createHelp().visibleOptions(command).map(describeOption),
      argument: describeArgument(command.registeredArguments[0]),
    },
    ...command.commands.flatMap((child) => describe(child, [...path, child.name()])),
  ];
  return describe(program, []);
}

function describeOption({ short, long, description, flags, required, optional, argChoices }: Option): OptionFacts {
  return {
    names: [short, long].flatMap((name) => (name === undefined || name === null ? [] : [name])),
    description,
    values: required || optional ? describeValue(flags, argChoices) : null,
  };
}

function describeArgument(argument: Argument | undefined): ValueFacts | null {
  return argument === undefined ? null : describeValue(argument.name(), argument.argChoices);
}

function describeValue(name: string, choices: readonly string[] | undefined): ValueFacts {
  if (choices !== undefined) return { kind: 'words', words: choices };
  return { kind: FILE.test(name.replace(/^.*?[<[]/, '')) ? 'file' : 'text' };
}
