import { type Digest, parseDigest } from '../image/digest.ts';
import { canonicalText, type ImageReference, parseReference } from '../image/reference.ts';
import { asObject, asString, elements } from './json.ts';
import type { SubmittedSlot } from './slots.ts';

/** What a reference meant when it was pinned. */
export interface Pin {
  /** By tag, never by digest; `reference.text` is the record's `ref`. */
  readonly reference: ImageReference;
  readonly digest: Digest;
}

/** A slot's entry in the record: its pin, and what the container ran before, newest first. */
export interface PinEntry extends Pin {
  readonly before: readonly Pin[];
}

/** The annotation `tagpin.dev/pins`, read. */
export interface Pins {
  /** By slot key (`containers/NAME`). */
  readonly entries: ReadonlyMap<string, PinEntry>;
  /** The refresh values honoured last, newest first. */
  readonly refreshed: readonly string[];
}

export const PINS_ANNOTATION = 'tagpin.dev/pins';

export const NO_PINS: Pins = { entries: new Map(), refreshed: [] };

/** How many refresh values are remembered, and how long one may be: more than a name and a date is no request. */
export const MOST_REFRESHED = 5;
export const LONGEST_REFRESH = 1024;

/** The policy allows a history of at most 10. */
const MOST_BEFORE = 10;

/** The annotation may take this much, so that a few of them fit beside what others keep there. */
const LARGEST_RECORD = 32 * 1024;

/** The API server's own bound on all annotations of an object, keys and values (`TotalAnnotationSizeLimitB`). */
const LARGEST_ANNOTATIONS = 256 * 1024;

/** A digest, its field and the shortest names round it. */
const SMALLEST_ENTRY = 100;

const encoder = new TextEncoder();

/**
 * Reads a record. What is no record of version 1, or no entry of one, counts as absent: a record is a memory, never a
 * reason to refuse an object.
 */
export function readPins(annotation: unknown): Pins {
  const object = asObject(parseJson(asString(annotation)));
  if (object === null || object['v'] !== 1) return NO_PINS;
  const entries = new Map<string, PinEntry>();
  for (const [key, value] of Object.entries(object)) {
    const pin = key.includes('/') ? readPin(value) : null;
    if (pin === null) continue;
    const before = elements(asObject(value)?.['before'])
      .slice(0, MOST_BEFORE)
      .flatMap((each) => readPin(each) ?? []);
    entries.set(key, { ...pin, before });
  }
  const refreshed = elements(object['refreshed']).filter(
    (each): each is string => typeof each === 'string' && each.length <= LONGEST_REFRESH,
  );
  return { entries, refreshed: [...new Set(refreshed)].slice(0, MOST_REFRESHED) };
}

/** Writes a record: compact JSON, sorted keys; null where there is nothing to say. */
export function writePins(pins: Pins): string | null {
  if (pins.entries.size === 0 && pins.refreshed.length === 0) return null;
  const fields: [string, string][] = [...pins.entries].map(([key, entry]) => [key, writeEntry(entry)]);
  if (pins.refreshed.length > 0) fields.push(['refreshed', JSON.stringify(pins.refreshed)]);
  fields.push(['v', '1']);
  return `{${fields
    .toSorted(([a], [b]) => byUnits(a, b))
    .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
    .join(',')}}`;
}

/** What had to go so that a record fits. */
export type Shortened = 'nothing' | 'history' | 'record';

/**
 * Makes a record fit: at most 32 KiB, and within what the object's other annotations leave of 256 KiB. The oldest pairs go
 * first, then the entries; the refresh values go last, since without them a value that is kept in git would be honoured at
 * every apply.
 *
 * @param others all other annotations of the object.
 */
