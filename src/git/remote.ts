import { explainGit, GitError, presentable } from './error.ts';
import type { Mirror } from './mirror.ts';
import { FILE_BYTES } from './objects/reader.ts';
import type { GitSession } from './session.ts';

/** What a remote says of its branches. */
export interface RemoteHeads {
  /** The branch that its HEAD names; null where it names none, or only a commit. */
  readonly defaultBranch: string | null;
  /** The commit of its HEAD; null where that leads nowhere. */
  readonly head: string | null;
  /** The commits of the branches that were asked for and are there. */
  readonly commits: ReadonlyMap<string, string>;
}

const HEADS = 'refs/heads/';
const REFS_BYTES = 16 << 20;

/** Asks a remote for its default branch and for some branches. @throws GitError */
export async function askRemote(session: GitSession, url: string, branches: readonly string[]): Promise<RemoteHeads> {
  const refs = ['HEAD', ...branches.map((branch) => HEADS + branch)];
  const args = ['ls-remote', '--quiet', '--symref', '--end-of-options', url, ...refs];
  const text = await session.git(args, { network: 'remote', maximumBytes: REFS_BYTES });
  const lines = text.split('\n').map((line) => line.split('\t'));
  // A pattern also matches what only ends with it.
  const found = lines.filter(([value, name]) => /^[\da-f]{40,64}$/.test(value ?? '') && refs.includes(name ?? ''));
  const head = lines.find(([value, name]) => name === 'HEAD' && value?.startsWith(`ref: ${HEADS}`) === true)?.[0];
  return {
    defaultBranch: head?.slice(`ref: ${HEADS}`.length) ?? null,
    head: found.find(([, name]) => name === 'HEAD')?.[0] ?? null,
    commits: new Map(
      found.flatMap(([commit = '', name = '']) =>
        name === 'HEAD' ? [] : [[name.slice(HEADS.length), commit] as const],
      ),
    ),
  };
}

/** Says why a branch was not found: there is none at all, or it is not that one. */
export async function missingBranch(session: GitSession, url: string, branch: string | null): Promise<GitError> {
  const args = ['ls-remote', '--quiet', '--heads', '--end-of-options', url];
  const text = await session.git(args, { network: 'remote', maximumBytes: REFS_BYTES });
  const { repository } = session;
  if (text.trim() === '') return new GitError('EmptyRepository', { repository });
  return branch === null
    ? new GitError('NoDefaultBranch', { repository })
    : new GitError('NoSuchBranch', { repository, what: branch });
}

/** Where the mirror keeps what was fetched of a branch. */
function mirrored(branch: string, depth: number): string {
  return `refs/tagpin/${depth}/${branch}`;
}

/**
 * Brings a branch into the mirror: its newest commits and their files, but for those that are too large to be edited.
 * Nothing is fetched where the commit is there already.
 *
 * @param seen the commit that the remote named; it may have moved on meanwhile.
 * @returns the commit that is there now. @throws GitError `NoSuchBranch` where it is gone
 */
export async function fetchBranch(
  session: GitSession,
  mirror: Mirror,
  url: string,
  wanted: { readonly branch: string; readonly seen: string; readonly depth: number },
): Promise<string> {
  const { branch, seen, depth } = wanted;
  const ref = mirrored(branch, depth);
  const known = await session.attempt(['--git-dir', mirror.path, 'rev-parse', '--verify', '--quiet', ref]);
  if (known.code === 0 && known.stdout.trim() === seen) return seen;
  const args = [
    '--git-dir',
    mirror.path,
    '-c',
    `remote.origin.url=${url}`,
    'fetch',
    '--quiet',
    `--depth=${depth}`,
    `--filter=blob:limit=${FILE_BYTES + 1}`,
    '--no-tags',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--end-of-options',
    'origin',
    `+${HEADS}${branch}:${ref}`,
  ];
  const fetched = await mirror.bounded((signal) => session.attempt(args, { network: 'remote', signal }));
  if (fetched.code !== 0) {
    const gone = /couldn't find remote ref/.test(fetched.stderr);
    if (gone) throw new GitError('NoSuchBranch', { repository: session.repository, what: branch });
    throw explainGit(fetched.stderr, session);
  }
  return (await session.git(['--git-dir', mirror.path, 'rev-parse', '--verify', ref])).trim();
}

/** What came of a push. */
export type Pushed = 'pushed' | 'outrun';

/**
 * Pushes a commit to a branch that still has to be where it was.
 *
 * A lease is all that is asked for: with `expected` the commit's own parent it is a fast-forward and nothing else, and a branch
 * that somebody deleted meanwhile isn't made again, as a push without it would do.
 *
 * @param expected the commit that the remote's branch must have; null: there must be no such branch.
 * @throws GitError `PushDeclined` where the remote does not want it.
 */
export async function pushCommit(
  session: GitSession,
  mirror: Mirror,
  url: string,
  wanted: { readonly commit: string; readonly branch: string; readonly expected: string | null },
): Promise<Pushed> {
  const ref = HEADS + wanted.branch;
  const args = [
    '--git-dir',
    mirror.path,
    'push',
    '--porcelain',
    '--no-verify',
    '--no-signed',
    '--no-follow-tags',
    '--recurse-submodules=no',
    `--force-with-lease=${ref}:${wanted.expected ?? ''}`,
    '--end-of-options',
    url,
    `${wanted.commit}:${ref}`,
  ];
  const { code, stdout, stderr } = await session.attempt(args, { network: 'remote' });
  const line = stdout.split('\n').find((each) => each.includes(`:${ref}\t`)) ?? '';
  if (code === 0 && /^[ *+=]\t/.test(line)) {
    await session.git(['--git-dir', mirror.path, 'update-ref', mirrored(wanted.branch, 1), wanted.commit]);
    return 'pushed';
  }
  if (!line.startsWith('!')) throw explainGit(stderr, session);
  const [, , saying = ''] = line.split('\t');
  if (OUTRUN.test(saying)) return 'outrun';
  const what = presentable(saying.replace(/^\[remote rejected\] /, ''), session.secrets);
  throw new GitError('PushDeclined', { repository: session.repository, what });
}

/** What git says where the branch is not (any more) where it was thought to be, and what servers say of two pushes at once. */
const OUTRUN =
  /^\[rejected\]|cannot lock ref|failed to update ref|failed to lock|incorrect old value|reference already exists|is at [\da-f]+ but expected/i;
