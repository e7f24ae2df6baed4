import type { RunningProgram } from '../../platform/process/program.ts';
import { GitError, presentable } from '../error.ts';
import type { Mirror } from '../mirror.ts';
import type { GitSession } from '../session.ts';

/** One entry of a folder: its mode as git writes it (`100644`, `120000`) and the name of its object. */
export interface TreeEntry {
  readonly mode: string;
  readonly oid: string;
}

/** Reads objects of a mirror by their names. */
export interface ObjectReader {
  /** The folder of a commit. */
  rootOf(commit: string): Promise<string>;
  /** A folder's entries by name. Names that are not UTF-8 are left out. */
  tree(oid: string): Promise<ReadonlyMap<string, TreeEntry>>;
  /** A file's bytes; null where they are more than `FILE_BYTES`. */
  blob(oid: string): Promise<Buffer | null>;
  /** The raw text of a commit. */
  commit(oid: string): Promise<string>;
  end(): void;
}

/** The largest file that is read and written. No manifest comes near it: an object in a cluster has 1.5 MiB at most. */
export const FILE_BYTES = 4 << 20;
/** A folder with half a million files has so much. */
const TREE_BYTES = 32 << 20;

/**
 * Reads with one `git cat-file --batch` for all questions, by the names of objects alone: no path, revision or attribute of the
 * repository is ever interpreted, and nothing is fetched. It rejects with GitError.
 */
export function openObjectReader(session: GitSession, mirror: Mirror): ObjectReader {
  let running: Conversation | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const trees = new Map<string, ReadonlyMap<string, TreeEntry>>();

  /** One question at a time: answers come in the order of the questions. */
  function ask(oid: string, kind: string, most: number): Promise<Buffer | null> {
    const answer = last
      .catch(() => {})
      .then(async () => {
        running ??= converse(session, mirror);
        let read: Buffer | null = null;
        try {
          read = await running.ask(oid, kind, most);
          return read;
        } finally {
          // What is too large, or is something else, is not read to its end; and what was left out ends some versions of git.
          if (read === null) {
            running.end();
            running = null;
          }
        }
      });
    last = answer;
    return answer;
  }

  const must = async (oid: string, kind: string): Promise<Buffer> => {
    const read = await ask(oid, kind, TREE_BYTES);
    if (read === null) throw new GitError('TooLarge', { repository: session.repository });
    return read;
  };

  return {
    async rootOf(commit) {
      const oid = /^tree ([\da-f]{40,64})$/m.exec((await must(commit, 'commit')).toString('latin1'))?.[1];
      if (oid === undefined) throw failed(session, `${commit} is no commit`);
      return oid;
    },
    async tree(oid) {
      const known = trees.get(oid);
      if (known !== undefined) return known;
      const entries = readTree(await must(oid, 'tree'), oid.length / 2);
      trees.set(oid, entries);
      return entries;
    },
    blob: (oid) => ask(oid, 'blob', FILE_BYTES),
    commit: async (oid) => (await must(oid, 'commit')).toString('utf8'),
    end: () => running?.end(),
  };
}

interface Conversation {
  ask(oid: string, kind: string, most: number): Promise<Buffer | null>;
  end(): void;
}

function failed(session: GitSession, what: string): GitError {
  return new GitError('GitFailed', { repository: session.repository, what: presentable(what, session.secrets) });
}

function converse(session: GitSession, mirror: Mirror): Conversation {
  const program: RunningProgram = session.start(['--git-dir', mirror.path, 'cat-file', '--batch'], {});
  let stderr = '';
  program.child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 10_000) stderr += chunk.toString('utf8');
  });
  const chunks = program.child.stdout[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);

  /** @returns false where the program has ended. */
  async function more(): Promise<boolean> {
    const next = (await chunks.next().catch(() => null)) as IteratorResult<Buffer, undefined> | null;
    if (next === null || next.done === true) return false;
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
    return true;
  }

  async function line(): Promise<string | null> {
    for (;;) {
      const end = rest.indexOf(0x0a);
      if (end >= 0) {
        const text = rest.subarray(0, end).toString('latin1');
        rest = rest.subarray(end + 1);
        return text;
      }
      if (!(await more())) return null;
    }
  }

  async function bytes(size: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    let missing = size + 1;
    while (missing > 0) {
      if (rest.length === 0 && !(await more())) return null;
      parts.push(rest.subarray(0, missing));
      rest = rest.subarray(parts.at(-1)?.length ?? 0);
      missing -= parts.at(-1)?.length ?? 0;
    }
    return Buffer.concat(parts).subarray(0, size);
  }

  return {
    end: () => program.kill(),
    async ask(oid, kind, most) {
      program.child.stdin.write(`${oid}\n`);
      const header = await line();
      if (header === null) {
        const code = await program.ended;
        if (code === 'timedOut') throw new GitError('TimedOut', { repository: session.repository });
        if (code === 'missing') throw new GitError('NoGit', { what: 'git' });
        // Left out by the filter of the fetch, since it is large.
        if (/promisor/.test(stderr) && kind === 'blob') return null;
        throw failed(session, stderr === '' ? 'it ended early' : stderr);
      }
      const [, type, size] = header.split(' ');
      if (type === 'missing' && kind === 'blob') return null;
      if (type !== kind) throw failed(session, `${oid} is ${String(type)} and not ${kind}`);
      if (Number(size) > most) return null;
      const content = await bytes(Number(size));
      if (content === null) throw failed(session, 'it ended early');
      return content;
    },
  };
}

/** `MODE NAME\0` and the bytes of an object's name, again and again. */
function readTree(raw: Buffer, nameBytes: number): ReadonlyMap<string, TreeEntry> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const entries = new Map<string, TreeEntry>();
  for (let at = 0; at < raw.length; ) {
    const space = raw.indexOf(0x20, at);
    const end = raw.indexOf(0, space);
    if (space < 0 || end < 0) break;
    const mode = raw.subarray(at, space).toString('latin1').padStart(6, '0');
    at = end + 1 + nameBytes;
    try {
      entries.set(decoder.decode(raw.subarray(space + 1, end)), {
        mode,
        oid: raw.subarray(end + 1, at).toString('hex'),
      });
    } catch {
      // No path that anybody writes leads there.
    }
  }
  return entries;
}
