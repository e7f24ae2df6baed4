import { isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Path, ScalarStyle, Span } from './document.ts';

/** How a mapping or a list is written: by indentation, or in brackets. */
export type Layout = 'block' | 'flow';

/** A value as it is written, aliases not followed; ends are without comments and spaces behind the value. */
export type Outline = OutlineScalar | OutlineMapping | OutlineSequence | OutlineOpaque;

export interface OutlineScalar extends Span {
  readonly kind: 'scalar';
  /** `empty`: nothing is written there, as behind `key:`, which means null. */
  readonly style: ScalarStyle | 'empty';
  readonly value: unknown;
}

export interface OutlineMapping extends Span {
  readonly kind: 'mapping';
  readonly layout: Layout;
  readonly entries: readonly OutlineEntry[];
}

export interface OutlineEntry {
  /** Null for `<<` and for what is no scalar. */
  readonly key: string | null;
  readonly keyStart: number;
  /** Is its text in double quotes, as JSON wants keys? */
  readonly isQuoted: boolean;
  readonly value: Outline;
}

export interface OutlineSequence extends Span {
  readonly kind: 'sequence';
  readonly layout: Layout;
  readonly items: readonly Outline[];
}

/** What is not looked into: an alias (`name` is its anchor), or what is rarer still. */
export interface OutlineOpaque extends Span {
  readonly kind: 'opaque';
  readonly name: string | null;
}

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

/**
 * Tells where the values of a text are written, so that others can be put beside them.
 *
 * @param text one document that `readManifest` takes: what that refuses is not looked for here again.
 * @returns the outline; null for a text without a value: empty, or comments only.
 */
export function outlineOf(text: string): Outline | null {
  const parsed = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: false, stringKeys: false, merge: false });
  const [document] = Array.isArray(parsed) ? parsed : [];
  if (document === undefined) return null;
  const outline = outlineNode(document.contents);
  return outline.kind === 'scalar' && outline.style === 'empty' ? null : outline;
}

/** Where a way through an outline leads. */
export type Found =
  | { readonly kind: 'found'; readonly outline: Outline }
  /** `depth` steps could be gone, and `outline` stands there; it has nothing under the next one. */
  | { readonly kind: 'missing'; readonly depth: number; readonly outline: Outline }
  /** The way leads through what is written somewhere else. */
  | { readonly kind: 'elsewhere'; readonly depth: number; readonly offset: number; readonly written: string };

/** Goes a way through an outline, as far as it is written there. */
export function followOutline(root: Outline, path: Path): Found {
  let outline = root;
  for (const [depth, step] of path.entries()) {
    const next = childAt(outline, step);
    if (next !== null) {
      outline = next;
      continue;
    }
    if (outline.kind === 'opaque') return elsewhere(outline, depth);
    const merge = outline.kind === 'mapping' ? outline.entries.find(({ key }) => key === null) : undefined;
    if (merge !== undefined) return { kind: 'elsewhere', depth, offset: merge.keyStart, written: 'a merge key (<<)' };
    return { kind: 'missing', depth, outline };
  }
  return outline.kind === 'opaque' ? elsewhere(outline, path.length) : { kind: 'found', outline };
}

function elsewhere({ name, start }: OutlineOpaque, depth: number): Found {
  return { kind: 'elsewhere', depth, offset: start, written: name === null ? 'an unusual key' : `the alias *${name}` };
}

function childAt(outline: Outline, step: string | number): Outline | null {
  if (outline.kind === 'sequence' && typeof step === 'number') return outline.items[step] ?? null;
  if (outline.kind !== 'mapping' || typeof step !== 'string') return null;
  return outline.entries.find(({ key }) => key === step)?.value ?? null;
}

function outlineNode(node: unknown): Outline {
  if (isScalar(node)) {
    const [start, end] = node.range ?? [0, 0];
    const style = start === end ? 'empty' : (STYLES[node.type ?? ''] ?? 'plain');
    return { kind: 'scalar', start, end, style, value: node.value };
  }
  if (isMap(node)) {
    const [start, end] = node.range ?? [0, 0];
    const entries = node.items.map(({ key, value }) => {
      const isPlain = isScalar(key) && !(key.type === 'PLAIN' && key.source === '<<');
      const [keyStart, keyEnd] = (isScalar(key) || isAlias(key) ? key.range : null) ?? [start, start];
      const outline = value === null ? opaque(keyEnd) : outlineNode(value);
      return {
        key: isPlain ? textOf(key) : null,
        keyStart,
        isQuoted: isScalar(key) && key.type === 'QUOTE_DOUBLE',
        value: outline,
      };
    });
    return node.flow === true
      ? { kind: 'mapping', layout: 'flow', start, end, entries }
      : { kind: 'mapping', layout: 'block', start, end: entries.at(-1)?.value.end ?? end, entries };
  }
  if (isSeq(node)) {
    const [start, end] = node.range ?? [0, 0];
    // In `[a: b]` an item is a mapping without brackets: nothing is to be put into that.
    const items = node.items.map((item) => (isPair(item) ? opaque(start) : outlineNode(item)));
    return node.flow === true
      ? { kind: 'sequence', layout: 'flow', start, end, items }
      : { kind: 'sequence', layout: 'block', start, end: items.at(-1)?.end ?? end, items };
  }
  if (isAlias(node)) {
    const [start, end] = node.range ?? [0, 0];
    return { kind: 'opaque', start, end, name: node.source };
  }
  return opaque(0);
}

function opaque(at: number): OutlineOpaque {
  return { kind: 'opaque', start: at, end: at, name: null };
}

/** As the reader of manifests has it: keys that are no strings are their text. */
function textOf({ value, source }: { value: unknown; source?: string }): string {
  return typeof value === 'string' ? value : (source ?? '');
}
