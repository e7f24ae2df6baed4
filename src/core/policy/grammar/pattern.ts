import { RE2JS } from 're2js';

/** A pattern of RE2's language, which takes linear time over any text; or what is wrong with it. */
export type ParsedPattern =
  | { readonly ok: true; readonly pattern: RE2JS }
  | { readonly ok: false; readonly problem: string };

/** Longer ones take tens of milliseconds to compile, and nobody can read them. */
const LONGEST_PATTERN = 256;
/** A repeat in a repeat multiplies: `(?:a{30}){30}` is 900 instructions. */
const LARGEST_PROGRAM = 5000;

/** Compiles a pattern, unanchored unless it says so. There is no look-around and there are no back-references. */
export function parsePattern(text: string): ParsedPattern {
  const quoted = JSON.stringify(text);
  if (text === '') return { ok: false, problem: 'is an empty pattern: it matches everything' };
  if (text.length > LONGEST_PATTERN) return { ok: false, problem: `is longer than ${LONGEST_PATTERN} characters` };
  try {
    const pattern = RE2JS.compile(text);
    if (pattern.programSize() > LARGEST_PROGRAM) return { ok: false, problem: `${quoted} repeats too much` };
    return { ok: true, pattern };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return { ok: false, problem: `${quoted} is not an RE2 pattern: ${reason}` };
  }
}
