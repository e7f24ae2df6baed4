import type { ScalarStyle } from './document.ts';
import { readJson } from './json-reader.ts';
import type { Outline } from './outline.ts';
import { spell } from './spelling.ts';

/** A value that is not there yet. */
export type NewValue = string | boolean | readonly NewValue[] | NewMapping;

/** Its keys in the order in which they are to be written. */
export interface NewMapping {
  readonly entries: readonly (readonly [key: string, value: NewValue])[];
}

/** How a text is written, so that what is put into it looks the same. */
export interface Handwriting {
  /** Is it JSON, where every key and every text has double quotes? */
  readonly isJson: boolean;
  /** Columns that a mapping in a mapping is indented by. */
  readonly step: number;
  /** Columns that a list in a mapping is indented by; often none. */
  readonly listStep: number;
  readonly lineEnd: '\n' | '\r\n';
}

/** The column of an offset, from 0. A byte order mark takes none. */
export function columnOf(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return offset - (start === 0 && text.startsWith('\uFEFF') ? 1 : start);
}

/** Looks how a text is written: the first place of each kind counts. */
export function handwritingOf(text: string, root: Outline | null): Handwriting {
  let step: number | null = null;
  let listStep: number | null = null;

  function look(outline: Outline): void {
    if (outline.kind === 'sequence') for (const item of outline.items) look(item);
    if (outline.kind !== 'mapping') return;
    for (const { keyStart, value } of outline.entries) {
      if (
        (value.kind === 'mapping' || value.kind === 'sequence') &&
        value.layout === 'block' &&
        outline.layout === 'block'
      ) {
        const indented = columnOf(text, value.start) - columnOf(text, keyStart);
        if (value.kind === 'mapping' && indented > 0) step ??= indented;
        if (value.kind === 'sequence' && indented >= 0) listStep ??= indented;
      }
      look(value);
    }
  }

  if (root !== null) look(root);
  return {
    isJson: root !== null && root.kind !== 'scalar' && /^\uFEFF?\s*[{[]/.test(text) && readJson(text).ok,
    step: step ?? 2,
    listStep: listStep ?? 0,
    lineEnd: /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n',
  };
}

/** A quoted sibling, whose quotes a new text gets too; null where it may do without. */
export type Quotes = Extract<ScalarStyle, 'single' | 'double'> | null;

/** `KEY: VALUE`, in lines; those after the first are indented by `column`, the first is not. */
export function blockEntry(
  [key, value]: readonly [string, NewValue],
  column: number,
  hand: Handwriting,
  quotesOf: (key: string) => Quotes,
): string {
  const name = `${writtenKey(key, hand)}:`;
  if (typeof value === 'string' || typeof value === 'boolean')
    return `${name} ${scalarText(value, quotesOf(key), hand)}`;
  if (isEmpty(value)) return `${name} ${flowText(value, hand, quotesOf)}`;
  const inner = column + (isList(value) ? hand.listStep : hand.step);
  return `${name}${hand.lineEnd}${' '.repeat(inner)}${blockText(value, inner, hand, quotesOf)}`;
}

/** A value on lines of its own; those after the first are indented by `column`, the first is not. `gap` stands behind dashes. */
export function blockText(
  value: NewValue,
  column: number,
  hand: Handwriting,
  quotesOf: (key: string) => Quotes,
  gap = ' ',
): string {
  if (typeof value === 'string' || typeof value === 'boolean') return scalarText(value, quotesOf(''), hand);
  if (isEmpty(value)) return flowText(value, hand, quotesOf);
  const lineEnd = `${hand.lineEnd}${' '.repeat(column)}`;
  return isList(value)
    ? value.map((item) => `-${gap}${blockText(item, column + 1 + gap.length, hand, quotesOf)}`).join(lineEnd)
    : value.entries.map((entry) => blockEntry(entry, column, hand, quotesOf)).join(lineEnd);
}

/** A value in brackets, on one line. */
export function flowText(value: NewValue, hand: Handwriting, quotesOf: (key: string) => Quotes): string {
  if (typeof value === 'string' || typeof value === 'boolean') return scalarText(value, quotesOf(''), hand);
  return isList(value)
    ? `[${value.map((item) => flowText(item, hand, quotesOf)).join(', ')}]`
    : `{${value.entries.map((entry) => flowEntry(entry, hand, quotesOf)).join(', ')}}`;
}

/** `KEY: VALUE`, on one line. */
export function flowEntry(
  [key, value]: readonly [string, NewValue],
  hand: Handwriting,
  quotesOf: (key: string) => Quotes,
): string {
  const inner = typeof value === 'string' ? scalarText(value, quotesOf(key), hand) : flowText(value, hand, quotesOf);
  return `${writtenKey(key, hand)}: ${inner}`;
}

function writtenKey(key: string, hand: Handwriting): string {
  return scalarText(key, null, hand);
}

function scalarText(value: string | boolean, quotes: Quotes, { isJson }: Handwriting): string {
  if (typeof value === 'boolean') return String(value);
  const style = isJson ? 'double' : (quotes ?? 'plain');
  return spell(value, { style, value: '', start: 0, end: 0, alias: null }, '') ?? JSON.stringify(value);
}

/** Is it a list, and no mapping? */
export function isList(value: readonly NewValue[] | NewMapping): value is readonly NewValue[] {
  return Array.isArray(value);
}

function isEmpty(value: readonly NewValue[] | NewMapping): boolean {
  return (isList(value) ? value : value.entries).length === 0;
}
