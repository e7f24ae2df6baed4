import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Setting } from '../../files/setting.ts';
import { planUpdate, type Update, type UpdateKind } from '../../files/update.ts';
import { type CommitRequest, createRepositories, type NotDone } from '../../git/commit.ts';
import { NO_TRUST } from '../../git/credentials.ts';
import type { GitReason } from '../../git/error.ts';
import type { SigningKey } from '../../git/signing.ts';
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
}

export interface RemoteUpdated {
  readonly update: Update;
  /** Null where nothing had to be done, and for a dry run. */
  readonly commit: UpdateCommit | null;
}

/** What stands in the files is no reason to try again: it ends the edit. */
class Refused extends Error {
  readonly update: Update;

  constructor(update: Update) {
    super('refused');
    this.update = update;
  }
}

/**
 * Sets images in a repository by its URL, with the user's own git credentials, and pushes one commit; or only says what it would be.
 *
 * @throws CommandError 3 where the repository can't be reached, 1 where it does not take the commit.
 */
export async function updateRemote(
  io: CommandIO,
  wanted: RemoteUpdate,
  what: 'preview' | 'push',
): Promise<RemoteUpdated> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-update-'));
  const repositories = createRepositories({ folder: join(folder.path, 'mirrors'), environment: io.environment });
  let update: Update = { ok: true, files: [], values: [], notices: [] };
  const request: CommitRequest = {
    // It is the user who typed http://.
    repository: { url: wanted.url, credential: { kind: 'own' }, trust: { ...NO_TRUST, plainHttp: 'allowed' } },
    base: wanted.branch,
    push: null,
    author: wanted.author,
    signing: wanted.signing,
    signOff: 'no',
    edit: async (files) => {
      update = await planUpdate(files, wanted);
      if (!update.ok) throw new Refused(update);
      const texts = new Map(update.files.map(({ path, after }) => [path, after]));
      return { files: texts, message: wanted.message ?? commitMessage(update.values) };
    },
  };
  try {
    const outcome = await (what === 'push' ? repositories.commit(request) : repositories.preview(request));
    switch (outcome.kind) {
      case 'pushed':
        return { update, commit: { commit: outcome.commit, branch: outcome.branch } };
      case 'changed':
      case 'unchanged':
        return { update, commit: null };
      case 'refused':
      case 'failed':
        throw new CommandError(exitCodeOf(outcome), `update: ${outcome.message}`);
    }
  } catch (error) {
    if (error instanceof Refused) return { update: error.update, commit: null };
    throw error;
  }
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
