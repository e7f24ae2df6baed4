import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { reloadOnChange } from '../../../src/platform/process/reload.ts';

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'tagpin-reload-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries += 1) await sleep(10);
  assert.ok(condition());
}

test('it reloads once in the beginning, and once for changes that come together', async (context) => {
  const at = await folder(context);
  const files = [join(at, 'a'), join(at, 'b')];
  let reloads = 0;
  const stop = reloadOnChange(files, async () => {
    reloads += 1;
    return 'done';
  });
  context.after(stop);
  await until(() => reloads === 1);
  for (const file of files) await writeFile(file, 'new');
  await until(() => reloads === 2);
  await sleep(600);
  assert.equal(reloads, 2);
});

test('reloads never overlap, and a change during one is followed by another', async (context) => {
  const file = join(await folder(context), 'a');
  let running = 0;
  let most = 0;
  let ended = 0;
  const stop = reloadOnChange([file], async () => {
    running += 1;
    most = Math.max(most, running);
    await sleep(800);
    running -= 1;
    ended += 1;
    return 'done';
  });
  context.after(stop);
  await until(() => running === 1);
  await writeFile(file, 'new');
  await until(() => ended === 2);
  assert.equal(most, 1);
});

test('nothing is reloaded after the stop', async (context) => {
  const file = join(await folder(context), 'a');
  let reloads = 0;
  const stop = reloadOnChange([file], async () => {
    reloads += 1;
    return 'done';
  });
  stop();
  await writeFile(file, 'new');
  await sleep(500);
  assert.equal(reloads, 0);
});

test('what could not be read is read again after a second, though nothing has changed', async (context) => {
  const file = join(await folder(context), 'a');
  let reloads = 0;
  const stop = reloadOnChange([file], async () => {
    reloads += 1;
    return reloads < 3 ? 'again' : 'done';
  });
  context.after(stop);
  await until(() => reloads === 3);
  await sleep(1300);
  assert.equal(reloads, 3);
});