export function fitPins(
  pins: Pins,
  others: readonly (readonly [string, unknown])[],
): { readonly text: string | null; readonly shortened: Shortened } {
  const text = writePins(pins);
  const units = others.reduce((sum, [key, value]) => sum + key.length + String(value).length, PINS_ANNOTATION.length);
  // A unit of UTF-16 has three bytes at most in UTF-8; nearly always that settles it without encoding anything.
  if (text === null || (text.length * 3 <= LARGEST_RECORD && (text.length + units) * 3 <= LARGEST_ANNOTATIONS)) {
    return { text, shortened: 'nothing' };
  }
  const bytes = others.reduce((sum, [key, value]) => sum + byteLength(key) + byteLength(String(value)), 0);
  const room = Math.min(LARGEST_RECORD, LARGEST_ANNOTATIONS - bytes - byteLength(PINS_ANNOTATION));
  if (byteLength(text) <= room) return { text, shortened: 'nothing' };
  // What is too long without any history is not written once more for each length of it.
  const pairs = [...pins.entries.values()].map(({ before }) => before.length);
  const isHopeless = pins.entries.size * SMALLEST_ENTRY > room;
  for (let longest = isHopeless ? -1 : Math.max(0, ...pairs) - 1; longest >= 0; longest -= 1) {
    const entries = [...pins.entries].map(([key, entry]): [string, PinEntry] => [
      key,
      { ...entry, before: entry.before.slice(0, longest) },
    ]);
    const shorter = writePins({ ...pins, entries: new Map(entries) });
    if (shorter !== null && byteLength(shorter) <= room) return { text: shorter, shortened: 'history' };
  }
  const wishes = writePins({ ...pins, entries: new Map() });
  return { text: wishes !== null && byteLength(wishes) <= room ? wishes : null, shortened: 'record' };
}

/**
 * The entries of a stored object that count: those whose digest is the stored image's, and whose reference has its
 * repository.
 */
export function countedEntries(pins: Pins, slots: Iterable<SubmittedSlot>): ReadonlyMap<string, PinEntry> {
  const counted = new Map<string, PinEntry>();
  for (const { key, reference } of slots) {
    const entry = pins.entries.get(key);
    if (entry !== undefined && reference !== null && isPinOf(entry, reference)) counted.set(key, entry);
  }
  return counted;
}

/** Is an image this pin's digest, in this pin's repository? */
export function isPinOf(pin: Pin, image: ImageReference): boolean {
  return pin.digest === image.digest && sameRepository(pin.reference, image);
}

/**
 * A slot's next entry: the pin, and before it what the slot had until now. An entry that stays the same is returned as it
 * is, whatever the history's length is today.
 *
 * @param history how many earlier pairs are remembered.
 */
export function nextEntry(previous: PinEntry | null, pin: Pin, history: number): PinEntry {
  if (previous !== null && samePin(previous, pin)) return previous;
  const earlier =
    previous === null ? [] : [{ reference: previous.reference, digest: previous.digest }, ...previous.before];
  const before: Pin[] = [];
  for (const each of earlier) {
    if (before.length < history && !samePin(each, pin) && !before.some((kept) => samePin(kept, each)))
      before.push(each);
  }
  return { reference: pin.reference, digest: pin.digest, before };
}

/** Do two references mean the same, however they are spelt? */
export function sameReference(a: ImageReference, b: ImageReference): boolean {
  return a.text === b.text || canonicalText(a) === canonicalText(b);
}

/** Are two references of one repository? */
function sameRepository(a: ImageReference, b: ImageReference): boolean {
  return a.registry === b.registry && a.repository === b.repository;
}

export function samePin(a: Pin, b: Pin): boolean {
  return a.digest === b.digest && sameReference(a.reference, b.reference);
}

/** The order in which keys are sorted everywhere: by UTF-16 units, as JavaScript compares. */
export function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readPin(value: unknown): Pin | null {
  const object = asObject(value);
  const parsed = parseReference(asString(object?.['ref']) ?? '');
  const digest = parseDigest(asString(object?.['digest']) ?? '');
  return parsed.ok && parsed.reference.digest === null && digest !== null
    ? { reference: parsed.reference, digest }
    : null;
}

function writeEntry(entry: PinEntry): string {
  const before = entry.before.length === 0 ? '' : `"before":[${entry.before.map(writePin).join(',')}],`;
  return `{${before}${writePin(entry).slice(1)}`;
}

function writePin(pin: Pin): string {
  return `{"digest":${JSON.stringify(pin.digest)},"ref":${JSON.stringify(pin.reference.text)}}`;
}

function parseJson(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The length in UTF-8, as the API server counts. */
function byteLength(text: string): number {
  return encoder.encode(text).length;
}
