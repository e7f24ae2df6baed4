import { GitError } from '../error.ts';
import type { Mirror } from '../mirror.ts';
import type { GitSession } from '../session.ts';
import { largeProblem, type RepositoryFiles } from './files.ts';
import { FILE_BYTES } from './reader.ts';

/** Who stands in a commit. */
export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** The largest message that is made: with a line for each of thousands of images. */
const MESSAGE_BYTES = 1 << 20;

/**
 * Makes the folder of a commit in which some files have other contents; all else of it stays. Modes stay, new files are
 * `100644`. Nothing is checked out, no filter is run.
 *
 * @returns the name of its object, and what differs from before by path. @throws GitError `FileRefused`
 */
export async function writeTree(
  session: GitSession,
  mirror: Mirror,
  files: RepositoryFiles,
  contents: ReadonlyMap<string, string>,
): Promise<{ readonly tree: string; readonly changed: ReadonlyMap<string, string> }> {
  const at = ['--git-dir', mirror.path];
  const refused = (what: string): GitError => new GitError('FileRefused', { repository: session.repository, what });
  const wanted: { path: string; mode: string; text: string }[] = [];
  for (const [path, text] of contents) {
    const there = await files.read(path);
    if (there.kind === 'refused') throw refused(there.problem);
    if (Buffer.byteLength(text) > FILE_BYTES) throw refused(largeProblem(path));
    if (!text.isWellFormed()) throw refused(`${path} would not be UTF-8 text`);
    if (there.kind === 'file' && there.text === text) continue;
    wanted.push({ path, text, mode: there.kind === 'file' ? there.mode : '100644' });
  }
  const root = (
    await session.git([...at, 'rev-parse', '--verify', '--end-of-options', `${files.commit}^{tree}`])
  ).trim();
  if (wanted.length === 0) return { tree: root, changed: new Map() };

  const oids = await writeBlobs(
    session,
    at,
    wanted.map(({ text }) => text),
  );
  const index = { GIT_INDEX_FILE: `${session.folder}/index` };
  await session.git([...at, 'read-tree', '--end-of-options', root], { variables: index });
  const lines = wanted.map(({ path, mode }, number) => `${mode} ${oids[number] ?? ''}\t${path}\0`);
  await session.git([...at, 'update-index', '-z', '--index-info'], { variables: index, input: lines.join('') });
  // What a partial mirror left out is none of this commit's business.
  const tree = (await session.git([...at, 'write-tree', '--missing-ok'], { variables: index })).trim();
  return { tree, changed: new Map(tree === root ? [] : wanted.map(({ path, text }) => [path, text])) };
}

async function writeBlobs(
  session: GitSession,
  at: readonly string[],
  texts: readonly string[],
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const [number, text] of texts.entries()) paths.push(await session.file(`blob-${number}`, text));
  const args = [...at, 'hash-object', '-w', '--no-filters', '--stdin-paths'];
  const oids = (await session.git(args, { input: `${paths.join('\n')}\n` })).trim().split('\n');
  if (oids.length !== texts.length)
    throw new GitError('GitFailed', { repository: session.repository, what: 'a file was lost' });
  return oids;
}

/**
 * Makes a commit with one parent.
 *
 * @param sign options for `git commit-tree`, of `prepareSigning`. @returns its name. @throws GitError `BadIdentity` |
 * `BadMessage` | `SigningFailed`
 */
export async function writeCommit(
  session: GitSession,
  mirror: Mirror,
  wanted: {
    readonly tree: string;
    readonly parent: string;
    readonly message: string;
    readonly author: Identity;
    readonly sign: readonly string[];
  },
): Promise<string> {
  const { tree, parent, message, author, sign } = wanted;
  const { name, email } = checkedIdentity(author);
  if (message.trim() === '') throw new GitError('BadMessage', { what: 'is empty' });
  if (message.includes('\0') || !message.isWellFormed()) throw new GitError('BadMessage', { what: 'is no text' });
  if (Buffer.byteLength(message) > MESSAGE_BYTES) throw new GitError('BadMessage', { what: 'is too long' });
  const args = ['--git-dir', mirror.path, 'commit-tree', '-p', parent, ...sign, '-F', '-', tree];
  const { code, stdout, stderr } = await session.attempt(args, {
    input: `${message.trimEnd()}\n`,
    variables: {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
    },
  });
  if (code === 0) return stdout.trim();
  if (sign.length > 0)
    throw new GitError('SigningFailed', { what: 'the signing key was not taken, or wants a passphrase' });
  throw new GitError('GitFailed', { repository: session.repository, what: stderr.split('\n')[0] ?? '' });
}

function checkedIdentity({ name, email }: Identity): Identity {
  for (const text of [name, email]) {
    // git would leave these out, and refuse what is left.
    if (!/[\p{L}\p{N}]/u.test(text) || /[<>\p{Cc}]/u.test(text))
      throw new GitError('BadIdentity', { what: JSON.stringify(text) });
  }
  return { name: name.trim(), email: email.trim() };
}

/** A message with one more trailer (https://git-scm.com/docs/git-interpret-trailers) at its end. */
export function withTrailer(message: string, key: string, value: string): string {
  const text = message.trimEnd();
  const trailer = `${key}: ${value}`;
  const paragraphs = text.split(/\n[\t ]*\n/);
  const last = paragraphs.at(-1)?.split('\n') ?? [];
  const isTrailers = paragraphs.length > 1 && last.every((line) => /^[A-Za-z\d][A-Za-z\d-]*: ./.test(line));
  if (isTrailers && last.includes(trailer)) return `${text}\n`;
  return `${text}${isTrailers ? '\n' : '\n\n'}${trailer}\n`;
}

/** Does the last paragraph of a commit (its raw text) have this trailer? */
export function hasTrailer(commit: string, key: string, value: string): boolean {
  const body = commit.slice(commit.indexOf('\n\n') + 2).trimEnd();
  return (body.split(/\n[\t ]*\n/).at(-1) ?? '').split('\n').includes(`${key}: ${value}`);
}
