import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgramResult } from '../platform/process/program.ts';
import { GitError } from './error.ts';
import type { GitSession } from './session.ts';

/** What commits are signed with. */
export type SigningKey =
  /** OpenSSH, without a passphrase. */
  | { readonly kind: 'ssh'; readonly privateKey: string }
  /** ASCII armour, as `gpg --export-secret-keys --armor` writes it. */
  | { readonly kind: 'openpgp'; readonly privateKey: string; readonly passphrase: string | null };

/** A session that can sign. */
export interface Signing {
  /** For `git commit-tree`. */
  readonly options: readonly string[];
  /** Ends what was started for it. */
  end(): Promise<void>;
}

/**
 * Makes a session sign commits. The key is in the session's folder, and nowhere else; no passphrase is ever an argument.
 *
 * @throws GitError `SigningFailed` | `NoGit` where gpg is not there
 */
export async function prepareSigning(session: GitSession, key: SigningKey | null): Promise<Signing> {
  switch (key?.kind) {
    case undefined:
      return { options: [], end: async () => {} };
    case 'ssh':
      return await prepareSsh(session, key.privateKey);
    case 'openpgp':
      return await prepareOpenPgp(session, key.privateKey, key.passphrase);
  }
}

async function prepareSsh(session: GitSession, privateKey: string): Promise<Signing> {
  const text = `${privateKey.replaceAll('\r\n', '\n').trim()}\n`;
  session.hide(privateKey.trim());
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----\n/.test(text)) throw failed('the key is no private key of OpenSSH');
  const file = await session.file('signing-key', text);
  // Without a passphrase: any other one is refused here, and not by a question that nobody answers.
  const shown = await session.program('ssh-keygen', ['-y', '-P', '', '-f', file]);
  const publicKey = outputOf(shown, 'ssh-keygen');
  if (publicKey === null) throw failed('the key is no private key of OpenSSH, or wants a passphrase');
  await session.file('signing-key.pub', publicKey);
  session.configure(['[gpg]', 'format = ssh', '[user]', `signingKey = "${file}"`]);
  return { options: ['-S'], end: async () => {} };
}

/** The folder of the keys is the session's; the agent that gpg starts for it ends with it. */
async function prepareOpenPgp(session: GitSession, privateKey: string, passphrase: string | null): Promise<Signing> {
  session.hide(privateKey.trim(), passphrase ?? '');
  const home = join(session.folder, 'gnupg');
  await mkdir(home, { mode: 0o700 });
  await chmod(home, 0o700);
  const passphraseFile = await session.file('passphrase', passphrase ?? '');
  const settings = [
    'batch',
    'no-tty',
    'pinentry-mode loopback',
    `passphrase-file ${passphraseFile}`,
    'no-auto-key-retrieve',
  ];
  await session.file('gnupg/gpg.conf', `${settings.join('\n')}\n`);
  session.set({ GNUPGHOME: home });
  const end = async (): Promise<void> => {
    await session.program('gpgconf', ['--homedir', home, '--kill', 'all']);
  };
  try {
    const imported = outputOf(await session.program('gpg', ['--quiet', '--import'], privateKey), 'gpg');
    if (imported === null) throw failed('the key is no secret key of OpenPGP, or its passphrase is another one');
    const listed = outputOf(await session.program('gpg', ['--with-colons', '--list-secret-keys']), 'gpg') ?? '';
    const fingerprints = listed.split('\n').filter((line) => line.startsWith('sec:') || line.startsWith('fpr:'));
    const first = fingerprints.findIndex((line) => line.startsWith('sec:'));
    const fingerprint = fingerprints[first + 1]?.split(':')[9];
    if (first < 0 || fingerprint === undefined) throw failed('there is no secret key in it');
    session.configure(['[gpg]', 'format = openpgp', '[user]', `signingKey = ${fingerprint}`]);
    return { options: ['-S'], end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Its output; null where it ended with another code than 0. */
function outputOf(result: ProgramResult, name: string): string | null {
  switch (result.kind) {
    case 'exited':
      return result.code === 0 ? result.stdout : null;
    case 'missing':
      throw new GitError('NoGit', { what: name });
    case 'timedOut':
    case 'tooLarge':
    case 'killed':
      return null;
  }
}

function failed(what: string): GitError {
  return new GitError('SigningFailed', { what });
}
