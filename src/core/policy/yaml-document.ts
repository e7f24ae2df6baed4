import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
} from 'yaml';

/** Where in a text something stands, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The way to a value: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** A problem and its place; `path` as people write it: `rules[0].match.semver`, empty for the whole document. */
export interface PlacedProblem extends Place {
  readonly path: string;
  readonly message: string;
}

/** One YAML document as plain values that still know where they stood. */
export interface YamlDocument {
  /** Objects have no prototype; a key that YAML reads as a number or the like is its text. */
  readonly value: unknown;
  /** The key that ends a path; where there is none, what comes nearest. */
  readonly placeOfKey: (path: Path) => Place;
  /** The value at a path; where there is none, what should hold it. */
  readonly placeOfValue: (path: Path) => Place;
}

export type ReadDocument =
  | { readonly ok: true; readonly document: YamlDocument }
  | { readonly ok: false; readonly errors: readonly PlacedProblem[] };

/** A quarter of what a ConfigMap can hold, and a thousand rules: 256 KiB parse in a tenth of a second. */
const LONGEST_TEXT = 256 * 1024;
/** With aliases written out. A policy of a thousand rules has a tenth of it. */
const MOST_VALUES = 100_000;
const DEEPEST = 20;

/**
 * Reads a text that must hold exactly one YAML 1.2 document; empty ones beside it do not count.
 *
 * @returns the document, or everything that is wrong with the text as YAML: also unknown tags, keys that repeat, more than one
 * document, none, over 256 KiB, and aliases or nesting out of all proportion.
 */
export function readDocument(text: string): ReadDocument {
  if (text.length > LONGEST_TEXT) return failed(`the text is longer than ${LONGEST_TEXT / 1024} KiB`);
  const lines = new LineCounter();
  const documents = parse(text, lines).filter(
    ({ contents, errors }) =>
      errors.length > 0 || (contents !== null && !(isScalar(contents) && contents.value === null)),
  );
  const problems = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]);
  if (problems.length > 0) {
    return {
      ok: false,
      errors: problems.map(({ message, pos }) => placed([], place(lines, pos[0]), oneLine(message))),
    };
  }
  const [document, second] = documents;
  if (document === undefined) return failed('there is nothing in it');
  if (second !== undefined) {
    const at = place(lines, second.contents?.range?.[0] ?? 0);
    return failed('there is a second document: one file holds one', at);
  }
  return readValues(document, lines);
}

/** A problem at a place; `path` is written as `rules[0].match.namespaceLabels["a.b/c"]`. */
export function placed(path: Path, { line, column }: Place, message: string): PlacedProblem {
  return { path: pathText(path), line, column, message };
}

function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

function parse(text: string, lineCounter: LineCounter): readonly Document.Parsed[] {
  // Its own look for keys that repeat is quadratic: four seconds for 20,000 keys.
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: false, stringKeys: false });
  return Array.isArray(documents) ? documents : [];
}

function readValues(document: Document.Parsed, lines: LineCounter): ReadDocument {
  const errors: PlacedProblem[] = [];
  let values = 0;
  const complain = (path: Path, node: Node | null, message: string) => {
    errors.push(placed(path, place(lines, node?.range?.[0] ?? 0), message));
  };

  const read = (written: unknown, path: Path): unknown => {
    const node = resolve(document, written);
    values += 1;
    if (values > MOST_VALUES || path.length > DEEPEST) {
      const what = values > MOST_VALUES ? `more than ${MOST_VALUES} values` : `values more than ${DEEPEST} levels deep`;
      if (errors.length === 0) complain([], written as Node, `the document holds ${what}, its aliases written out`);
      return null;
    }
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index]));
    if (isMap(node)) {
      const object = Object.create(null) as Record<string, unknown>;
      for (const pair of node.items) {
        const key = keyText(document, pair);
        if (key === null) complain(path, pair.key as Node, 'a key must be plain text');
        else if (key in object) complain([...path, key], pair.key as Node, 'this key stands here twice');
        else object[key] = read(pair.value, [...path, key]);
        if (values > MOST_VALUES) break;
      }
      return object;
    }
    return isScalar(node) ? node.value : null;
  };

  const value = read(document.contents, []);
  if (errors.length > 0) return { ok: false, errors };
  const find = (path: Path) => findNodes(document, path);
  return {
    ok: true,
    document: {
      value,
      placeOfKey: (path) => place(lines, find(path).key?.range?.[0] ?? 0),
      placeOfValue: (path) => {
        const { key, node } = find(path);
        const [start, end] = node?.range ?? [0, 0];
        // A value that was left out stands nowhere: its key is what people see.
        return place(lines, start === end ? (key?.range?.[0] ?? start) : start);
      },
    },
  };
}

/** The deepest node on the way to a path, and the last key that was found on it. */
function findNodes(document: Document.Parsed, path: Path): { key: Node | null; node: Node | null } {
  let node = resolve(document, document.contents);
  let key: Node | null = node;
  for (const step of path) {
    let next: unknown;
    if (isSeq(node) && typeof step === 'number') {
      next = node.items[step];
      key = (next as Node | undefined) ?? key;
    } else if (isMap(node)) {
      const pair = node.items.find((candidate) => keyText(document, candidate) === step);
      key = (pair?.key as Node | undefined) ?? key;
      next = pair?.value;
      if (pair !== undefined && next === null) return { key, node: null };
    }
    if (next === undefined) break;
    node = resolve(document, next);
  }
  return { key, node };
}

function resolve(document: Document.Parsed, node: unknown): Node | null {
  if (isAlias(node)) return node.resolve(document) ?? null;
  return (node as Node | null | undefined) ?? null;
}

function keyText(document: Document.Parsed, pair: Pair): string | null {
  const key = resolve(document, pair.key);
  return isScalar(key) ? String(key.value) : null;
}

function place(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').trim();
}

function failed(message: string, at: Place = { line: 1, column: 1 }): ReadDocument {
  return { ok: false, errors: [placed([], at, message)] };
}
