import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { verifySchema } from '../../core/policy/sections/signatures.ts';
import type { VerifyEntry } from '../../core/signature/verification.ts';
import { CommandError, type CommandIO } from '../output.ts';

/** What the command line says of whose signatures count. */
export interface EntryOptions {
  readonly policy?: string;
  /** Files of `--key`, in PEM. */
  readonly key: readonly string[];
  /** A file that takes the place of every entry's trust root. */
  readonly trustRoot?: string;
}

/** Keys and trust roots are a few kilobytes. */
const LARGEST = 1024 * 1024;

/**
 * The entries of the policy, or the one that the command line makes.
 *
 * @throws CommandError with exit code 2 where nothing says whose signatures count, or 3 where a file can't be read.
 */
export async function readEntries(
  io: CommandIO,
  { policy, key, trustRoot }: EntryOptions,
  ofPolicy: readonly VerifyEntry[],
): Promise<readonly VerifyEntry[]> {
  if (key.length === 0 && policy === undefined) {
    throw new CommandError(2, 'verify: give --policy or --key: whose signatures count?');
  }
  const entries = key.length === 0 ? ofPolicy : [await entryOfKeys(io, key)];
  if (entries.length === 0)
    throw new CommandError(2, `verify: ${policy ?? ''} has no verify entries: add one, or give --key`);
  if (trustRoot === undefined) return entries;
  const text = await readText(io, '--trust-root', trustRoot);
  return entries.map((entry) => ({ ...entry, trustRoot: { text } }));
}

async function entryOfKeys(io: CommandIO, files: readonly string[]): Promise<VerifyEntry> {
  const keys: string[] = [];
  for (const file of files) {
    const text = await readText(io, '--key', file);
    const parsed = verifySchema.shape.keys.safeParse([text]);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new CommandError(2, `verify: --key ${file}: ${issue?.message ?? 'it is no public key'}`);
    }
    keys.push(text);
  }
  return verifySchema.parse({ name: '--key', images: ['**'], keys, transparencyLog: 'optional' });
}

async function readText(io: CommandIO, option: string, file: string): Promise<string> {
  try {
    const text = await readFile(resolve(io.directory, file), 'utf8');
    if (text.length <= LARGEST) return text;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    const problem = code === 'ENOENT' ? 'there is no such file' : `the file can not be read (${code})`;
    throw new CommandError(3, `verify: ${option} ${file}: ${problem}`, { cause });
  }
  throw new CommandError(2, `verify: ${option} ${file}: the file is larger than 1 MiB`);
}
