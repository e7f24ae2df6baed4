import type { CommandFacts, ValueFacts } from './tree.ts';

/** The completion script for bash, which needs nothing but bash; also for the kubectl plugin's own name. */
export function bashScript(commands: readonly CommandFacts[]): string {
  return `# bash completion for tagpin: source <(tagpin completion bash)
_tagpin() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" word skip="" rest="" i
  COMPREPLY=()
  # The shell takes --name=value apart into three words.
  if [[ $cur == "=" ]]; then cur=""
  elif [[ $prev == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ $word == "=" ]]; then skip=1; continue; fi
    if [[ $skip ]]; then skip=""; continue; fi
    if [[ $word == "--" ]]; then rest=1; break; fi
    case "$path $word" in
${cases(commands, 4, ({ path, options }) => [
  [
    options.filter(({ values }) => values !== null).flatMap(({ names }) => names.map((name) => `${path} ${name}`)),
    'skip=1',
  ],
])}
${cases(commands, 4, ({ path, commands: inner }) =>
  inner.map(({ name }) => [[`${path} ${name}`], `path=${quote(path === '' ? name : `${path} ${name}`)}`]),
)}
    esac
  done
  # --name=value has its value already, so that the next word is none.
  if [[ -z $rest ]]; then
    case "$path $prev" in
${cases(commands, 4, ({ path, options }) =>
  options.flatMap(({ names, values }) =>
    values === null ? [] : [[names.map((name) => `${path} ${name}`), `${reply(values)}; return`]],
  ),
)}
    esac
  fi
  if [[ -z $rest && $cur == -* ]]; then
    case "$path" in
${cases(commands, 4, ({ path, options }) => [[[path], replyWords(options.flatMap(({ names }) => names))]])}
    esac
    return
  fi
  case "$path" in
${cases(commands, 2, ({ path, commands: inner, argument }) => [
  [[path], inner.length > 0 ? replyWords(inner.map(({ name }) => name)) : reply(argument)],
])}
  esac
}
complete -F _tagpin tagpin kubectl-tagpin
`;
}

type Case = readonly [patterns: readonly string[], action: string];

function cases(
  commands: readonly CommandFacts[],
  indent: number,
  of: (command: CommandFacts) => readonly Case[],
): string {
  return commands
    .flatMap(of)
    .filter(([patterns]) => patterns.length > 0)
    .map(([patterns, action]) => `${' '.repeat(indent + 2)}${patterns.map(quote).join(' | ')}) ${action} ;;`)
    .join('\n');
}

function reply(values: ValueFacts | null): string {
  switch (values?.kind) {
    case 'words':
      return replyWords(values.words);
    case 'file':
      return 'compopt -o default';
    case 'text':
    case undefined:
      return ':';
  }
}

function replyWords(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W ${quote(words.join(' '))} -- "$cur"))`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
