import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import type { ManifestDocument, Path, ReadDocuments, ScalarStyle, WrittenText } from './document.ts';

/** No manifest is nested so deep. The recursion over one that is ends with an error, not with the stack. */
const DEEPEST = 500;
const TOO_DEEP = `more than ${DEEPEST} levels deep`;

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

/**
 * Reads a stream of YAML 1.2 documents, with the merge keys of 1.1, as Kubernetes' tools read them. Unknown tags are passed over.
 * A key that repeats is a problem, since readers disagree about it.
 */
export function readYaml(text: string): ReadDocuments {
  // Its own look for keys that repeat is quadratic: four seconds for 20,000 keys.
  const parsed = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: false, stringKeys: false, merge: false });
  const documents: ManifestDocument[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const [error] = document.errors;
    if (error !== undefined) {
      const message = error.code === 'RESOURCE_EXHAUSTION' ? TOO_DEEP : error.message.replaceAll(/\s+/g, ' ').trim();
      return { ok: false, offset: error.pos[0], message };
    }
    try {
      documents.push(readDocument(document, text));
    } catch (problem) {
      if (problem instanceof Problem) return { ok: false, offset: problem.offset, message: problem.message };
      throw problem;
    }
  }
  return { ok: true, documents };
}

/** Ends the reading from any depth; it never leaves this file. */
class Problem extends Error {
  readonly offset: number;

  constructor(node: unknown, message: string) {
    super(message);
    this.offset = startOf(node);
  }
}

/** Every node is looked at once: what aliases lead to is shared, so that no chain of them can blow the value up. */
function readDocument(document: Document.Parsed, text: string): ManifestDocument {
  const anchors = new Map<string, unknown>();
  const targets = new Map<Alias, unknown>();
  const values = new Map<unknown, unknown>();

  function keyOf(pair: Pair): string {
    const key = follow(pair.key);
    if (isScalar(key)) return textOf(key);
    const [start, end] = (isMap(key) || isSeq(key) ? key.range : null) ?? [0, 0];
    return key === null ? '' : text.slice(start, end);
  }

  function follow(node: unknown): unknown {
    return isAlias(node) ? targets.get(node) : node;
  }

  function read(node: unknown, depth: number): unknown {
    if (depth > DEEPEST) throw new Problem(node, TOO_DEEP);
    if (isAlias(node)) {
      if (!anchors.has(node.source)) throw new Problem(node, `no anchor &${node.source} stands before this alias`);
      const target = anchors.get(node.source);
      if (!values.has(target)) throw new Problem(node, `the alias *${node.source} stands in what it names`);
      targets.set(node, target);
      return values.get(target);
    }
    if (isScalar(node) || isMap(node) || isSeq(node)) {
      // An anchor is known from here on, also inside of what it names.
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      const value = isScalar(node)
        ? plainValue(node)
        : isSeq(node)
          ? readList(node.items, depth)
          : readPairs(node.items, depth);
      values.set(node, value);
      return value;
    }
    return null;
  }

  function readList(items: readonly unknown[], depth: number): unknown[] {
    // Written out, !!omap and !!pairs are lists of mappings with one key.
    return items.map((item) => (isPair(item) ? readPairs([item], depth) : read(item, depth + 1)));
  }

  function readPairs(pairs: readonly Pair[], depth: number): Record<string, unknown> {
    const object = Object.create(null) as Record<string, unknown>;
    const merged: Record<string, unknown>[] = [];
    for (const pair of pairs) {
      read(pair.key, depth + 1);
      const value = read(pair.value, depth + 1);
      if (isMergeKey(pair.key)) {
        merged.push(...mergeSources(pair).map((source) => values.get(source) as Record<string, unknown>));
        continue;
      }
      const key = keyOf(pair);
      if (key in object) throw new Problem(pair.key, `the key ${JSON.stringify(key)} stands here twice`);
      object[key] = value;
    }
    for (const source of merged) {
      for (const [key, value] of Object.entries(source)) {
        if (!(key in object)) object[key] = value;
      }
    }
    return object;
  }

  /** The mappings that `<<` names, the strongest first. */
  function mergeSources(pair: Pair): readonly YAMLMap[] {
    const value = follow(pair.value);
    const sources = isSeq(value) ? value.items.map(follow) : [value];
    if (!sources.every((source) => isMap(source))) {
      throw new Problem(pair.key, 'the merge key << wants a mapping, or a list of mappings');
    }
    return sources;
  }

  /** The value as it is written under a key, an alias not followed; null where there is no such key. */
  function find(map: YAMLMap, key: string): { readonly written: unknown } | null {
    const own = map.items.find((pair) => !isMergeKey(pair.key) && keyOf(pair) === key);
    if (own !== undefined) return { written: own.value };
    for (const source of map.items.filter(({ key }) => isMergeKey(key)).flatMap(mergeSources)) {
      const found = find(source, key);
      if (found !== null) return found;
    }
    return null;
  }

  function textAt(path: Path): WrittenText | null {
    let written: unknown = document.contents;
    for (const step of path) {
      const node = follow(written);
      if (isSeq(node) && typeof step === 'number') written = node.items[step];
      else if (isMap(node) && typeof step === 'string') written = find(node, step)?.written;
      else return null;
    }
    const node = follow(written);
    const style = isScalar(node) ? STYLES[node.type ?? ''] : undefined;
    if (!isScalar(node) || typeof node.value !== 'string' || style === undefined) return null;
    return { ...spanOf(node), style, value: node.value, alias: isAlias(written) ? spanOf(written) : null };
  }

  return { value: read(document.contents, 0), textAt };
}

/** What JSON has no word for (timestamps, binary data, big numbers) is its text. */
function plainValue(scalar: Scalar): unknown {
  const { value } = scalar;
  return value === null || typeof value === 'boolean' || typeof value === 'number' ? value : textOf(scalar);
}

function textOf({ value, source }: Scalar): string {
  return typeof value === 'string' ? value : (source ?? '');
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.source === '<<';
}

function spanOf(node: Scalar | Alias): { start: number; end: number } {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}

function startOf(node: unknown): number {
  return (isScalar(node) || isAlias(node) || isMap(node) || isSeq(node) ? node.range?.[0] : null) ?? 0;
}
