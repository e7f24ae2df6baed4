import { unifiedDiff } from '../../files/unified-diff.ts';
import type { UpdatedFile, UpdatedValue } from '../../files/update.ts';
import { type CommandIO, type OutputFormat, printable, writeJson, writeLine } from '../output.ts';

/** What became of the files: `planned` are those of a dry run. */
export type UpdateOutcome = 'planned' | 'written' | 'committed' | 'pushed';

/** Where the commit is; null where none was made. */
export interface UpdateCommit {
  readonly commit: string;
  readonly branch: string;
}

/**
 * Tells what was set: a dry run as a difference that `git apply` takes, all else as one line for each value.
 *
 * @param pullRequest its URL; null where there is none.
 */
export function reportUpdate(
  io: CommandIO,
  output: OutputFormat,
  outcome: UpdateOutcome,
  { files, values }: { readonly files: readonly UpdatedFile[]; readonly values: readonly UpdatedValue[] },
  commit: UpdateCommit | null,
  pullRequest: string | null,
): void {
  if (output === 'json') {
    for (const { path, place, from, to } of values) {
      writeJson(io.stdout, {
        file: path,
        place,
        from,
        to,
        outcome,
        commit: commit?.commit ?? null,
        branch: commit?.branch ?? null,
        pullRequest,
      });
    }
    return;
  }
  if (outcome === 'planned') {
    for (const { path, before, after } of files) io.stdout.write(unifiedDiff(path, before, after));
    return;
  }
  for (const { path, place, from, to } of values) {
    writeLine(io.stdout, printable(`${path}: ${place}: ${from === null || from === '' ? '-' : from} -> ${to ?? '-'}`));
  }
  if (commit !== null) writeLine(io.stdout, `${outcome} ${commit.commit} on ${printable(commit.branch)}`);
  if (pullRequest !== null) writeLine(io.stdout, printable(pullRequest));
}

/** The message of a commit that nobody wrote one for. */
export function commitMessage(values: readonly UpdatedValue[]): string {
  const names = [...new Set(values.map(({ path }) => path))];
  const [first] = values;
  const subject =
    values.length === 1 && first !== undefined
      ? `Set ${first.place} to ${shortened(first.to ?? 'nothing')}`
      : `Set ${values.length} values in ${names.length === 1 ? (names[0] ?? '') : `${names.length} files`}`;
  const lines = values.map(({ path, place, from, to }) => `- ${path}: ${place}: ${from ?? '-'} -> ${to ?? '-'}`);
  return `${printable(subject)}\n\n${lines.map(printable).join('\n')}\n`;
}

/** A digest says enough with its first letters. */
function shortened(text: string): string {
  return text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/, '$1');
}
