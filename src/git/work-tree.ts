import { runProgram } from '../platform/process/program.ts';
import { presentable } from './error.ts';
import type { Variables } from './session.ts';

/** What is committed in a work tree. */
export interface WorkTreeCommit {
  /** From the folder that was opened, `/` between; nothing else is committed, whatever is staged. */
  readonly paths: readonly string[];
  readonly message: string;
  /** Null: who git's configuration says. */
  readonly author: { readonly name: string; readonly email: string } | null;
  /** The file of an SSH key to sign with; null: as git's configuration says. */
  readonly signingKey: string | null;
}

/** Something that git did, or why not: one sentence. */
export type WorkTreeResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** A folder that somebody works in with git. */
export interface WorkTree {
  /** The branch that is checked out. */
  readonly branch: string;
  /** Those of some files that differ from the newest commit, or are not in it. */
  changed(paths: readonly string[]): Promise<WorkTreeResult<readonly string[]>>;
  /** Commits files as they are on the disk. @returns the commit. */
  commit(commit: WorkTreeCommit): Promise<WorkTreeResult<string>>;
  /** Pushes the newest commit to the branch of its name, where that is pushed to. */
  push(): Promise<WorkTreeResult<null>>;
}

/** Hooks may take their time, and so may whoever unlocks a key. */
const COMMIT_MILLISECONDS = 10 * 60_000;
const MILLISECONDS = 120_000;
const OUTPUT_BYTES = 1 << 20;
const BRANCH = 'refs/heads/';

/**
 * Opens a folder with the user's own git: identity, configuration, hooks and keys are his, as if he had typed it.
 *
 * @param environment the process' own, whole.
 */
export async function openWorkTree(folder: string, environment: Variables): Promise<WorkTreeResult<WorkTree>> {
  async function git(
    args: readonly string[],
    input = '',
    timeoutMilliseconds = MILLISECONDS,
  ): Promise<WorkTreeResult<string>> {
    const result = await runProgram('git', ['-C', folder, ...args], {
      input,
      // Names of files may look like patterns.
      environment: { ...environment, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_LITERAL_PATHSPECS: '1' },
      timeoutMilliseconds,
      maximumBytes: OUTPUT_BYTES,
    });
    switch (result.kind) {
      case 'exited': {
        if (result.code === 0) return { ok: true, value: result.stdout };
        // Commits tell on stdout that there is nothing to commit; remotes tell a lot before what went wrong.
        const lines = `${result.stderr}\n${result.stdout}`.split('\n').filter((line) => line.trim() !== '');
        const telling =
          lines.find((line) => /^(?:fatal|error|remote: error|! |nothing |no changes )/.test(line.trim())) ?? lines[0];
        return { ok: false, problem: presentable(telling ?? `git ${args[0]} ended with ${result.code}`, []) };
      }
      case 'missing':
        return { ok: false, problem: 'git is not there: install it' };
      case 'timedOut':
      case 'tooLarge':
      case 'killed':
        return { ok: false, problem: `git ${args[0]} did not come to an end` };
    }
  }

  const head = await git(['symbolic-ref', '--quiet', 'HEAD']);
  const inside = await git(['rev-parse', '--is-inside-work-tree']);
  if (!inside.ok) return inside;
  if (inside.value.trim() !== 'true')
    return { ok: false, problem: 'it is a bare repository: name a work tree, or the URL' };
  const reference = head.ok ? head.value.trim() : '';
  if (!reference.startsWith(BRANCH)) return { ok: false, problem: 'no branch is checked out: git switch to one' };
  const branch = reference.slice(BRANCH.length);

  const tree: WorkTree = {
    branch,
    async changed(paths) {
      const status = await git(['status', '--porcelain=v1', '-z', '--no-renames', '--', ...paths]);
      if (!status.ok) return status;
      return { ok: true, value: status.value.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(3)])) };
    },
    async commit({ paths, message, author, signingKey }) {
      const added = await git(['add', '--', ...paths]);
      if (!added.ok) return added;
      const settings = signingKey === null ? [] : ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${signingKey}`];
      const options = [
        ...(author === null ? [] : [`--author=${author.name} <${author.email}>`]),
        ...(signingKey === null ? [] : ['--gpg-sign']),
      ];
      const args = [...settings, 'commit', '--quiet', ...options, '--file=-', '--only', '--', ...paths];
      const committed = await git(args, message, COMMIT_MILLISECONDS);
      if (!committed.ok) return committed;
      const made = await git(['rev-parse', 'HEAD']);
      return made.ok ? { ok: true, value: made.value.trim() } : made;
    },
    async push() {
      const [own, any] = [
        await git(['config', `branch.${branch}.pushRemote`]),
        await git(['config', `branch.${branch}.remote`]),
      ];
      const remote = (own.ok ? own.value : any.ok ? any.value : 'origin').trim();
      const pushed = await git(['push', '--quiet', remote, `HEAD:${reference}`], '', COMMIT_MILLISECONDS);
      return pushed.ok ? { ok: true, value: null } : pushed;
    },
  };
  return { ok: true, value: tree };
}
