import type { CommandFacts, ValueFacts } from './tree.ts';

/** The completion script for fish. */
export function fishScript(commands: readonly CommandFacts[]): string {
  const inner = commands.flatMap(({ path, commands: children }) =>
    children.map(({ name }) => `${path} ${name}`.trim()),
  );
  const lines = commands.flatMap(({ path, commands: children, options, argument }) => {
    const at = `-n ${quote(`__tagpin_at ${path}`.trim())}`;
    return [
      `complete -c tagpin ${at} ${children.length === 0 && argument?.kind === 'file' ? '-F' : '-f'}`,
      ...children.map(({ name, description }) => `complete -c tagpin ${at} -a ${quote(name)} -d ${quote(description)}`),
      ...(argument?.kind === 'words' ? [`complete -c tagpin ${at} -a ${quote(argument.words.join(' '))}`] : []),
      ...options.map(({ names, description, values }) => {
        const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
        return `complete -c tagpin ${at} ${flags.join(' ')}${takes(values)} -d ${quote(description)}`;
      }),
    ];
  });
  return `# fish completion for tagpin: tagpin completion fish | source
function __tagpin_at
    set -l path
    set -l words (commandline -opc)
    set -e words[1]
    for word in $words
        if contains -- (string trim -- "$path $word") ${inner.map(quote).join(' ')}
            set path (string trim -- "$path $word")
        end
    end
    test "$path" = "$argv"
end
${lines.join('\n')}
complete -c kubectl-tagpin -w tagpin
`;
}

function takes(values: ValueFacts | null): string {
  switch (values?.kind) {
    case undefined:
      return '';
    case 'words':
      return ` -x -a ${quote(values.words.join(' '))}`;
    case 'file':
      return ' -r -F';
    case 'text':
      return ' -x';
  }
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
