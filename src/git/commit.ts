import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '../platform/backoff.ts';
import { type AppToken, giveCredentials, type RepositoryAccess } from './credentials.ts';
import { GitError, type GitReason } from './error.ts';
import { openMirrors } from './mirror.ts';
import { openFiles, type RepositoryFiles } from './objects/files.ts';
import { openObjectReader } from './objects/reader.ts';
import { writeCommit } from './objects/write.ts';
import { type CommitWish, type Head, planCommit, type Unchanged, type Work } from './planned-commit.ts';
import { askRemote, fetchBranch, missingBranch, pushCommit } from './remote.ts';
import { type GitSession, openSession, type Variables } from './session.ts';
import { prepareSigning, type Signing, type SigningKey } from './signing.ts';
import { isBranchName, readRepositoryUrl } from './url.ts';

/** What is read. */
export interface ReadRequest {
  readonly repository: RepositoryAccess;
  /** A branch, with or without `refs/heads/`; null and `HEAD`: the remote's default branch. */
  readonly base: string | null;
  /** Ends git at once; then the signal's reason is thrown. */
  readonly signal?: AbortSignal;
}

/** What is committed, and where to. */
export interface CommitRequest extends ReadRequest, CommitWish {
  /** A branch of tagpin's own that the commit goes to; null, and the base's name: to the base itself. */
  readonly push: string | null;
  readonly signing: SigningKey | null;
}

/** `refused` stays so until somebody changes something, `failed` may pass. */
export interface NotDone {
  readonly kind: 'refused' | 'failed';
  readonly reason: GitReason;
  readonly message: string;
}

/** What came of it. */
export type CommitOutcome =
  | {
      readonly kind: 'pushed';
      readonly commit: string;
      readonly branch: string;
      readonly base: string;
      readonly paths: readonly string[];
      /** How many pushes it took. */
      readonly attempts: number;
    }
  | Unchanged
  | NotDone;

/** What would come of it. */
export type PreviewOutcome =
  | {
      readonly kind: 'changed';
      readonly branch: string;
      readonly base: string;
      readonly message: string;
      readonly changes: readonly { readonly path: string; readonly before: string | null; readonly after: string }[];
    }
  | Unchanged
  | NotDone;

/** Reading and writing repositories, each through a mirror of its own. */
export interface Repositories {
  /** Commits an edit and pushes it; where others push first, the edit is made again on what they pushed. */
  commit(request: CommitRequest): Promise<CommitOutcome>;
  /** The same without writing anything. */
  preview(request: CommitRequest): Promise<PreviewOutcome>;
  /** Reads files of a branch. */
  read<T>(
    request: ReadRequest,
    look: (files: RepositoryFiles, head: Head) => Promise<T>,
  ): Promise<{ readonly kind: 'read'; readonly value: T } | NotDone>;
}

/** How repositories are reached. */
export interface RepositoriesOptions {
  /** Of the mirrors. It is made, for us alone. */
  readonly folder: string;
  /** Only PATH and the proxies are taken from it; with the credential `own` all but what steers git. */
  readonly environment: Variables;
  readonly appToken?: AppToken;
  /** Of each run of git that talks to the remote: two minutes. */
  readonly timeoutMilliseconds?: number;
  /** Of one mirror: 1 GiB. */
  readonly maximumBytes?: number;
  /** For a mirror that another process holds: a minute. */
  readonly waitMilliseconds?: number;
  /** From 0 up to 1: how much of the longest time is waited between two tries to push. */
  readonly random?: () => number;
}

