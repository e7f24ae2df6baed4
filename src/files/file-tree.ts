import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { explainProblem } from './file-problem.ts';
import { readText } from './source.ts';

/** What stands at a path. */
export type TreeFile =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'absent' }
  /** `problem` is a sentence. */
  | { readonly kind: 'refused'; readonly problem: string };

export type TreeListing =
  | {
      readonly kind: 'folder';
      readonly entries: readonly { readonly name: string; readonly kind: 'file' | 'folder' | 'link' | 'submodule' }[];
    }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly problem: string };

/** Files, in a folder or in a commit. Paths have `/` between their parts, none at the start, and no `..`; '' is the root. */
export interface FileTree {
  read(path: string): Promise<TreeFile>;
  list(folder: string): Promise<TreeListing>;
}

/** The files of a folder. What a link leads out of it to is refused. */
export function openFileTree(folder: string): FileTree {
  const pathOf = async (path: string): Promise<string | null> => {
    const root = await realpath(folder);
    const target = await realpath(join(root, path));
    return target === root || target.startsWith(root.endsWith(sep) ? root : `${root}${sep}`) ? target : null;
  };
  return {
    async read(path) {
      try {
        const target = await pathOf(path);
        if (target === null) return { kind: 'refused', problem: `${path} is a link out of the folder` };
        if ((await lstat(target)).isDirectory()) return { kind: 'refused', problem: `${path} is a folder` };
        const read = await readText({ name: path, path: target, isFromFolder: false }, null);
        return read.ok ? { kind: 'file', text: read.text } : { kind: 'refused', problem: `${path}: ${read.message}` };
      } catch (error) {
        return missing(error) ?? { kind: 'refused', problem: `${path}: ${explainProblem(error)}` };
      }
    },
    async list(path) {
      try {
        const target = await pathOf(path);
        if (target === null) return { kind: 'refused', problem: `${path} is a link out of the folder` };
        if (!(await lstat(target)).isDirectory()) return { kind: 'absent' };
        const entries = await readdir(target, { withFileTypes: true });
        return {
          kind: 'folder',
          entries: entries.flatMap((entry) => {
            const kind = entry.isFile()
              ? 'file'
              : entry.isDirectory()
                ? 'folder'
                : entry.isSymbolicLink()
                  ? 'link'
                  : null;
            return kind === null ? [] : [{ name: entry.name, kind }];
          }),
        };
      } catch (error) {
        return missing(error) ?? { kind: 'refused', problem: `${path}: ${explainProblem(error)}` };
      }
    },
  };
}

function missing(error: unknown): { readonly kind: 'absent' } | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'absent' } : null;
}
