import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Something with a lifetime: a test, or the hooks of a file. */
export interface Lifetime {
  after(end: () => void | Promise<void>): void;
}

/** A file of a commit: its text or bytes, or something that is no file. */
export type Content =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly submodule: string }
  | { readonly executable: string }
  | null;

/** A bare repository on this machine, the remote of a test. */
export interface RemoteRepository {
  /** The folder that servers serve, and the repository's path in it. */
  readonly root: string;
  readonly name: string;
  readonly path: string;
  /** Commits files on top of a branch (or makes it); null takes a file away. @returns the commit. */
  commit(branch: string, files: Readonly<Record<string, Content>>, message?: string): string;
  /** Runs git in it, and gives its output. */
  git(...args: readonly string[]): string;
  /** The commit of a branch; null where there is none. */
  head(branch: string): string | null;
  /** A file's bytes as text, on a branch. */
  show(branch: string, path: string): string;
  /** Makes a hook of the repository: a shell script. */
  hook(name: string, script: string): void;
}

/** Settings that a test's own git does not take from whoever runs the tests. */
export function gitEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '' } = process.env;
  const person = { NAME: 'Ada', EMAIL: 'ada@example.com' };
  return {
    PATH,
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((role) =>
        Object.entries(person).map(([what, text]) => [`GIT_${role}_${what}`, text]),
      ),
    ),
    ...more,
  };
}

/** A folder that is gone with its test. */
export function scratchFolder(t: Lifetime): string {
  const folder = mkdtempSync(join(tmpdir(), 'git-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes a bare repository whose HEAD is `main`, with a first commit where there are files. */
export function makeRepository(
  t: Lifetime,
  files: Readonly<Record<string, Content>> = { 'README.md': 'hello\n' },
  options: { readonly format?: 'sha1' | 'sha256'; readonly partial?: 'refused' } = {},
): RemoteRepository {
  const root = scratchFolder(t);
  const name = 'acme/shop.git';
  const path = join(root, name);
  const { format = 'sha1' } = options;
  const run = (args: readonly string[], input: string | Uint8Array = ''): string =>
    execFileSync('git', args, { env: gitEnvironment(), input, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 });
  run(['init', '--quiet', '--bare', `--object-format=${format}`, '--initial-branch=main', path]);
  const git = (...args: readonly string[]): string => run(['--git-dir', path, ...args]);
  git('config', 'http.receivepack', 'true');
  if (options.partial === undefined) git('config', 'uploadpack.allowFilter', 'true');

  const head = (branch: string): string | null => {
    try {
      return git('rev-parse', '--verify', '--quiet', `refs/heads/${branch}`).trim();
    } catch {
      return null;
    }
  };

  const repository: RemoteRepository = {
    root,
    name,
    path,
    git,
    head,
    commit(branch, changes, message = 'change') {
      const parent = head(branch);
      const parts: (string | Uint8Array)[] = [
        `commit refs/heads/${branch}\ncommitter Ada <ada@example.com> ${Math.floor(Date.now() / 1000)} +0000\n`,
        `data ${Buffer.byteLength(message)}\n${message}\n`,
        ...(parent === null ? [] : [`from ${parent}\n`]),
        ...Object.entries(changes).flatMap(([file, content]) => instructionsOf(file, content)),
      ];
      run(
        ['--git-dir', path, 'fast-import', '--quiet', '--force'],
        Buffer.concat(parts.map((part) => Buffer.from(part))),
      );
      return head(branch) ?? '';
    },
    show: (branch, file) => git('show', `refs/heads/${branch}:${file}`),
    hook(name, script) {
      writeFileSync(join(path, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
  };
  if (Object.keys(files).length > 0) repository.commit('main', files, 'first');
  return repository;
}

function instructionsOf(file: string, content: Content): readonly (string | Uint8Array)[] {
  const quoted = JSON.stringify(file);
  if (content === null) return [`D ${quoted}\n`];
  const inline = (mode: string, bytes: string | Uint8Array): readonly (string | Uint8Array)[] => [
    `M ${mode} inline ${quoted}\ndata ${Buffer.from(bytes).length}\n`,
    bytes,
    '\n',
  ];
  if (typeof content === 'string' || content instanceof Uint8Array) return inline('100644', content);
  if ('link' in content) return inline('120000', content.link);
  if ('executable' in content) return inline('100755', content.executable);
  return [`M 160000 ${content.submodule} ${quoted}\n`];
}
