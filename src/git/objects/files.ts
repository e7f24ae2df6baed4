import type { ObjectReader, TreeEntry } from './reader.ts';
import { FILE_BYTES } from './reader.ts';

/** Why a path is neither read nor written. */
export type FileRefusal = 'BadPath' | 'Symlink' | 'Submodule' | 'NotAFile' | 'TooLarge' | 'NotText';

/** What stands in the way, in one sentence that names the path. */
export interface RefusedFile {
  readonly kind: 'refused';
  readonly reason: FileRefusal;
  readonly problem: string;
}

/** A file of a repository. */
export type RepositoryFile =
  | { readonly kind: 'file'; readonly text: string; readonly mode: '100644' | '100755' }
  | { readonly kind: 'absent' }
  | RefusedFile;

/** A folder of a repository. */
export type FolderListing =
  | {
      readonly kind: 'folder';
      readonly entries: readonly { readonly name: string; readonly kind: 'file' | 'folder' | 'link' | 'submodule' }[];
    }
  | { readonly kind: 'absent' }
  | RefusedFile;

/** The files of one commit. It rejects with GitError where git failed; for what the repository holds it has answers. */
export interface RepositoryFiles {
  readonly commit: string;
  /** @param path from the root, `/` between. */
  read(path: string): Promise<RepositoryFile>;
  /** @param folder from the root; '' for the root. */
  list(folder: string): Promise<FolderListing>;
}

const LINK = '120000';
const SUBMODULE = '160000';
const FOLDER = '040000';
const LONGEST_PATH = 4096;

/** Opens the files of a commit. Nothing is checked out: links lead nowhere, and attributes and filters mean nothing. */
export function openFiles(reader: ObjectReader, commit: string): RepositoryFiles {
  async function find(path: string): Promise<TreeEntry | null | RefusedFile> {
    let at: TreeEntry = { mode: FOLDER, oid: await reader.rootOf(commit) };
    const parts = path === '' ? [] : path.split('/');
    for (const [index, part] of parts.entries()) {
      const before = parts.slice(0, index).join('/');
      if (at.mode !== FOLDER) return wayRefusal(at, before);
      const next = (await reader.tree(at.oid)).get(part);
      if (next === undefined) return null;
      at = next;
    }
    return at;
  }

  return {
    commit,
    async read(path) {
      const problem = path === '' ? 'it is empty' : pathProblem(path);
      if (problem !== null) return refuse('BadPath', `${quote(path)} is no path of a file: ${problem}`);
      const found = await find(path);
      if (found === null) return { kind: 'absent' };
      if ('kind' in found) return found;
      const { mode, oid } = found;
      if (mode === LINK) return refuse('Symlink', `${quote(path)} is a link: name the file that it leads to`);
      if (mode === SUBMODULE)
        return refuse('Submodule', `${quote(path)} is a submodule: its files are in another repository`);
      if (mode === FOLDER) return refuse('NotAFile', `${quote(path)} is a folder`);
      const content = await reader.blob(oid);
      if (content === null) return refuse('TooLarge', largeProblem(path));
      const text = textOf(content);
      if (text === null) return refuse('NotText', `${quote(path)} is not UTF-8 text`);
      return { kind: 'file', text, mode: mode === '100755' ? mode : '100644' };
    },
    async list(folder) {
      const problem = pathProblem(folder);
      if (problem !== null) return refuse('BadPath', `${quote(folder)} is no path of a folder: ${problem}`);
      const found = await find(folder);
      if (found === null) return { kind: 'absent' };
      if ('kind' in found) return found;
      if (found.mode !== FOLDER) return wayRefusal(found, folder);
      const tree = await reader.tree(found.oid);
      return { kind: 'folder', entries: [...tree].map(([name, { mode }]) => ({ name, kind: kindOf(mode) })) };
    },
  };
}

/** Bytes as text that gives the same bytes again, a byte order mark too; null where they are not UTF-8. */
function textOf(content: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return null;
  }
}

function pathProblem(path: string): string | null {
  if (path === '') return null;
  if (path.length > LONGEST_PATH) return 'it is too long';
  if (path.startsWith('/')) return 'it must begin at the root of the repository, without /';
  if (/[\p{C}\\]/u.test(path)) return 'there is a control character or \\ in it';
  for (const part of path.split('/')) {
    if (part === '') return 'a name in it is empty';
    if (part === '.' || part === '..') return `${part} leads elsewhere`;
    // Also as file systems that fold case and short names would read it.
    if (/^(?:\.git|git~\d+)[ .]*$/i.test(part)) return `${part} is git's own`;
  }
  return null;
}

function wayRefusal({ mode }: TreeEntry, path: string): RefusedFile {
  if (mode === LINK)
    return refuse('Symlink', `${quote(path)} is a link, which is not followed: name the folder that it leads to`);
  if (mode === SUBMODULE) {
    return refuse('Submodule', `${quote(path)} is a submodule: its files are in another repository`);
  }
  return refuse('NotAFile', `${quote(path)} is a file and no folder`);
}

/** What is said of a file that is larger than `FILE_BYTES`. */
export function largeProblem(path: string): string {
  return `${quote(path)} has more than ${FILE_BYTES >> 20} MiB`;
}

function refuse(reason: FileRefusal, problem: string): RefusedFile {
  return { kind: 'refused', reason, problem };
}

function quote(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}

function kindOf(mode: string): 'file' | 'folder' | 'link' | 'submodule' {
  switch (mode) {
    case LINK:
      return 'link';
    case SUBMODULE:
      return 'submodule';
    case FOLDER:
      return 'folder';
    default:
      return 'file';
  }
}
