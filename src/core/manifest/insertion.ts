import { type Path, pathText, type Span } from './document.ts';
import {
  followOutline,
  type Outline,
  type OutlineMapping,
  type OutlineScalar,
  type OutlineSequence,
} from './outline.ts';
import {
  blockEntry,
  blockText,
  columnOf,
  flowEntry,
  flowText,
  type Handwriting,
  type NewValue,
  type Quotes,
} from './rendering.ts';

/** What to put in place of a piece of a text, or why nothing can be put there. */
export type Insertion = (Span & { readonly text: string }) | { readonly offset: number; readonly problem: string };

/** Puts a key behind the others of the mapping at a path. What is nothing (`key:`, or an empty text) becomes a mapping. */
export function addEntry(
  text: string,
  root: Outline | null,
  { path, key, value }: { path: Path; key: string; value: NewValue },
  hand: Handwriting,
): Insertion {
  const entry = [key, value] as const;
  const place = placeOf(root, path);
  if (place.kind === 'refused') return place.refusal;
  if (place.kind === 'blank') return endOfText(text, blockEntry(entry, 0, hand, unquoted), hand);
  const { outline } = place;
  if (isNothing(outline)) {
    return fillNothing(text, place, hand, {
      block: (column) => blockEntry(entry, column, hand, unquoted),
      flow: `{${flowEntry(entry, hand, unquoted)}}`,
      step: hand.step,
    });
  }
  if (outline.kind !== 'mapping') return { offset: outline.start, problem: `${pathText(path)} is no mapping` };
  const quotes =
    outline.entries.map((sibling) => quotesOf(sibling.value)).findLast((style) => style !== undefined) ?? null;
  const last = outline.entries.at(-1);
  if (outline.layout === 'flow') {
    return flowInsertion(
      text,
      outline,
      last?.value,
      last?.keyStart,
      flowEntry(entry, hand, () => quotes),
      hand,
    );
  }
  const column = columnOf(text, outline.entries[0]?.keyStart ?? outline.start);
  return newLine(
    text,
    outline.end,
    column,
    blockEntry(entry, column, hand, () => quotes),
    hand,
  );
}

/** Puts an item behind the others of the list at a path. What is nothing becomes a list. */
export function appendItem(
  text: string,
  root: Outline | null,
  { path, value }: { path: Path; value: NewValue },
  hand: Handwriting,
): Insertion {
  const place = placeOf(root, path);
  if (place.kind === 'refused') return place.refusal;
  if (place.kind === 'blank') return endOfText(text, blockText([value], 0, hand, unquoted), hand);
  const { outline } = place;
  if (isNothing(outline)) {
    return fillNothing(text, place, hand, {
      block: (column) => blockText([value], column, hand, unquoted),
      flow: flowText([value], hand, unquoted),
      step: hand.listStep,
    });
  }
  if (outline.kind !== 'sequence') return { offset: outline.start, problem: `${pathText(path)} is no list` };
  const last = outline.items.at(-1);
  const quotes = (key: string): Quotes => (last === undefined ? null : (quotesOf(memberOf(last, key)) ?? null));
  if (outline.layout === 'flow') {
    return flowInsertion(text, outline, last, last?.start, flowText(value, hand, quotes), hand);
  }
  const gap = /^-([ \t]+)\S/.exec(text.slice(outline.start))?.[1] ?? ' ';
  const column = columnOf(text, outline.start);
  return newLine(text, outline.end, column, blockText([value], column, hand, quotes, gap), hand);
}

/** Takes a key out of the mapping at a path, with its line. */
export function removeEntry(text: string, root: Outline | null, { path, key }: { path: Path; key: string }): Insertion {
  const place = placeOf(root, path);
  if (place.kind === 'refused') return place.refusal;
  const outline = place.kind === 'blank' ? null : place.outline;
  const entries = outline?.kind === 'mapping' ? outline.entries : [];
  const index = entries.findIndex((entry) => entry.key === key);
  const entry = entries[index];
  const next = entries[index + 1];
  const previous = entries[index - 1];
  if (outline?.kind !== 'mapping' || entry === undefined) {
    return { offset: outline?.start ?? 0, problem: `there is no ${pathText([...path, key])}` };
  }
  const { keyStart, value } = entry;
  if (previous === undefined) {
    return next === undefined
      ? { offset: keyStart, problem: `${pathText([...path, key])} is all there is of ${pathText(path)}` }
      : { start: keyStart, end: next.keyStart, text: '' };
  }
  if (outline.layout === 'flow') return { start: previous.value.end, end: value.end, text: '' };
  return { start: text.lastIndexOf('\n', keyStart - 1) + 1, end: afterLine(text, value.end), text: '' };
}