const MOST_ATTEMPTS = 10;
const FIRST_BACKOFF = 100;
const LAST_BACKOFF = 3000;
/** Opens repositories. Nothing is asked before one of them is. */
export function createRepositories(options: RepositoriesOptions): Repositories {
  const { folder, environment, appToken = null, timeoutMilliseconds = 120_000 } = options;
  const { maximumBytes = 1 << 30, waitMilliseconds = 60_000 } = options;
  const mirrors = openMirrors({ folder, maximumBytes, waitMilliseconds });

  /** Asks the remote anew and brings what is needed into the mirror. */
  async function within<T>(
    request: ReadRequest & { readonly push?: string | null },
    session: GitSession,
    url: string,
    task: (work: Work) => Promise<T>,
  ): Promise<T> {
    const [wantedBase = null, wantedPush = null] = [request.base, request.push].map((branch) =>
      branchOf(branch ?? null),
    );
    const asked = [wantedBase, wantedPush].filter((branch) => branch !== null);
    const heads = await askRemote(session, url, asked);
    const base = wantedBase ?? branchOf(heads.defaultBranch);
    const baseSeen = wantedBase === null ? heads.head : heads.commits.get(wantedBase);
    if (base === null || baseSeen === null || baseSeen === undefined)
      throw await missingBranch(session, url, wantedBase);
    const push = wantedPush ?? base;
    const pushSeen = push === base ? undefined : heads.commits.get(push);
    const format = baseSeen.length === 64 ? 'sha256' : 'sha1';
    return await mirrors.use(session, url, format, async (mirror) => {
      const fetch = (branch: string, seen: string, depth: number): Promise<string> =>
        fetchBranch(session, mirror, url, { branch, seen, depth });
      const baseCommit = await fetch(base, baseSeen, 1);
      const pushCommit = pushSeen === undefined ? null : await fetch(push, pushSeen, 2);
      const reader = openObjectReader(session, mirror);
      try {
        return await task({ session, mirror, url, reader, base, push, baseCommit, pushCommit });
      } finally {
        reader.end();
      }
    });
  }

  /** One session for all tries; where a host only redirects to `.git`, as GitLab does, that is what was meant. */
  async function withSession<T>(
    request: ReadRequest,
    task: (session: GitSession, url: string) => Promise<T>,
  ): Promise<T | NotDone> {
    const run = async (text: string): Promise<T> => {
      const read = readRepositoryUrl(text);
      if (!read.ok) throw new GitError(read.reason, { repository: read.shown, what: read.problem });
      const { credential } = request.repository;
      const session = await openSession({
        environment,
        identity: credential?.kind === 'own' ? 'own' : 'none',
        repository: read.url.text,
        timeoutMilliseconds,
        signal: request.signal ?? null,
      });
      try {
        await giveCredentials(session, read.url, request.repository, appToken, request.signal ?? null);
        return await task(session, read.url.text);
      } finally {
        await session.end();
      }
    };
    const text = request.repository.url.trim();
    try {
      return await run(text).catch(async (error: unknown) => {
        const again = error instanceof GitError && error.reason === 'Redirected' && /^https?:.*[^/]$/i.test(text);
        if (!again || text.endsWith('.git')) throw error;
        return await run(`${text}.git`);
      });
    } catch (error) {
      request.signal?.throwIfAborted();
      if (error instanceof GitError) return { kind: error.kind, reason: error.reason, message: error.message };
      throw error;
    }
  }

  async function push(
    request: CommitRequest,
    session: GitSession,
    url: string,
    signing: Signing,
  ): Promise<CommitOutcome> {
    const backoff = createBackoff(FIRST_BACKOFF, LAST_BACKOFF, options.random);
    for (let attempts = 1; ; attempts += 1) {
      const outcome = await within(request, session, url, async (work) => {
        const plan = await planCommit(work, request);
        if (plan.kind === 'unchanged') return plan;
        const { tree, parent, message, expected, changed } = plan;
        const { author } = request;
        const sign = signing.options;
        const commit = await writeCommit(session, work.mirror, { tree, parent, message, author, sign });
        const pushed = await pushCommit(session, work.mirror, url, { commit, branch: work.push, expected });
        const paths = [...changed.keys()];
        return pushed === 'outrun'
          ? null
          : ({ kind: 'pushed', commit, branch: work.push, base: work.base, paths, attempts } as const);
      });
      if (outcome !== null) return outcome;
      if (attempts >= MOST_ATTEMPTS) {
        throw new GitError('Outrun', {
          repository: session.repository,
          what: request.push ?? request.base ?? 'the branch',
        });
      }
      await delay(backoff.next(null), undefined, request.signal === undefined ? {} : { signal: request.signal });
    }
  }

  return {
    commit: (request) =>
      withSession(request, async (session, url) => {
        const signing = await prepareSigning(session, request.signing);
        try {
          return await push(request, session, url, signing);
        } finally {
          await signing.end();
        }
      }),
    preview: (request) =>
      withSession(request, (session, url) =>
        within(request, session, url, async (work): Promise<PreviewOutcome> => {
          const plan = await planCommit(work, request);
          if (plan.kind === 'unchanged') return plan;
          const changes = [];
          for (const [path, after] of plan.changed) {
            const before = await plan.files.read(path);
            changes.push({ path, before: before.kind === 'file' ? before.text : null, after });
          }
          return { kind: 'changed', branch: work.push, base: work.base, message: plan.message, changes };
        }),
      ),
    read: (request, look) =>
      withSession(request, (session, url) =>
        within(request, session, url, async ({ reader, base, baseCommit }) => {
          const value = await look(openFiles(reader, baseCommit), { branch: base, commit: baseCommit });
          return { kind: 'read', value } as const;
        }),
      ),
  };
}

/** The name of a branch; null for the default one. */
function branchOf(text: string | null): string | null {
  const name = text?.replace(/^refs\/heads\//, '') ?? '';
  if (name === '' || name === 'HEAD') return null;
  if (!isBranchName(name)) throw new GitError('InvalidBranch', { what: JSON.stringify(name.slice(0, 200)) });
  return name;
}
