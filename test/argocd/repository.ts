import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProcess } from '../support/process.ts';

/** A git repository with one manifest on its branch `main`. */
export interface Repository {
  /** `file://…` */
  readonly url: string;
  /** Commits the manifest. @returns the commit. */
  commit(manifest: object): Promise<string>;
  /** `git revert HEAD`. @returns the commit. */
  revert(): Promise<string>;
}

/** Makes one in a folder. */
export async function openRepository(folder: string): Promise<Repository> {
  const directory = mkdtempSync(join(folder, 'git-'));
  const environment = {
    PATH: process.env['PATH'],
    HOME: directory,
    GIT_AUTHOR_NAME: 'Alice',
    GIT_AUTHOR_EMAIL: 'alice@example.org',
    GIT_COMMITTER_NAME: 'Alice',
    GIT_COMMITTER_EMAIL: 'alice@example.org',
  };
  const git = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProcess('git', args, { directory, environment });
    assert.equal(code, 0, `git ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch', 'main');
  return {
    url: `file://${directory}`,
    async commit(manifest) {
      writeFileSync(join(directory, 'deployment.json'), JSON.stringify(manifest, null, 2));
      await git('add', 'deployment.json');
      await git('commit', '--quiet', '--message', 'Change what runs');
      return git('rev-parse', 'HEAD');
    },
    async revert() {
      await git('revert', '--no-edit', 'HEAD');
      return git('rev-parse', 'HEAD');
    },
  };
}
