import type { RE2JS } from 're2js';
import type { Parsed } from './filter.ts';

/** Makes of a tag what is compared in its place; null where the pattern does not match it. */
export type Extract = (tag: string) => string | null;

/** `$1`, `$name`, `${name}`, `$$`, as Go's `Regexp.Expand` reads them: a name is the longest run of word characters. */
const REFERENCE = /\$(?:(?<dollar>\$)|\{(?<braced>\w+)\}|(?<plain>\w+))/g;

/**
 * Reads an extract expression: text with groups of the allow pattern in it, as Flux's `filterTags.extract` has it. What Go makes
 * of a group that is not there, nothing, is an error here: `$1rc$2` names the group `1rc`.
 *
 * @param pattern of `allow-tags`; null where that is no pattern.
 */
export function parseExtract(text: string, pattern: RE2JS | null): Parsed<Extract> {
  if (pattern === null) {
    return { ok: false, problem: 'it takes groups of a pattern: write allow-tags as regexp:PATTERN' };
  }
  const names = Object.keys(pattern.namedGroups());
  for (const { groups } of text.matchAll(REFERENCE)) {
    const name = groups?.['braced'] ?? groups?.['plain'];
    if (name === undefined || isGroup(name, names, pattern)) continue;
    const digits = /^\d+/.exec(name)?.[0];
    const meant = digits !== undefined && groups?.['plain'] !== undefined && digits !== name ? `: \${${digits}}?` : '';
    return { ok: false, problem: `the pattern has no group ${JSON.stringify(name)}${meant}` };
  }
  return {
    ok: true,
    value: (tag) => {
      const matcher = pattern.matcher(tag);
      if (!matcher.find()) return null;
      return text.replaceAll(REFERENCE, (_whole, dollar?: string, braced?: string, plain?: string) => {
        if (dollar !== undefined) return '$';
        const name = braced ?? plain ?? '';
        return matcher.group(/^\d+$/.test(name) ? Number(name) : name) ?? '';
      });
    },
  };
}

function isGroup(name: string, names: readonly string[], pattern: RE2JS): boolean {
  return /^\d+$/.test(name) ? Number(name) <= pattern.groupCount() : names.includes(name);
}
