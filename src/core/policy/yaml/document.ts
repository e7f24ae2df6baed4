import { type Document, isScalar, LineCounter, parseAllDocuments } from 'yaml';
import { type Path, type Place, type PlacedProblem, placed } from './problem.ts';
import { readValues } from './values.ts';

/** One YAML document as plain values that still know where they stood. */
export interface YamlDocument {
  /** Objects have no prototype; a key that YAML reads as a number or the like is its text. */
  readonly value: unknown;
  /** Keys that repeat or are no text, aliases without an anchor. */
  readonly problems: readonly PlacedProblem[];
  /** The key that ends a path; where there is none, what comes nearest. */
  readonly placeOfKey: (path: Path) => Place;
  /** The value at a path; where there is none, what should hold it. */
  readonly placeOfValue: (path: Path) => Place;
  /** Where the lines of a literal block (`|`) begin: line and column of the first one; null where a path ends in no such block. */
  readonly placeOfBlock: (path: Path) => Place | null;
}

export type ReadDocument =
  | { readonly ok: true; readonly document: YamlDocument }
  | { readonly ok: false; readonly errors: readonly PlacedProblem[] };

/** A quarter of what a ConfigMap can hold, room for a thousand rules; the worst text of that length takes half a second. */
const LONGEST_TEXT = 256 * 1024;

/**
 * Reads a text that must hold exactly one YAML 1.2 document; empty ones beside it do not count.
 *
 * @returns the document, or everything that keeps the text from being one: syntax, unknown tags, a second document, none, over
 * 256 KiB, and aliases or nesting out of all proportion.
 */
export function readDocument(text: string): ReadDocument {
  if (text.length > LONGEST_TEXT) return failed(`the text is longer than ${LONGEST_TEXT / 1024} KiB`);
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  // Its own look for keys that repeat is quadratic: four seconds for 20,000 keys.
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const documents = (Array.isArray(parsed) ? parsed : []).filter((document) => !isEmpty(document));

  const problems = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  const exhausted = problems.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (exhausted !== undefined) return failed('values are nested too deep', place(exhausted.pos[0]));
  if (problems.length > 0) {
    return { ok: false, errors: problems.map(({ message, pos }) => placed([], place(pos[0]), oneLine(message))) };
  }

  const [document, second] = documents;
  if (document === undefined) return failed('there is nothing in it');
  if (second !== undefined) {
    return failed('there is a second document: one file holds one', place(second.contents?.range?.[0] ?? 0));
  }
  const read = readValues(document, place);
  if (!read.ok) return read;
  const { value, problems: misfits, find } = read;
  return {
    ok: true,
    document: {
      value,
      problems: misfits,
      placeOfKey: (path) => place(find(path).key?.range?.[0] ?? 0),
      placeOfValue: (path) => {
        const { key, node } = find(path);
        const [start, end] = node?.range ?? [0, 0];
        // A value that was left out stands nowhere: its key is what people see.
        return place(start === end ? (key?.range?.[0] ?? start) : start);
      },
      placeOfBlock: (path) => {
        const { node } = find(path);
        if (!isScalar<string>(node) || node.type !== 'BLOCK_LITERAL') return null;
        const { line } = place(node.range?.[0] ?? 0);
        const own = node.value.split('\n');
        const first = own.findIndex((content) => content !== '');
        const written = text.split(/\r?\n/)[line + first] ?? '';
        return { line: line + 1, column: written.length - (own[first] ?? '').length + 1 };
      },
    },
  };
}

function isEmpty({ contents, errors }: Document.Parsed): boolean {
  return errors.length === 0 && (contents === null || (isScalar(contents) && contents.value === null));
}

function oneLine(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ').trim();
  return line.charAt(0).toLowerCase() + line.slice(1);
}

function failed(message: string, at: Place = { line: 1, column: 1 }): ReadDocument {
  return { ok: false, errors: [placed([], at, message)] };
}
