import { findDifferences } from './difference.ts';
import { type Manifest, type ManifestProblem, type Path, pathText, type Span } from './document.ts';
import type { Edited } from './edit.ts';
import { addEntry, appendItem, type Insertion, removeEntry } from './insertion.ts';
import { followOutline, type Outline, outlineOf } from './outline.ts';
import { placesOf } from './place.ts';
import { readManifest } from './read.ts';
import { handwritingOf, isList, type NewValue } from './rendering.ts';
import { spell } from './spelling.ts';

/** One change of a text that holds one document. */
export type Change =
  /** Whatever is written at a place, a number or nothing too, becomes a string. */
  | { readonly kind: 'set'; readonly path: Path; readonly value: string }
  /** The mapping at a path gets a key that it has not, behind its others. */
  | { readonly kind: 'add'; readonly path: Path; readonly key: string; readonly value: NewValue }
  /** The list at a path gets an item, behind its others. */
  | { readonly kind: 'append'; readonly path: Path; readonly value: NewValue }
  /** The mapping at a path loses a key, and the comment on its line. */
  | { readonly kind: 'remove'; readonly path: Path; readonly key: string };

/** A few aliases can stand for more values than there is time to compare. What is written out always is less. */
const MOST_VALUES = 2_000_000;

/**
 * Changes a text of one document, one change after the other. Only the bytes of what changes are touched; what is new is indented and
 * quoted as its neighbours are.
 *
 * The result is read again: it must say what was said before, with the changes and nothing else. What is written somewhere else, behind
 * an alias or a merge key, is not changed.
 *
 * @returns the new text, or why it cannot be changed so, and where.
 */
export function changeManifest(text: string, changes: readonly Change[]): Edited {
  const read = readManifest(text);
  if (!read.ok) return read;
  const [, second] = read.manifest.documents;
  if (second !== undefined) return failed(text, 0, 'it holds several documents, there should be one');
  let manifest = read.manifest;
  for (const group of grouped(changes)) {
    const changed = changeOnce(manifest, group);
    if (!changed.ok) return changed;
    manifest = changed.manifest;
  }
  return { ok: true, text: manifest.text };
}

/** New strings at places that are there are written in one go; everything else moves what comes behind it. */
function grouped(changes: readonly Change[]): readonly (readonly Change[])[] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups.at(-1);
    if (change.kind === 'set' && last?.[0]?.kind === 'set') last.push(change);
    else groups.push([change]);
  }
  return groups;
}

type ChangedManifest =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly problem: ManifestProblem };

function changeOnce(manifest: Manifest, changes: readonly Change[]): ChangedManifest {
  const root = outlineOf(manifest.text);
  const pieces: (Span & { readonly text: string })[] = [];
  for (const change of changes) {
    const insertion = insertionOf(manifest.text, root, change);
    if ('problem' in insertion) return failed(manifest.text, insertion.offset, insertion.problem);
    pieces.push(insertion);
  }
  return verify(manifest, changes, pieces);
}

function insertionOf(text: string, root: Outline | null, change: Change): Insertion {
  if (change.kind === 'set') return setScalar(text, root, change);
  const hand = handwritingOf(text, root);
  switch (change.kind) {
    case 'add':
      return addEntry(text, root, change, hand);
    case 'append':
      return appendItem(text, root, change, hand);
    case 'remove':
      return removeEntry(text, root, change);
  }
}

function setScalar(text: string, root: Outline | null, { path, value }: Change & { kind: 'set' }): Insertion {
  const found = root === null ? null : followOutline(root, path);
  if (found?.kind === 'elsewhere') {
    return {
      offset: found.offset,
      problem: `${pathText(path)} is written somewhere else, behind ${found.written}: write it out`,
    };
  }
  if (found?.kind !== 'found') return { offset: 0, problem: `there is nothing at ${pathText(path)}` };
  const { outline } = found;
  if (outline.kind !== 'scalar') {
    return {
      offset: outline.start,
      problem: `${pathText(path)} is a ${outline.kind === 'sequence' ? 'list' : 'mapping'}, not a text`,
    };
  }
  const { start, end, style } = outline;
  if (style === 'empty') {
    const spelled = spell(value, { style: 'plain', value: '', start, end, alias: null }, '') ?? '';
    const before = /[\s]/.test(text.charAt(start - 1)) ? '' : ' ';
    return { start, end, text: `${before}${spelled}${/[\s]|^$/.test(text.charAt(end)) ? '' : ' '}` };
  }
  const former = typeof outline.value === 'string' ? outline.value : text.slice(start, end);
  const spelled = spell(value, { style, value: former, start, end, alias: null }, text.slice(start, end));
  return spelled === null
    ? { offset: start, problem: `${pathText(path)} is written in a way that cannot hold ${value}` }
    : { start, end, text: spelled };
}

/** Reads the new text; it must say exactly what was meant. */
function verify(
  manifest: Manifest,
  changes: readonly Change[],
  pieces: readonly (Span & { readonly text: string })[],
): ChangedManifest {
  const { text: before } = manifest;
  const ordered = pieces.toSorted((a, b) => a.start - b.start);
  const offset = ordered[0]?.start ?? 0;
  let text = '';
  let at = 0;
  for (const { start, end, text: inserted } of ordered) {
    text += before.slice(at, start) + inserted;
    at = Math.max(at, end);
  }
  text += before.slice(at);
  const read = readManifest(text);
  if (!read.ok || read.manifest.documents.length !== 1)
    return failed(before, offset, 'the new text could not be read again');
  const meant = changes.reduce<unknown>(meaning, manifest.documents[0]?.value ?? Object.create(null));
  const differences = findDifferences(meant, read.manifest.documents[0]?.value, Math.max(MOST_VALUES, text.length));
  if (differences === null) return failed(before, offset, 'its aliases stand for more values than can be compared');
  const [first] = differences;
  if (first === undefined) return { ok: true, manifest: read.manifest };
  return failed(
    before,
    offset,
    `${pathText(changedPath(changes[0]))} shares its text with ${pathText(first)}, which is to stay: write it out`,
  );
}

/** The value with one change, as it should be read. What lies beside the way is shared. */
function meaning(value: unknown, change: Change): unknown {
  return at(value, change.path, (inner) => {
    switch (change.kind) {
      case 'set':
        return change.value;
      case 'add':
        return { ...objectOf(inner), [change.key]: plain(change.value) };
      case 'append':
        return [...(Array.isArray(inner) ? inner : []), plain(change.value)];
      case 'remove':
        return Object.fromEntries(Object.entries(objectOf(inner)).filter(([key]) => key !== change.key));
    }
  });
}

function at(value: unknown, path: Path, change: (inner: unknown) => unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((item: unknown, index) => (index === step ? at(item, rest, change) : item));
  const object = objectOf(value);
  return { ...object, [step]: at(object[step], rest, change) };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function plain(value: NewValue): unknown {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return isList(value)
    ? value.map(plain)
    : Object.fromEntries(value.entries.map(([key, inner]) => [key, plain(inner)]));
}

function changedPath(change: Change | undefined): Path {
  if (change === undefined) return [];
  return change.kind === 'add' || change.kind === 'remove' ? [...change.path, change.key] : change.path;
}

function failed(
  text: string,
  offset: number,
  message: string,
): { readonly ok: false; readonly problem: ManifestProblem } {
  return { ok: false, problem: { ...placesOf(text)(offset), message } };
}
