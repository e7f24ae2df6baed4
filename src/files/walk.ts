import { readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { explainProblem } from './file-problem.ts';

/** Standard input, among the files that are named. */
export const STANDARD_INPUT = '-';

/** A file that is to be read. */
export interface FoundFile {
  /** As people find it again: what was named, with the way from there. */
  readonly name: string;
  /** Absolute; null for standard input. */
  readonly path: string | null;
  /** Was it found in a folder, and not named itself? */
  readonly isFromFolder: boolean;
}

/** A path that cannot be looked into, and why. */
export interface FileProblem {
  readonly name: string;
  readonly message: string;
}

/** What is read of folders. */
const MANIFEST = /\.(?:yaml|yml|json)$/;

/**
 * Finds the files that names lead to: files as they are, folders with all `*.yaml`, `*.yml` and `*.json` below them, but not what
 * is in hidden folders or behind links. In the order of the names, folders in alphabetical order, each file once.
 *
 * @param directory where relative names start.
 */
export async function findFiles(
  names: readonly string[],
  directory: string,
): Promise<{ readonly files: readonly FoundFile[]; readonly problems: readonly FileProblem[] }> {
  const files = new Map<string, FoundFile>();
  const problems: FileProblem[] = [];
  for (const name of names) {
    if (name === STANDARD_INPUT) {
      files.set(name, { name, path: null, isFromFolder: false });
      continue;
    }
    if (name === '') {
      problems.push({ name, message: 'an empty name: is a variable unset?' });
      continue;
    }
    try {
      const path = await realpath(resolve(directory, name));
      if (!(await stat(path)).isDirectory()) {
        if (!files.has(path)) files.set(path, { name, path, isFromFolder: false });
        continue;
      }
      const found = await findInFolder(name, path, problems);
      if (found.length === 0) problems.push({ name, message: 'the folder holds no *.yaml, *.yml or *.json' });
      for (const file of found) if (!files.has(file.path)) files.set(file.path, file);
    } catch (error) {
      problems.push({ name, message: explainProblem(error) });
    }
  }
  return { files: [...files.values()], problems };
}

async function findInFolder(
  name: string,
  path: string,
  problems: FileProblem[],
): Promise<(FoundFile & { path: string })[]> {
  const found: (FoundFile & { path: string })[] = [];
  const entries = await readdir(path, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const inner = { name: join(name, entry.name), path: join(path, entry.name), isFromFolder: true };
    if (entry.isFile() && MANIFEST.test(entry.name)) found.push(inner);
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
    try {
      found.push(...(await findInFolder(inner.name, inner.path, problems)));
    } catch (error) {
      problems.push({ name: inner.name, message: explainProblem(error) });
    }
  }
  return found;
}
