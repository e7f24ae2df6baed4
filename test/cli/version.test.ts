import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { runProcess } from '../support/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

test('the version is that of the package, wherever it is asked', async () => {
  const tagpin = (...args: readonly string[]) =>
    runProcess(process.execPath, [join(ROOT, 'src/main.ts'), 'version', ...args], { directory: '/' });
  assert.deepEqual(await tagpin(), { code: 0, stdout: `${version}\n`, stderr: '' });
  assert.deepEqual(await tagpin('-o', 'json'), { code: 0, stdout: `{"version":"${version}"}\n`, stderr: '' });
});
