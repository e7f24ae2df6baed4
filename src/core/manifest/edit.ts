import { findDifferences } from './difference.ts';
import { type Manifest, type ManifestProblem, type Path, pathText, type Span, type WrittenText } from './document.ts';
import { placesOf } from './place.ts';
import { readManifest } from './read.ts';
import { spell } from './spelling.ts';

/** A new value for the string at a place. */
export interface Edit {
  /** The index of the document. */
  readonly document: number;
  readonly path: Path;
  readonly value: string;
}

export type Edited =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: ManifestProblem };

/** A few aliases can stand for more values than there is time to compare. What is written out always is less. */
const MOST_VALUES = 2_000_000;

interface Replacement extends Span {
  readonly text: string;
}

/** An edit, and what is written at its place now. */
interface PlacedEdit extends Edit {
  readonly written: WrittenText;
}

/**
 * Gives strings of a manifest new values. Only the bytes of those values change; quotes, comments, line ends, anchors and
 * everything else stay.
 *
 * The result is read again: exactly the places that were named must have changed. A text that several places share by an
 * anchor is changed once where all of them were named; otherwise an alias that was named gives way to the value itself.
 *
 * @returns the new text, or why the values cannot be written so, and where.
 */
export function editManifest(manifest: Manifest, edits: readonly Edit[]): Edited {
  if (edits.length === 0) return { ok: true, text: manifest.text };
  const placed: PlacedEdit[] = [];
  for (const edit of edits) {
    const written = manifest.documents[edit.document]?.textAt(edit.path) ?? null;
    if (written === null) return failed(manifest, 0, `there is no text at ${pathText(edit.path)}`);
    placed.push({ ...edit, written });
  }
  const { spoilt, ...shared } = attempt(manifest, placed, ({ written }) => written);
  const givesWay = ({ alias, start }: WrittenText): boolean => alias !== null && spoilt.has(start);
  if (shared.ok || !placed.some(({ written }) => givesWay(written))) return shared;
  const { spoilt: _, ...apart } = attempt(manifest, placed, ({ written }) =>
    // An alias has no quotes to keep.
    givesWay(written) ? { ...written, ...written.alias, style: 'plain' } : written,
  );
  return apart;
}

/** Edited, or why not; `spoilt` are the offsets of texts that stand where nothing should change, too. */
type Attempt = Edited & { readonly spoilt: ReadonlySet<number> };

function attempt(manifest: Manifest, edits: readonly PlacedEdit[], where: (edit: PlacedEdit) => WrittenText): Attempt {
  const replacements = new Map<number, Replacement>();
  for (const edit of edits) {
    const { value, path } = edit;
    const target = where(edit);
    const text = spell(value, target, manifest.text.slice(target.start, target.end));
    if (text === null) {
      return failed(manifest, target.start, `${pathText(path)} is written in a way that cannot hold ${value}`);
    }
    if ((replacements.get(target.start)?.text ?? text) !== text) {
      const message = `${pathText(path)} shares its text with a place that gets another value`;
      return failed(manifest, target.start, message, new Set([target.start]));
    }
    replacements.set(target.start, { start: target.start, end: target.end, text });
  }
  const text = replaceAll(manifest.text, [...replacements.values()]);
  return verify(manifest, edits, text) ?? { ok: true, text, spoilt: new Set() };
}

function replaceAll(text: string, replacements: readonly Replacement[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, text: inserted } of replacements.toSorted((a, b) => a.start - b.start)) {
    pieces.push(text.slice(at, start), inserted);
    at = end;
  }
  return pieces.join('') + text.slice(at);
}

/** What is not as it should be after the edit; null where all is. */
function verify(manifest: Manifest, edits: readonly PlacedEdit[], text: string): Attempt | null {
  const read = readManifest(text);
  const start = edits[0]?.written.start ?? 0;
  if (!read.ok || read.manifest.documents.length !== manifest.documents.length) {
    return failed(manifest, start, 'the new text could not be read again');
  }
  for (const { document, path, value, written } of edits) {
    if (read.manifest.documents[document]?.textAt(path)?.value !== value) {
      return failed(manifest, written.start, `the new text would not say ${value} at ${pathText(path)}`);
    }
  }
  const intended = new Set(edits.map(({ document, path }) => placeKey(document, path)));
  const spoilt = new Map<number, Path>();
  const mostValues = Math.max(MOST_VALUES, text.length);
  for (const [index, document] of manifest.documents.entries()) {
    const differences = findDifferences(document.value, read.manifest.documents[index]?.value, mostValues);
    if (differences === null) {
      return failed(manifest, start, 'its aliases stand for more values than can be compared');
    }
    for (const path of differences.filter((path) => !intended.has(placeKey(index, path)))) {
      spoilt.set(document.textAt(path)?.start ?? -1, path);
    }
  }
  const [first] = spoilt;
  if (first === undefined) return null;
  const [offset, other] = first;
  const culprit = edits.find(({ written }) => written.start === offset) ?? edits[0];
  const message = `${pathText(culprit?.path ?? [])} shares its text with ${pathText(other)}, which is to stay: write it out`;
  return failed(manifest, culprit?.written.start ?? 0, message, new Set(spoilt.keys()));
}

function placeKey(document: number, path: Path): string {
  return JSON.stringify([document, ...path]);
}

function failed(
  manifest: Manifest,
  offset: number,
  message: string,
  spoilt: ReadonlySet<number> = new Set(),
): { readonly ok: false; readonly problem: ManifestProblem; readonly spoilt: ReadonlySet<number> } {
  return { ok: false, problem: { ...placesOf(manifest.text)(offset), message }, spoilt };
}
