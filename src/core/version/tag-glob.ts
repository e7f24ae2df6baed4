import { RE2JS } from 're2js';
import { parsePattern } from '../policy/grammar/pattern.ts';

type Compiled =
  | { readonly ok: true; readonly value: (tag: string) => boolean }
  | { readonly ok: false; readonly problem: string };

/**
 * Compiles a glob of tags as Go's `path/filepath.Match` reads it, since that is what users of Argo CD Image Updater write: `*` any
 * run, `?` one character, `[a-z]` and `[^a-z]` one of a set, `\` takes the next character as it is. It covers the whole tag.
 * A tag has no `/`, so that `*` needs no exception for it.
 */
export function compileTagGlob(glob: string): Compiled {
  let expression = '';
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob.charAt(at);
    if (character === '*') expression += '.*';
    else if (character === '?') expression += '.';
    else if (character === '\\') {
      at += 1;
      if (at === glob.length) return bad(glob, 'it ends in a backslash');
      expression += RE2JS.quote(glob.charAt(at));
    } else if (character === '[') {
      const set = readSet(glob, at);
      if (set === null) return bad(glob, 'its [ has no set of characters and ] behind it');
      expression += set.expression;
      at = set.end;
    } else expression += RE2JS.quote(character);
  }
  const parsed = parsePattern(`^(?:${expression})$`);
  if (!parsed.ok) return bad(glob, 'it can not be read');
  return { ok: true, value: (tag) => parsed.pattern.test(tag) };
}

/** A set that begins at `[`: the place of its `]`, and the same for RE2. Null where it is none. */
function readSet(glob: string, start: number): { readonly end: number; readonly expression: string } | null {
  const found = /^\[(?:(?<not>\^)|(?!\^))(?<body>(?:\\.|[^\]\\])+)\]/.exec(glob.slice(start));
  if (found === null) return null;
  const { not = '', body = '' } = found.groups ?? {};
  const members: string[] = [];
  const literal = (text: string): string => RE2JS.quote(text.replace(/^\\/, '')).replace(/^([\^\-[\]])$/, '\\$1');
  for (const [member] of body.matchAll(/(?:\\.|[^-\\])-(?:\\.|[^\\])|\\.|[^\\]/g)) {
    const range = /^(?<low>\\.|[^\\])-(?<high>\\.|[^\\])$/.exec(member)?.groups;
    if (range === undefined) {
      // Go refuses a dash that is no range.
      if (member === '-') return null;
      members.push(literal(member));
    } else {
      const [low, high] = [range['low'] ?? '', range['high'] ?? ''].map((each) => each.replace(/^\\/, ''));
      if (low === undefined || high === undefined || low > high) return null;
      members.push(`${literal(low)}-${literal(high)}`);
    }
  }
  return { end: start + found[0].length - 1, expression: `[${not}${members.join('')}]` };
}

function bad(glob: string, problem: string): Compiled {
  return { ok: false, problem: `${JSON.stringify(glob)} is not a glob: ${problem}` };
}
