import type { RE2JS } from 're2js';
import { parsePattern } from '../policy/grammar/pattern.ts';
import { compileTagGlob } from './tag-glob.ts';

/** What a filter of tags does; or what is wrong with its text, half a sentence. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Which tags may be chosen at all. */
export interface TagFilter {
  readonly allows: (tag: string) => boolean;
  /** The pattern, where it is one: an extract expression takes its groups. */
  readonly pattern: RE2JS | null;
}

const PATTERN = /^regexp:/i;

/**
 * Reads `allow-tags`: `any` or nothing, `regexp:RE2` (unanchored), `glob:GLOB`. Argo CD Image Updater takes the first two, and
 * lets nothing through where it can't read the text, without telling anyone but its log.
 */
export function parseAllowTags(text: string): Parsed<TagFilter> {
  const wanted = text.trim();
  if (wanted === '' || wanted.toLowerCase() === 'any') return good({ allows: () => true, pattern: null });
  if (PATTERN.test(wanted)) {
    const parsed = parsePattern(wanted.replace(PATTERN, ''));
    if (!parsed.ok) return bad(`its pattern ${parsed.problem}`);
    const { pattern } = parsed;
    return good({ allows: (tag) => pattern.test(tag), pattern });
  }
  if (/^glob:/i.test(wanted)) {
    const glob = compileTagGlob(wanted.slice('glob:'.length));
    return glob.ok ? good({ allows: glob.value, pattern: null }) : glob;
  }
  return bad(`${JSON.stringify(wanted)} is none of any, regexp:PATTERN and glob:GLOB`);
}

/**
 * Reads `ignore-tags`: a comma list of globs, or one `regexp:RE2`, which many write there and Argo CD Image Updater takes for a
 * glob that matches nothing.
 *
 * @returns whether a tag is ignored.
 */
export function parseIgnoreTags(text: string): Parsed<(tag: string) => boolean> {
  const wanted = text.trim();
  if (PATTERN.test(wanted)) {
    const parsed = parsePattern(wanted.replace(PATTERN, ''));
    if (!parsed.ok) return bad(`its pattern ${parsed.problem}`);
    return good((tag) => parsed.pattern.test(tag));
  }
  const globs: ((tag: string) => boolean)[] = [];
  for (const item of wanted.split(',').map((each) => each.trim())) {
    if (item === '') continue;
    if (PATTERN.test(item)) return bad('a regexp: stands alone there: join several into one with |');
    const glob = compileTagGlob(item);
    if (!glob.ok) return glob;
    globs.push(glob.value);
  }
  return good((tag) => globs.some((matches) => matches(tag)));
}

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
