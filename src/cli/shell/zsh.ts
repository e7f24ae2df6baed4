import type { CommandFacts, ValueFacts } from './tree.ts';

/** The completion script for zsh: to be sourced, or to be put into `$fpath` as `_tagpin`. */
export function zshScript(commands: readonly CommandFacts[]): string {
  return `#compdef tagpin kubectl-tagpin
# zsh completion for tagpin: source <(tagpin completion zsh)
_tagpin() {
  local at="" word skip="" i
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n $skip ]]; then skip=""; continue; fi
    [[ $word == "--" ]] && break
    case "$at $word" in
${commands
  .flatMap(({ path, options, commands: inner }) => [
    ...options.flatMap(({ names, values }) =>
      values === null ? [] : names.map((name) => `      ${quote(`${path} ${name}`)}) skip=1 ;;`),
    ),
    ...inner.map(({ name }) => `      ${quote(`${path} ${name}`)}) at=${quote(`${path} ${name}`.trim())} ;;`),
  ])
  .join('\n')}
    esac
  done
  case "$at" in
${commands.map(describe).join('\n')}
  esac
}
if [[ \${funcstack[1]} == _tagpin ]]; then _tagpin; else compdef _tagpin tagpin kubectl-tagpin; fi
`;
}

function describe({ path, commands, options, argument }: CommandFacts): string {
  const inner = commands.map(({ name, description }) => quote(`${name}:${description}`));
  const specs = options.map(({ names, description, values }) => {
    const label = `[${description.replaceAll(/[\][\\:]/g, '\\$&')}]${action(values)}`;
    return names.length === 1 ? quote(`*${names[0]}${label}`) : `'*'{${names.join(',')}}${quote(label)}`;
  });
  const what = inner.length === 0 && argument !== null ? [quote(`*${action(argument)}`)] : [];
  // Counted from the command itself, _arguments knows its own words only.
  const depth = path === '' ? 0 : path.split(' ').length;
  const lines = [
    ...(depth === 0 ? [] : [`words=("\${(@)words[${depth + 1},-1]}"); ((CURRENT -= ${depth}))`]),
    ...(inner.length === 0
      ? []
      : [
          `if [[ \${words[CURRENT]} != -* ]]; then`,
          `  local -a inner=(${inner.join(' ')})`,
          '  _describe command inner; return',
          'fi',
        ]),
    `_arguments -s -S ${[...specs, ...what].join(' ')} ;;`,
  ];
  return [`    ${quote(path)})`, ...lines.map((line) => `      ${line}`)].join('\n');
}

function action(values: ValueFacts | null): string {
  switch (values?.kind) {
    case undefined:
      return '';
    case 'words':
      return `:value:(${values.words.join(' ')})`;
    case 'file':
      return ':file:_files';
    case 'text':
      return ':value: ';
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
