import { createHash } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Setting } from '../../files/setting.ts';
import { planUpdate, type Update, type UpdateKind } from '../../files/update.ts';
import { type CommitRequest, createRepositories, type NotDone } from '../../git/commit.ts';
import { type GitCredential, NO_TRUST, type RepositoryAccess } from '../../git/credentials.ts';
import type { GitReason } from '../../git/error.ts';
import type { HostingProvider } from '../../git/hosting/access.ts';
import { createPullRequests, type PullRequestRequest } from '../../git/hosting/pull-request.ts';
import type { SigningKey } from '../../git/signing.ts';
import { createApiClient } from '../../platform/network/api-client.ts';
import { CommandError, type CommandIO, type ExitCode } from '../output.ts';
import { commitMessage, type UpdateCommit } from './report.ts';

/** What is to be set in a repository that is somewhere else. */
export interface RemoteUpdate {
  readonly url: string;
  readonly branch: string | null;
  readonly path: string;
  readonly kind: UpdateKind | null;
  readonly settings: readonly Setting[];
  readonly message: string | null;
  readonly author: { readonly name: string; readonly email: string };
  readonly signing: SigningKey | null;
  /** Who hosts it, where a pull request is to be opened instead of a push to the branch; null for a push. */
  readonly pullRequest: HostingProvider | null;
}

export interface RemoteUpdated {
  readonly update: Update;
  /** Null where nothing had to be done, and for a dry run. */
  readonly commit: UpdateCommit | null;
  /** Where people find the pull request. */
  readonly pullRequest: string | null;
}

/** A token for the remote and for its host's API; the user's own credentials where it is not set. */
export const TOKEN_VARIABLE = 'TAGPIN_GIT_TOKEN';

/** For all requests to the host together. */
const PROPOSE_MILLISECONDS = 120_000;

/** What stands in the files is no reason to try again: it ends the edit. */
class Refused extends Error {
  readonly update: Update;

  constructor(update: Update) {
    super('refused');
    this.update = update;
  }
}

/**
 * Sets images in a repository by its URL, and pushes one commit, to the branch or for a pull request; or only says what it would be.
 *
 * @throws CommandError 3 where the repository can't be reached, 1 where it does not take the commit or the pull request.
 */
export async function updateRemote(
  io: CommandIO,
  wanted: RemoteUpdate,
  what: 'preview' | 'push',
): Promise<RemoteUpdated> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-update-'));
  const repositories = createRepositories({ folder: join(folder.path, 'mirrors'), environment: io.environment });
  const repository = accessTo(wanted.url, io.environment[TOKEN_VARIABLE] ?? '');
  let update: Update = { ok: true, files: [], values: [], notices: [] };
  let message = '';
  const request: CommitRequest = {
    repository,
    base: wanted.branch,
    push: wanted.pullRequest === null ? null : `tagpin-update-${keyOf(wanted)}`,
    author: wanted.author,
    signing: wanted.signing,
    signOff: 'no',
    edit: async (files) => {
      update = await planUpdate(files, wanted);
      if (!update.ok) throw new Refused(update);
      const texts = new Map(update.files.map(({ path, after }) => [path, after]));
      message = wanted.message ?? commitMessage(update.values);
      return { files: texts, message };
    },
  };
  try {
    const outcome = await (what === 'push' ? repositories.commit(request) : repositories.preview(request));
    switch (outcome.kind) {
      case 'pushed':
      case 'unchanged': {
        const { kind, commit, branch, base } = outcome;
        // A branch of its own that says it already may still want its pull request.
        const isProposed = what === 'push' && branch !== base && message !== '' && update.files.length > 0;
        const pullRequest = isProposed ? await propose(io, wanted, { repository, branch, base, message }) : null;
        return { update, commit: kind === 'pushed' ? { commit, branch } : null, pullRequest };
      }
      case 'changed':
        return { update, commit: null, pullRequest: null };
      case 'refused':
      case 'failed':
        throw new CommandError(exitCodeOf(outcome), `update: ${outcome.message}`);
    }
  } catch (error) {
    if (error instanceof Refused) return { update: error.update, commit: null, pullRequest: null };
    throw error;
  }
}

/** Sees to the pull request of a pushed branch. @returns its URL. */
async function propose(
  io: CommandIO,
  wanted: RemoteUpdate,
  pushed: Pick<PullRequestRequest, 'repository' | 'branch' | 'base' | 'message'>,
): Promise<string | null> {
  if (wanted.pullRequest === null) return null;
  const client = createApiClient(io.environment);
  try {
    const outcome = await createPullRequests({ send: (request) => client.send(request), appToken: null })({
      ...pushed,
      provider: wanted.pullRequest,
      apiUrl: null,
      labels: [],
      target: keyOf(wanted),
      signal: AbortSignal.timeout(PROPOSE_MILLISECONDS),
    });
    switch (outcome.kind) {
      case 'opened':
      case 'updated':
      case 'unchanged':
        return outcome.url;
      case 'declined':
        throw new CommandError(
          1,
          `update: ${outcome.url} proposed this, and was closed: open it again, or change the update`,
        );
      case 'refused':
      case 'failed':
        throw new CommandError(1, `update: ${pushed.branch} is pushed, but has no pull request: ${outcome.message}`);
    }
  } finally {
    await client.close();
  }
}

/** The same for every run that sets the same things in the same place, whatever to: they share a branch and a pull request. */
function keyOf({ branch, path, settings }: RemoteUpdate): string {
  const names = settings.map(({ name }) => name).toSorted();
  return createHash('sha256')
    .update(JSON.stringify([branch, path, names]))
    .digest('hex')
    .slice(0, 12);
}

/** It is the user who typed http://; but a token goes over it to this machine alone. */
function accessTo(url: string, token: string): RepositoryAccess {
  const isLoopback = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])[:/]/i.test(url);
  const plainHttp = token === '' || isLoopback ? 'allowed' : 'refused';
  const credential: GitCredential =
    token === '' ? { kind: 'own' } : { kind: 'password', username: 'tagpin', password: token };
  return { url, credential, trust: { ...NO_TRUST, plainHttp } };
}

const WRONG_USE: ReadonlySet<GitReason> = new Set([
  'InvalidUrl',
  'SchemeNotAllowed',
  'InvalidBranch',
  'BadIdentity',
  'BadMessage',
]);
/** It was tried, and stays so. */
const NOT_TAKEN: ReadonlySet<GitReason> = new Set(['FileRefused', 'SigningFailed', 'PushDeclined', 'Outrun']);

function exitCodeOf({ reason }: NotDone): ExitCode {
  return WRONG_USE.has(reason) ? 2 : NOT_TAKEN.has(reason) ? 1 : 3;
}
