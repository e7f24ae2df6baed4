import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { runProcess } from '../support/process.ts';
import { updateFolder } from '../support/update-folder.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

test('who can not reach a cluster is told of options that the command has', async (t) => {
  const { path } = await updateFolder(t);
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'none', cluster: { server: 'https://127.0.0.1:1' } }],
    users: [{ name: 'none', user: { token: 'x' } }],
    contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
    'current-context': 'none',
  };
  await writeFile(join(path, 'unreachable'), JSON.stringify(kubeconfig));
  await writeFile(join(path, 'broken'), '{');
  const help = await runProcess(process.execPath, [MAIN, 'sweep', '--help']);
  for (const name of ['unreachable', 'broken', 'absent']) {
    const args = ['sweep', '--once', `--kubeconfig=${name}`];
    const { code, stdout, stderr } = await runProcess(process.execPath, [MAIN, ...args], { directory: path });
    assert.deepEqual([code, stdout], [3, ''], stderr);
    const options = stderr.match(/--[a-z-]+/g) ?? [];
    assert.deepEqual(new Set(options), new Set(['--kubeconfig']), stderr);
    assert.ok(help.stdout.includes('--kubeconfig'));
  }
});