/** What is at a path; `column` is that of its key where it is the value of one in a block, else null. */
type Place =
  | { readonly kind: 'there'; readonly outline: Outline; readonly column: number | null; readonly keyStart: number }
  | { readonly kind: 'blank' }
  | { readonly kind: 'refused'; readonly refusal: { readonly offset: number; readonly problem: string } };

function placeOf(root: Outline | null, path: Path): Place {
  if (root === null) {
    return path.length === 0 ? { kind: 'blank' } : refused(0, `there is nothing at ${pathText(path)}`);
  }
  const found = followOutline(root, path);
  switch (found.kind) {
    case 'missing':
      return refused(found.outline.start, `there is nothing at ${pathText(path)}`);
    case 'elsewhere':
      return refused(
        found.offset,
        `${pathText(path)} is written somewhere else, behind ${found.written}: write it out`,
      );
    case 'found': {
      const parent = path.length === 0 ? null : followOutline(root, path.slice(0, -1));
      const holder = parent?.kind === 'found' && parent.outline.kind === 'mapping' ? parent.outline : null;
      const entry = holder?.entries.find(({ key }) => key === path.at(-1));
      const keyStart = entry?.keyStart ?? 0;
      return { kind: 'there', outline: found.outline, keyStart, column: holder?.layout === 'block' ? keyStart : null };
    }
  }
}

function refused(offset: number, problem: string): Place {
  return { kind: 'refused', refusal: { offset, problem } };
}

function isNothing(outline: Outline): outline is OutlineScalar {
  return outline.kind === 'scalar' && outline.value === null;
}

function fillNothing(
  text: string,
  { outline, column, keyStart }: Place & { kind: 'there' },
  hand: Handwriting,
  ways: { readonly block: (column: number) => string; readonly flow: string; readonly step: number },
): Insertion {
  const { start, end } = outline;
  if (outline.kind !== 'scalar' || outline.style !== 'empty' || column === null) {
    const before = start === end && !/\s/.test(text.charAt(start - 1)) ? ' ' : '';
    return { start, end, text: `${before}${ways.flow}` };
  }
  const inner = columnOf(text, keyStart) + ways.step;
  return newLine(text, start, inner, ways.block(inner), hand);
}

function unquoted(): Quotes {
  return null;
}

/** The quotes of a text, null where it has none; undefined for everything else. */
function quotesOf(outline: Outline | undefined): Quotes | undefined {
  if (outline?.kind !== 'scalar' || typeof outline.value !== 'string') return undefined;
  return outline.style === 'single' || outline.style === 'double' ? outline.style : null;
}

function memberOf(outline: Outline, key: string): Outline | undefined {
  return outline.kind === 'mapping' ? outline.entries.find((entry) => entry.key === key)?.value : outline;
}

function flowInsertion(
  text: string,
  outline: OutlineMapping | OutlineSequence,
  last: Outline | undefined,
  lastStart: number | undefined,
  inserted: string,
  hand: Handwriting,
): Insertion {
  const { start, end } = outline;
  if (last === undefined || lastStart === undefined) {
    return text.slice(start + 1, end - 1).trim() === ''
      ? { start: start + 1, end: end - 1, text: inserted }
      : { offset: start, problem: 'its brackets hold a comment only: write one entry' };
  }
  // Each on a line of its own, or all on one.
  const lineStart = text.lastIndexOf('\n', lastStart - 1) + 1;
  const before = text.slice(lineStart, lastStart);
  const gap = lineStart > start && before.trim() === '' ? `${hand.lineEnd}${before}` : ' ';
  return { start: last.end, end: last.end, text: `,${gap}${inserted}` };
}

/** A line of its own below the one that an offset is on. */
function newLine(text: string, offset: number, column: number, inserted: string, { lineEnd }: Handwriting): Insertion {
  const at = afterLine(text, offset);
  const line = `${' '.repeat(column)}${inserted}`;
  return text.charAt(at - 1) === '\n'
    ? { start: at, end: at, text: `${line}${lineEnd}` }
    : { start: at, end: at, text: `${lineEnd}${line}` };
}

function endOfText(text: string, inserted: string, { lineEnd }: Handwriting): Insertion {
  const at = text.length;
  const isOnLine = text.trim() === '' || text.endsWith('\n') || text === '\uFEFF';
  return { start: at, end: at, text: `${isOnLine ? '' : lineEnd}${inserted}${lineEnd}` };
}

/** The start of the next line; a block of text ends there itself. */
function afterLine(text: string, offset: number): number {
  if (text.charAt(offset - 1) === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}
