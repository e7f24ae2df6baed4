import type { Mirror } from './mirror.ts';
import { openFiles, type RepositoryFiles } from './objects/files.ts';
import type { ObjectReader } from './objects/reader.ts';
import { hasTrailer, type Identity, withTrailer, writeTree } from './objects/write.ts';
import type { GitSession } from './session.ts';

/** The commit that is looked at, and the branch that it is the newest of. */
export interface Head {
  readonly branch: string;
  readonly commit: string;
}

/** What shall be different: the new texts by path, none where all is well; and the commit's message. */
export interface Edited {
  readonly files: ReadonlyMap<string, string>;
  readonly message: string;
}

/** Makes the edit on what a head holds. */
export type MakeEdit = (files: RepositoryFiles, head: Head) => Promise<Edited>;

/** What a commit is made of. */
export interface CommitWish {
  /** Is called again on each new head; what it throws is thrown. */
  readonly edit: MakeEdit;
  readonly author: Identity;
  /** Whether its message ends with a `Signed-off-by`. */
  readonly signOff: 'yes' | 'no';
}

/** A repository that is being worked on. */
export interface Work {
  readonly session: GitSession;
  readonly mirror: Mirror;
  readonly url: string;
  readonly reader: ObjectReader;
  readonly base: string;
  readonly push: string;
  readonly baseCommit: string;
  /** Of the branch that is pushed to, where that is not the base; null where it is not there. */
  readonly pushCommit: string | null;
}

/** There is nothing to do: that branch says it already, the base or the one that would be pushed. */
export interface Unchanged {
  readonly kind: 'unchanged';
  readonly branch: string;
  readonly base: string;
  readonly commit: string;
}

/** Says that a branch is tagpin's own, and may be replaced. */
const OWN = 'Tagpin-Branch';

/** A commit that is to be made. */
export interface PlannedCommit {
  readonly kind: 'commit';
  /** Those of the parent. */
  readonly files: RepositoryFiles;
  /** What differs, by path. */
  readonly changed: ReadonlyMap<string, string>;
  readonly tree: string;
  readonly parent: string;
  /** Whole, with its trailers. */
  readonly message: string;
  /** Where the branch has to be for the push; null: it must not be there. */
  readonly expected: string | null;
}

/**
 * Makes the edit, and says which commit comes of it: on the base; on a new branch of tagpin's own, or in place of what tagpin
 * pushed there before; or on top of what somebody else has in a branch of that name, which is never replaced.
 *
 * @throws GitError, and whatever the edit throws
 */
export async function planCommit(work: Work, wish: CommitWish): Promise<PlannedCommit | Unchanged> {
  const { reader, base, push, baseCommit, pushCommit } = work;
  const unchanged = (branch: string, commit: string): Unchanged => ({ kind: 'unchanged', branch, base, commit });
  const edit = async (commit: string, branch: string) => {
    const files = openFiles(reader, commit);
    const edited = await wish.edit(files, { branch, commit });
    return { files, edited, ...(await writeTree(work.session, work.mirror, files, edited.files)) };
  };
  const isReplaced = pushCommit !== null && hasTrailer(await reader.commit(pushCommit), OWN, push);
  if (isReplaced && (await isUpToDate(work, pushCommit, edit))) return unchanged(push, pushCommit);
  const isOwn = push !== base && (pushCommit === null || isReplaced);
  const parent = isOwn || pushCommit === null ? baseCommit : pushCommit;
  const { files, edited, tree, changed } = await edit(parent, isOwn ? base : push);
  // Where the base says it, a branch of tagpin's own is for nothing, and may not be there.
  if (changed.size === 0) return unchanged(isOwn ? base : push, parent);
  const marked = isOwn ? withTrailer(edited.message, OWN, push) : edited.message;
  const { name, email } = wish.author;
  const message = wish.signOff === 'yes' ? withTrailer(marked, 'Signed-off-by', `${name} <${email}>`) : marked;
  const expected = push === base ? baseCommit : pushCommit;
  return { kind: 'commit', files, changed, tree, parent, message, expected };
}

/**
 * Is an own branch exactly what the edit makes of the commit that it stands on, and has the base left these files alone since?
 * Then it is not made anew each time the base moves: nobody wants to be told of that.
 */
async function isUpToDate(
  { reader, baseCommit, base }: Work,
  head: string,
  edit: (
    commit: string,
    branch: string,
  ) => Promise<{ readonly tree: string; readonly changed: ReadonlyMap<string, string> }>,
): Promise<boolean> {
  const parents = [...((await reader.commit(head)).split('\n\n', 1)[0]?.matchAll(/^parent ([\da-f]+)$/gm) ?? [])];
  const parent = parents.length === 1 ? parents[0]?.[1] : undefined;
  if (parent === undefined) return false;
  const { tree, changed } = await edit(parent, base);
  if (tree !== (await reader.rootOf(head))) return false;
  const [then, now] = [openFiles(reader, parent), openFiles(reader, baseCommit)];
  for (const path of changed.keys()) {
    const [before, after] = await Promise.all([then.read(path), now.read(path)]);
    if (JSON.stringify(before) !== JSON.stringify(after)) return false;
  }
  return true;
}
