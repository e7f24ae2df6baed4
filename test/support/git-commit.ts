import { join } from 'node:path';
import {
  type CommitOutcome,
  type CommitRequest,
  createRepositories,
  type NotDone,
  type Repositories,
  type RepositoriesOptions,
} from '../../src/git/commit.ts';
import { NO_TRUST, type RepositoryAccess } from '../../src/git/credentials.ts';
import type { MakeEdit } from '../../src/git/planned-commit.ts';
import { type Lifetime, scratchFolder } from './git-repository.ts';

/** Repositories with mirrors of their own, that are gone with the test. */
export function openRepositories(t: Lifetime, options: Partial<RepositoriesOptions> = {}): Repositories {
  return createRepositories({ folder: join(scratchFolder(t), 'mirrors'), environment: process.env, ...options });
}

/** Access to a server of a test that lets everybody in. */
function openTo(url: string): RepositoryAccess {
  return { url, credential: null, trust: { ...NO_TRUST, plainHttp: 'allowed' } };
}

/** Writes `tag: TO` into files that have a `tag:`, or makes them. */
export function bump(to: string, ...paths: readonly string[]): MakeEdit {
  const wanted = paths.length === 0 ? ['values.yaml'] : paths;
  return async (files) => {
    const texts = new Map<string, string>();
    for (const path of wanted) {
      const there = await files.read(path);
      texts.set(path, there.kind === 'file' ? there.text.replace(/tag: \S+/, `tag: ${to}`) : `tag: ${to}\n`);
    }
    return { files: texts, message: `Take the shop to ${to}` };
  };
}

/** A request that takes `values.yaml` to v2 on the default branch. */
export function commitTo(repository: RepositoryAccess | string, more: Partial<CommitRequest> = {}): CommitRequest {
  return {
    repository: typeof repository === 'string' ? openTo(repository) : repository,
    base: null,
    push: null,
    author: { name: 'tagpin', email: 'tagpin@example.com' },
    signing: null,
    signOff: 'no',
    edit: bump('v2'),
    ...more,
  };
}

/** The outcome of a commit that was pushed. */
export function pushed(outcome: CommitOutcome): Extract<CommitOutcome, { kind: 'pushed' }> {
  if (outcome.kind !== 'pushed') throw new Error(`not pushed: ${JSON.stringify(outcome)}`);
  return outcome;
}

/** `refused Symlink`, of what was not done. */
export function reasonOf(outcome: { readonly kind: string }): string {
  return 'reason' in outcome ? `${outcome.kind} ${(outcome as NotDone).reason}` : outcome.kind;
}
