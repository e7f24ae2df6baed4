import { mkdir, mkdtempDisposable, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type FinishedProcess, runProcess } from './process.ts';
import { startRegistry } from './registry.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** Starting from source is mostly compiling. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/tagpin');

/** A folder to run `tagpin pin` in, with nothing in its environment but PATH and HOME. */
export interface PinFolder {
  readonly path: string;
  tagpin(...args: readonly string[]): Promise<FinishedProcess>;
  tagpinWith(input: string, ...args: readonly string[]): Promise<FinishedProcess>;
  read(file: string): Promise<string>;
  write(file: string, text: string): Promise<void>;
}

/** Makes an empty folder that goes with the test. */
export async function pinFolder(t: TestContext): Promise<PinFolder> {
  const disposable = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  t.after(() => disposable.remove());
  const { path } = disposable;
  const tagpinWith = (input: string, ...args: readonly string[]) =>
    runProcess(process.execPath, [MAIN, 'pin', ...args], {
      directory: path,
      input,
      environment: { PATH: process.env['PATH'], HOME: path, NODE_COMPILE_CACHE: COMPILED },
    });
  return {
    path,
    tagpinWith,
    tagpin: (...args) => tagpinWith('', ...args),
    read: (file) => readFile(join(path, file), 'utf8'),
    async write(file, text) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), text);
    },
  };
}

/** A folder with a registry, the policy that lets it be asked, and what stands for it in images. */
export async function withRegistry(t: TestContext) {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const at = await pinFolder(t);
  await at.write(
    'policy',
    `apiVersion: tagpin.dev/v1\nkind: TagPolicy\nregistries:\n  hosts:\n  - {host: "${registry.host}", plainHttp: true}\n`,
  );
  return {
    registry,
    at,
    host: registry.host,
    pin: (...args: readonly string[]) => at.tagpin('--policy', 'policy', ...args),
  };
}

/** A Pod whose containers c0, c1 and so on have these images, from line 8 on, two lines each. */
export function podOf(...images: readonly string[]): string {
  const containers = images.map((image, index) => `  - name: c${index}\n    image: ${image}\n`);
  return `apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n${containers.join('')}`;
}

/** Everything below a folder: the bytes of files, where links lead. */
export async function contents(path: string): Promise<Record<string, string>> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const found: [string, string][] = [];
  for (const entry of entries.toSorted((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1))) {
    const file = join(entry.parentPath, entry.name);
    const name = file.slice(path.length + 1);
    if (entry.isSymbolicLink()) found.push([name, await readlink(file)]);
    else if (entry.isFile()) found.push([name, (await readFile(file)).toString('latin1')]);
  }
  return Object.fromEntries(found);
}
