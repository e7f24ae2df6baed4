import type { ManifestDocument, Path, ReadDocuments, Span } from './document.ts';

/** A value where it is written. */
interface Written extends Span {
  readonly value: unknown;
  readonly members: ReadonlyMap<string | number, Written> | null;
}

/** No manifest is nested so deep. The recursion over one that is ends with an error, not with the stack. */
const DEEPEST = 500;

const SPACE = /[\t\n\r ]*/y;
const WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * Reads JSON (RFC 8259), one document or several behind each other, as `kubectl` takes them. A byte order mark is passed over; a
 * key that repeats is a problem, since readers disagree about it.
 */
export function readJson(text: string): ReadDocuments {
  const documents: ManifestDocument[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;

  function skipSpace(): void {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  }

  function readString(): string {
    const start = at;
    let end = text.indexOf('"', start + 1);
    while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
    if (end === -1) throw new Problem(start, 'the string does not end');
    at = end + 1;
    try {
      return String(JSON.parse(text.slice(start, at)));
    } catch {
      throw new Problem(start, 'the string holds a line break, a control character or an unknown escape');
    }
  }

  function readMembers(close: string, depth: number, readKey: (index: number) => string | number): Written['members'] {
    if (depth > DEEPEST) throw new Problem(at, `more than ${DEEPEST} levels deep`);
    const members = new Map<string | number, Written>();
    at += 1;
    skipSpace();
    if (text[at] === close) {
      at += 1;
      return members;
    }
    for (;;) {
      skipSpace();
      const place = at;
      const key = readKey(members.size);
      if (members.has(key)) throw new Problem(place, `the key ${JSON.stringify(key)} stands here twice`);
      members.set(key, readValue(depth + 1));
      skipSpace();
      const next = text[at];
      if (next !== ',' && next !== close) throw new Problem(at, `there should be "," or "${close}" here`);
      at += 1;
      if (next === close) return members;
    }
  }

  function readKey(): string {
    if (text[at] !== '"') throw new Problem(at, 'there should be a key in double quotes here');
    const key = readString();
    skipSpace();
    if (text[at] !== ':') throw new Problem(at, 'there should be ":" here');
    at += 1;
    return key;
  }

  function readValue(depth: number): Written {
    skipSpace();
    const start = at;
    switch (text.charAt(at)) {
      case '{': {
        const members = readMembers('}', depth, readKey);
        return { start, end: at, members, value: objectOf(members) };
      }
      case '[': {
        const members = readMembers(']', depth, (index) => index);
        return { start, end: at, members, value: [...(members?.values() ?? [])].map(({ value }) => value) };
      }
      case '"':
        return { start, members: null, value: readString(), end: at };
      default: {
        WORD.lastIndex = at;
        const word = WORD.exec(text)?.[0];
        if (word === undefined) throw new Problem(at, 'there should be a value here');
        at += word.length;
        return { start, end: at, members: null, value: JSON.parse(word) };
      }
    }
  }

  try {
    for (skipSpace(); at < text.length; skipSpace()) documents.push(documentOf(readValue(0)));
  } catch (error) {
    if (error instanceof Problem) return { ok: false, offset: error.offset, message: error.message };
    throw error;
  }
  return { ok: true, documents };
}

/** Ends the reading from any depth; it never leaves this file. */
class Problem extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

function documentOf(root: Written): ManifestDocument {
  return {
    value: root.value,
    textAt: (path: Path) => {
      let node: Written | undefined = root;
      for (const step of path) node = node?.members?.get(step);
      if (node === undefined || typeof node.value !== 'string') return null;
      return { start: node.start, end: node.end, style: 'double', value: node.value, alias: null };
    },
  };
}

function objectOf(members: Written['members']): unknown {
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, { value }] of members ?? []) object[key] = value;
  return object;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text[at - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}
