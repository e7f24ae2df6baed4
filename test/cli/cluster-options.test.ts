import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { openCluster } from '../../src/cli/options/cluster-options.ts';
import { startStandIn } from '../support/stand-in.ts';

test('a command may ask for hundreds of lists without waiting for its own turn', async (t) => {
  const { url } = await startStandIn(t, () => ({ json: { items: [] } }));
  const folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-options-'));
  t.after(() => folder.remove());
  const config = {
    clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(join(folder.path, 'config'), JSON.stringify(config));
  const stream = new PassThrough();
  const io = {
    stdin: stream,
    stdout: stream,
    stderr: stream,
    terminal: false,
    directory: folder.path,
    environment: {},
  };
  const { client } = openCluster(io, { kubeconfig: 'config' }, 'audit');
  t.after(() => client.close());
  const begin = performance.now();
  const path = '/api/v1/namespaces/shop/pods';
  await Promise.all(Array.from({ length: 500 }, () => client.request({ method: 'GET', path })));
  // With the 50 a second of what runs all day it would be 9.
  assert.ok(performance.now() - begin < 6000, `${performance.now() - begin} ms`);
});
