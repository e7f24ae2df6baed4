import { join } from 'node:path';
import { replaceText } from '../../files/source.ts';
import type { UpdatedFile, UpdatedValue } from '../../files/update.ts';
import { openWorkTree, type WorkTree } from '../../git/work-tree.ts';
import { CommandError, type CommandIO } from '../output.ts';
import { commitMessage, type UpdateCommit } from './report.ts';

/** A commit in a folder, which can be pushed. */
export interface FolderCommit extends UpdateCommit {
  readonly tree: WorkTree;
}

/** How it is committed; null is what git's configuration says. */
export interface FolderCommitOptions {
  /** The branch that should be checked out. */
  readonly branch: string | null;
  readonly message: string | null;
  readonly author: { readonly name: string; readonly email: string } | null;
  readonly signingKey: string | null;
}

/**
 * Writes files in place, each whole or not at all.
 *
 * @throws CommandError 3 where one can't be written, or was changed since it was read; those before it stay written.
 */
export async function writeFolder(folder: string, files: readonly UpdatedFile[]): Promise<void> {
  for (const { path, before, after } of files) {
    const target = { name: path, path: join(folder, path), isFromFolder: false };
    const problem = await replaceText(target, before ?? '', after);
    if (problem !== null) throw new CommandError(3, `update: ${path}: not written: ${problem}`);
  }
}

/**
 * Writes files of a work tree and commits them, and them alone. Nothing is written where they have changes that were not committed,
 * since those would be committed along.
 *
 * @throws CommandError 3 where the folder is no work tree of git, 1 where git refuses.
 */
export async function commitFolder(
  io: CommandIO,
  folder: string,
  { files, values }: { readonly files: readonly UpdatedFile[]; readonly values: readonly UpdatedValue[] },
  { branch, message, author, signingKey }: FolderCommitOptions,
): Promise<FolderCommit> {
  const opened = await openWorkTree(folder, io.environment);
  if (!opened.ok) throw new CommandError(3, `update: ${folder}: nothing is written: ${opened.problem}`);
  const tree = opened.value;
  if (branch !== null && branch !== tree.branch) {
    throw new CommandError(
      2,
      `update: ${folder} has ${tree.branch} checked out: git switch to ${branch}, or leave --branch out`,
    );
  }
  const paths = files.map(({ path }) => path);
  const changed = await tree.changed(paths);
  if (!changed.ok) throw new CommandError(3, `update: ${folder}: nothing is written: ${changed.problem}`);
  const [first] = changed.value;
  if (first !== undefined) {
    throw new CommandError(
      1,
      `update: ${first}: nothing is written: it has changes that are not committed: commit or stash them`,
    );
  }
  await writeFolder(folder, files);
  const commit = await tree.commit({ paths, message: message ?? commitMessage(values), author, signingKey });
  if (!commit.ok) throw new CommandError(1, `update: ${folder}: written, but not committed: ${commit.problem}`);
  return { commit: commit.value, branch: tree.branch, tree };
}

/** @throws CommandError 1 where the remote does not take the commit. */
export async function pushFolder({ tree, commit, branch }: FolderCommit): Promise<void> {
  const pushed = await tree.push();
  if (!pushed.ok) {
    throw new CommandError(
      1,
      `update: ${commit} is committed on ${branch}, but not pushed: ${pushed.problem}: git pull --rebase, then git push`,
    );
  }
}
