/** A Dockerfile's instructions, as far as ours uses the language: no heredocs, no escape directive. */

export interface Instruction {
  /** In upper case: `FROM`, `RUN`, … */
  readonly name: string;
  /** What follows on its line and the lines that continue it, comments left out. */
  readonly text: string;
  readonly line: number;
}

/** The instructions of one `FROM`. */
export interface Stage {
  readonly name: string;
  /** What it starts from, arguments filled in with their defaults. */
  readonly base: string;
  /** Without the `FROM`. */
  readonly instructions: readonly Instruction[];
}

/** @throws Error for a line that is no instruction. */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  const defaults = new Map<string, string>();
  for (const instruction of instructionsOf(text)) {
    if (instruction.name === 'FROM') {
      const match = /^(?:--platform=\S+ +)?(\S+)(?: +AS +(\S+))?$/i.exec(instruction.text);
      if (match === null) throw new Error(`line ${instruction.line}: not a FROM: ${instruction.text}`);
      const base = (match[1] ?? '').replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => defaults.get(name) ?? '');
      stages.push({ name: match[2] ?? '', base, instructions: [] });
    } else if (stages.length > 0) {
      stages.at(-1)?.instructions.push(instruction);
    } else if (instruction.name === 'ARG') {
      const [name = '', value = ''] = instruction.text.split('=', 2);
      defaults.set(name, value);
    } else throw new Error(`line ${instruction.line}: ${instruction.name} before the first FROM`);
  }
  return stages;
}

function instructionsOf(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let begun = '';
  let start = 0;
  for (const [index, line] of text.split('\n').entries()) {
    // A comment stands on a line of its own, also between lines that continue one another.
    if (/^\s*(?:#|$)/.test(line)) continue;
    if (begun === '') start = index + 1;
    begun += line.replace(/\\$/, '');
    if (line.endsWith('\\')) continue;
    const match = /^\s*([A-Za-z]+)\s+(.*\S)\s*$/.exec(begun);
    if (match === null) throw new Error(`line ${start}: not an instruction: ${begun}`);
    instructions.push({ name: (match[1] ?? '').toUpperCase(), text: match[2] ?? '', line: start });
    begun = '';
  }
  return instructions;
}

/** What a `COPY` takes, from where and to where; its flags with their values. */
export function parseCopy(text: string): { flags: Readonly<Record<string, string>>; from: string[]; to: string } {
  const words = text.split(/\s+/);
  const flags = words.filter((word) => word.startsWith('--')).map((flag) => flag.slice(2).split('=', 2));
  const paths = words.filter((word) => !word.startsWith('--'));
  return { flags: Object.fromEntries(flags), from: paths.slice(0, -1), to: paths.at(-1) ?? '' };
}

/** Whether a file of the folder is sent to the builder, by the lines of a `.dockerignore`: the last that matches counts. */
export function isInContext(dockerignore: string, path: string): boolean {
  let inContext = true;
  for (const line of dockerignore.split('\n')) {
    const pattern = line.trim().replace(/^!/, '');
    if (pattern === '' || pattern.startsWith('#')) continue;
    const matcher = new RegExp(`^${pattern.split('**').map(withinOneName).join('.*')}(?:/.*)?$`);
    if (matcher.test(path)) inContext = line.trim().startsWith('!');
  }
  return inContext;
}

function withinOneName(pattern: string): string {
  return pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('?', '[^/]'))
    .join('[^/]*');
}
