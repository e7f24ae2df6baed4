import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { runProcess } from './process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');

/** A folder with these files, to run `tagpin update` in. */
export async function updateFolder(t: TestContext, files: Readonly<Record<string, string>> = {}) {
  const disposable = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => disposable.remove());
  const { path } = disposable;
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  const updateWith = (more: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    runProcess(process.execPath, [MAIN, 'update', ...args], {
      directory: path,
      environment: { PATH: process.env['PATH'], HOME: path, NODE_COMPILE_CACHE: COMPILED, ...more },
    });
  return {
    path,
    read: (name: string) => readFile(join(path, name), 'utf8'),
    update: (...args: readonly string[]) => updateWith({}, ...args),
    updateWith,
  };
}
