import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from 'yaml';
import { type Path, type Place, type PlacedProblem, placed } from './problem.ts';

/** Where a path ends: the deepest node on the way, and the last key that was found. */
export interface FoundNodes {
  readonly key: Node | null;
  readonly node: Node | null;
}

export type ReadValues =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Keys that repeat or are no text, aliases without an anchor: the rest of the values stands. */
      readonly problems: readonly PlacedProblem[];
      readonly find: (path: Path) => FoundNodes;
    }
  | { readonly ok: false; readonly errors: readonly PlacedProblem[] };

/** With aliases written out. A policy of a thousand rules has a tenth of it. */
const MOST_VALUES = 100_000;
/** A policy has seven levels. */
const DEEPEST = 20;

/**
 * Reads the plain values of a document that has no syntax errors. Objects have no prototype, so that no key is special.
 *
 * @param place where an offset is in the text.
 * @returns the values and the way back to their nodes; an error where there are more values or levels than any policy has, which
 * is how an alias bomb shows itself.
 */
export function readValues(document: Document.Parsed, place: (offset: number) => Place): ReadValues {
  const sources = aliasSources(document);
  const indexes = new Map<YAMLMap, ReadonlyMap<string, Pair>>();
  const problems: PlacedProblem[] = [];
  let excess: PlacedProblem | null = null;
  let values = 0;

  const complain = (path: Path, node: unknown, message: string) => {
    problems.push(placed(path, place((node as Node | null)?.range?.[0] ?? 0), message));
  };
  const resolve = (node: unknown): Node | null => (isAlias(node) ? sources.get(node) : (node as Node | null)) ?? null;
  const keyText = ({ key }: Pair): string | null => {
    const node = resolve(key);
    return isScalar(node) ? String(node.value) : null;
  };

  const read = (written: unknown, path: Path): unknown => {
    values += 1;
    if (values > MOST_VALUES || path.length > DEEPEST) {
      const what = values > MOST_VALUES ? `more than ${MOST_VALUES} values` : `values more than ${DEEPEST} levels deep`;
      const at = place((written as Node | null)?.range?.[0] ?? 0);
      excess ??= placed([], at, `the document holds ${what}, its aliases written out`);
      return null;
    }
    if (isAlias(written) && !sources.has(written)) {
      complain(path, written, `there is no anchor &${written.source} before this`);
      return null;
    }
    const node = resolve(written);
    if (isSeq(node)) return node.items.map((item, index) => read(item, [...path, index]));
    if (!isMap(node)) return isScalar(node) ? node.value : null;
    const object = Object.create(null) as Record<string, unknown>;
    for (const pair of node.items) {
      const key = keyText(pair);
      if (key === null) complain(path, pair.key, 'a key must be plain text');
      else if (key in object) complain([...path, key], pair.key, 'this key stands here twice');
      else object[key] = read(pair.value, [...path, key]);
    }
    return object;
  };

  const pairOf = (map: YAMLMap, key: string | number): Pair | undefined => {
    let index = indexes.get(map);
    if (index === undefined) {
      // Of a key that repeats the first one is read, so it must be the last to enter.
      index = new Map(map.items.map((pair) => [keyText(pair) ?? '', pair] as const).toReversed());
      indexes.set(map, index);
    }
    return index.get(String(key));
  };

  const find = (path: Path): FoundNodes => {
    let node = resolve(document.contents);
    let key = node;
    for (const step of path) {
      if (isSeq(node)) {
        const item = resolve(node.items[Number(step)]);
        if (item === null) break;
        key = item;
        node = item;
      } else if (isMap(node)) {
        const pair = pairOf(node, step);
        if (pair === undefined) break;
        key = pair.key as Node;
        node = resolve(pair.value);
      }
    }
    return { key, node };
  };

  const value = read(document.contents, []);
  return excess === null ? { ok: true, value, problems, find } : { ok: false, errors: [excess] };
}

/** What every alias stands for: the last anchor of its name before it. The library's own way walks the document for each. */
function aliasSources(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const sources = new Map<Alias, Node>();
  visit(document, {
    Value: (_key, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias: (_key, alias) => {
      const source = anchors.get(alias.source);
      if (source !== undefined) sources.set(alias, source);
    },
  });
  return sources;
}
