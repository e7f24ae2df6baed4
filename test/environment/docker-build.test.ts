/**
 * Builds what the Dockerfile builds where no container engine is at hand: the build stage's COPY and RUN lines, in a folder
 * that holds what `.dockerignore` lets through. Packages come from the npm registry, as they do for the image.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import test from 'node:test';
import { isInContext, parseCopy, parseDockerfile } from '../support/dockerfile.ts';
import { runProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const stages = parseDockerfile(await readFile(join(root, 'Dockerfile'), 'utf8'));
const ignore = await readFile(join(root, '.dockerignore'), 'utf8');

/** Copies a file or folder of the context as COPY does: a folder's content, without what is ignored. */
async function copyFromContext(path: string, to: string): Promise<void> {
  await cp(join(root, path), to, {
    recursive: true,
    filter: async (source) => {
      const file = relative(root, source);
      const isFolder = (await readdir(source).catch(() => null)) !== null;
      return isFolder || isInContext(ignore, file);
    },
  });
}

async function filesIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path, 'utf8')] as const)),
  );
}

test('the build stage builds, from what the builder is sent, what npm run build builds here', async () => {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'tagpin-docker-'));
  let workdir = scratch.path;
  const build = stages.find(({ name }) => name === 'build') ?? assert.fail();
  for (const { name, text, line } of build.instructions) {
    if (name === 'WORKDIR') {
      workdir = join(scratch.path, text);
      await mkdir(workdir, { recursive: true });
    } else if (name === 'COPY') {
      const { from, to } = parseCopy(text);
      for (const path of from) {
        await copyFromContext(path, to.endsWith('/') ? join(workdir, to, basename(path)) : join(workdir, to));
      }
    } else {
      assert.equal(name, 'RUN', `line ${line}: nobody here knows how to ${name}`);
      // Node as in the image; the rest is how this machine reaches the npm registry.
      const environment = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
      const options = { directory: workdir, environment, timeout: 4 * 60_000 };
      const { code, stdout, stderr } = await runProcess('sh', ['-ec', text], options);
      assert.equal(code, 0, `${text}\n${stdout}${stderr}`);
    }
  }
  const { from } = parseCopy(
    stages.at(-1)?.instructions.find(({ name }) => name === 'COPY')?.text ?? assert.fail('nothing is copied from it'),
  );
  const made = await filesIn(join(scratch.path, from[0] ?? ''));
  const here = join(scratch.path, 'here');
  assert.equal((await runProcess(process.execPath, [join(root, '.ci/build.ts'), here])).code, 0);
  assert.ok('main.js' in made);
  assert.deepEqual(Object.keys(made).toSorted(), Object.keys(await filesIn(here)).toSorted());
  assert.deepEqual(made, await filesIn(here));
});
