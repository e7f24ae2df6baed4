import { RE2JS } from 're2js';

/** Says whether a glob covers a whole text. */
export type Matches = (text: string) => boolean;

/**
 * Compiles a glob: `*` is any run without `/`, also none, `**` any run at all; everything else is itself. It must cover the
 * whole text. Matching takes linear time, whatever the pattern.
 */
export function compileGlob(glob: string): Matches {
  if (!glob.includes('*')) return (text) => text === glob;
  if (/^\*\*+$/.test(glob)) return () => true;
  const expression = glob
    .split(/(\*+)/)
    .map((part) => (part === '*' ? '[^/]*' : part.startsWith('*') ? '.*' : RE2JS.quote(part)))
    .join('');
  const compiled = RE2JS.compile(expression, RE2JS.DOTALL);
  return (text) => compiled.testExact(text);
}

/** Compiles several globs, of which one must match. */
export function compileGlobs(globs: readonly string[]): Matches {
  const compiled = globs.map(compileGlob);
  return (text) => compiled.some((matches) => matches(text));
}

/** What a glob of some kind of names may be made of. */
export interface GlobAlphabet {
  /** Matches a text of nothing but allowed characters, `*` among them. */
  readonly characters: RegExp;
  /** What has such names, and what they are made of, for the error. */
  readonly what: string;
}

export const NAMESPACE_GLOBS: GlobAlphabet = {
  characters: /^[a-z0-9*-]*$/,
  what: 'a namespace has lower-case letters, digits and "-"',
};

export const TAG_GLOBS: GlobAlphabet = {
  characters: /^[\w.*-]*$/,
  what: 'a tag has letters, digits, "_", "." and "-"',
};

/** Users, branches, paths and URLs: all that can be seen. */
export const TEXT_GLOBS: GlobAlphabet = { characters: /^[^\s\p{Cc}]*$/u, what: 'there is no white space in it' };

/** One sentence about what is wrong with a glob; null where nothing is. */
export function globProblem(glob: string, { characters, what }: GlobAlphabet): string | null {
  if (glob === '') return 'is an empty glob: it matches nothing';
  if (glob.includes('***')) return `${JSON.stringify(glob)} is not a glob: the wildcards are * and **`;
  if (!characters.test(glob)) return `${JSON.stringify(glob)} matches nothing: ${what}, and the wildcards are * and **`;
  return null;
}
