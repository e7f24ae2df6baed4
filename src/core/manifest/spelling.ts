import type { WrittenText } from './document.ts';

/** Letters of no meaning to YAML, and colons that no space follows. */
const HARMLESS = /^[A-Za-z0-9][\w./@+=-]*(?::[\w./@+=-]+)*$/;
/** What YAML 1.1 or 1.2 reads as something else than a string. Kubernetes' tools still read 1.1. */
const WORD = /^(?:y|n|yes|no|on|off|true|false|null)$/i;
/** Numbers of all bases, with `:` too, and what begins as a date does. A second dot makes a text of it, as in `1.27.3`. */
const NUMBER = /^(?:0[xob][0-9a-f]+|\d+(?::\d+)*(?:\.\d*)?(?:e[-+]?\d+)?|\d{4}-\d\d?-\d\d?(?:[Tt].*)?)$/i;

/**
 * Spells a value as a text is spelled that stands there already: in its quotes, in its block.
 *
 * @param written the text that is there, and `source`, its bytes.
 * @returns what to put in place of the source; null where that style cannot hold the value.
 */
export function spell(value: string, { style, value: former }: WrittenText, source: string): string | null {
  switch (style) {
    case 'plain':
      return HARMLESS.test(value) && !WORD.test(value) && !NUMBER.test(value.replaceAll('_', ''))
        ? value
        : JSON.stringify(value);
    case 'single':
      return isPrintable(value) ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);
    case 'double':
      return JSON.stringify(value);
    case 'literal':
    case 'folded':
      return respellBlock(value, former, source);
  }
}

/** A block of one line keeps its header, its indentation and the blank lines round it. */
function respellBlock(value: string, former: string, source: string): string | null {
  const lines = source.split('\n');
  const [index, second] = lines.flatMap((line, at) => (at > 0 && line.trim() !== '' ? [at] : []));
  const line = lines[index ?? 0];
  if (index === undefined || line === undefined || second !== undefined || !isPrintable(value)) return null;
  const text = former.replace(/^\n+|\n+$/g, '');
  const at = line.indexOf(text);
  if (text === '' || at === -1 || line.slice(0, at).trim() !== '') return null;
  return lines.with(index, `${line.slice(0, at)}${value}${line.slice(at + text.length)}`).join('\n');
}

function isPrintable(value: string): boolean {
  return !/[\p{Cc}\u2028\u2029\uFEFF\p{Cs}]/u.test(value);
}
