import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { issueAuthority } from '../../src/certificates/issue.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const FILES = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key'];
const REMEDY = 'or make all four anew with --force\n';

function tagpin(directory: string, ...args: readonly string[]): Promise<FinishedProcess> {
  return runProcess(process.execPath, [MAIN, 'certificates', ...args], { directory });
}

async function temporary() {
  return mkdtempDisposable(join(tmpdir(), 'tagpin-'));
}

async function contents(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).toSorted();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}

/** A folder whose `certs` were made for the default hosts. */
async function made() {
  const folder = await temporary();
  const { code, stderr } = await tagpin(folder.path);
  assert.deepEqual([code, stderr], [0, '']);
  return folder;
}

test('an authority and a serving certificate are made, the keys for their owner alone', async () => {
  await using folder = await temporary();
  const result = await tagpin(
    folder.path,
    '--directory',
    'deep/certs',
    '--host',
    'localhost,127.0.0.1',
    '--host=[::1]',
  );
  assert.deepEqual([result.code, result.stderr], [0, '']);
  assert.match(
    result.stdout,
    /^made deep\/certs\/ca\.crt: an authority, until \d{4}-\d\d-\d\d\nmade deep\/certs\/ca\.key\nmade deep\/certs\/tls\.crt: for localhost, 127\.0\.0\.1, 0:0:0:0:0:0:0:1, until \d{4}-\d\d-\d\d\nmade deep\/certs\/tls\.key\n$/,
  );
  const certs = join(folder.path, 'deep/certs');
  assert.deepEqual((await readdir(certs)).toSorted(), FILES);
  for (const [file, mode] of [['ca.key', 0o600] as const, ['tls.key', 0o600] as const, ['tls.crt', 0o644] as const]) {
    assert.equal((await stat(join(certs, file))).mode & 0o777 & ~0o022, mode, file);
  }
  const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.crt', 'tls.crt'];
  assert.equal((await runProcess('openssl', verify, { directory: certs })).stdout, 'tls.crt: OK\n');
});

test('a client that trusts ca.crt is answered by a server with tls.crt and tls.key', async () => {
  await using folder = await made();
  const certs = await contents(join(folder.path, 'certs'));
  const server = createServer({ cert: certs['tls.crt'], key: certs['tls.key'] }, (_request, response) => {
    response.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    for (const host of ['localhost', '127.0.0.1']) {
      const url = `https://${host}:${port}`;
      const [response] = await once(get(url, { ca: certs['ca.crt'], agent: false, family: 4 }), 'response');
      assert.deepEqual(await response.toArray(), [Buffer.from('hello')]);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('files that are there are kept, byte for byte', async () => {
  await using folder = await made();
  const before = await contents(join(folder.path, 'certs'));
  const again = await tagpin(folder.path, '--host', 'localhost');
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(
    again.stdout.match(/^\w+ \S+/gm),
    FILES.map((file) => `kept certs/${file}${file.endsWith('.crt') ? ':' : ''}`),
  );
  assert.deepEqual(await contents(join(folder.path, 'certs')), before);
});

test('an authority that is there signs a missing serving certificate', async () => {
  await using folder = await made();
  const certs = join(folder.path, 'certs');
  const before = await contents(certs);
  await rm(join(certs, 'tls.crt'));
  await rm(join(certs, 'tls.key'));
  const { code, stdout } = await tagpin(folder.path, '--host', 'example.org');
  assert.equal(code, 0);
  assert.match(stdout, /^kept certs\/ca\.crt.*\nkept certs\/ca\.key\nmade certs\/tls\.crt: for example\.org, until/);
  const after = await contents(certs);
  assert.deepEqual([after['ca.crt'], after['ca.key']], [before['ca.crt'], before['ca.key']]);
  assert.ok(new X509Certificate(after['tls.crt'] ?? '').verify(new X509Certificate(after['ca.crt'] ?? '').publicKey));
});

test('--force makes all four anew, whatever was there', async () => {
  await using folder = await made();
  const certs = join(folder.path, 'certs');
  const before = await contents(certs);
  await writeFile(join(certs, 'ca.key'), 'not a key');
  await chmod(join(certs, 'ca.key'), 0o644);
  await rm(join(certs, 'tls.key'));
  const { code, stdout } = await tagpin(folder.path, '--force');
  assert.equal(code, 0);
  assert.equal(stdout.match(/^made/gm)?.length, 4);
  const after = await contents(certs);
  assert.deepEqual(Object.keys(after), FILES);
  for (const file of FILES) assert.notEqual(after[file], before[file], file);
  assert.equal((await stat(join(certs, 'ca.key'))).mode & 0o777, 0o600);
  assert.equal((await tagpin(folder.path)).code, 0, 'the new ones fit each other');
});

/** What stands in the folder, and what the command says of it. */
const misfits: readonly {
  readonly what: string;
  readonly change: (certs: string, other: Readonly<Record<string, string>>) => Promise<unknown>;
  readonly args?: readonly string[];
  readonly stderr: string | RegExp;
}[] = [
  {
    what: 'a certificate without its key',
    change: (certs) => rm(join(certs, 'ca.key')),
    stderr: `tagpin: certs/ca.key: missing beside certs/ca.crt: put it back, ${REMEDY}`,
  },
  {
    what: 'a key without its certificate',
    change: (certs) => rm(join(certs, 'tls.crt')),
    stderr: `tagpin: certs/tls.crt: missing beside certs/tls.key: put it back, ${REMEDY}`,
  },
  {
    what: 'a serving certificate without its authority',
    change: (certs) => Promise.all(['ca.crt', 'ca.key'].map((file) => rm(join(certs, file)))),
    stderr: `tagpin: certs/tls.crt: the authority that issued it is not here: put ca.crt and ca.key beside it, ${REMEDY}`,
  },
  {
    what: 'the key of another authority',
    change: (certs, other) => writeFile(join(certs, 'ca.key'), other['ca.key'] ?? ''),
    stderr: `tagpin: certs/ca.crt: the key is not that of the certificate: move ca.crt and ca.key away, ${REMEDY}`,
  },
  {
    what: 'another authority',
    change: (certs, other) =>
      Promise.all(['ca.crt', 'ca.key'].map((file) => writeFile(join(certs, file), other[file] ?? ''))),
    stderr: `tagpin: certs/tls.crt: it was issued by another authority: remove tls.crt and tls.key and run this again, ${REMEDY}`,
  },
  {
    what: 'a leaf for an authority',
    change: async (certs) => {
      const files = await contents(certs);
      await writeFile(join(certs, 'ca.crt'), files['tls.crt'] ?? '');
      await writeFile(join(certs, 'ca.key'), files['tls.key'] ?? '');
    },
    stderr: /^tagpin: certs\/ca\.crt: it is not an authority .*\n$/,
  },
  {
    what: 'a certificate that is none',
    change: (certs) => writeFile(join(certs, 'tls.crt'), 'text'),
    stderr: /^tagpin: certs\/tls\.crt: the certificate can not be read as PEM: remove .*\n$/,
  },
  {
    what: 'a certificate for other hosts',
    change: async () => {},
    args: ['--host', 'localhost,example.org'],
    stderr:
      /^tagpin: certs\/tls\.crt: it is not for example\.org \(DNS:localhost, IP Address:127\.0\.0\.1\): remove .*\n$/,
  },
];

test('what does not fit together is refused, and nothing is changed', async () => {
  await using folder = await made();
  await using elsewhere = await made();
  const certs = join(folder.path, 'certs');
  const good = await contents(certs);
  const other = await contents(join(elsewhere.path, 'certs'));
  for (const { what, change, args = [], stderr } of misfits) {
    await change(certs, other);
    const before = await contents(certs);
    const result = await tagpin(folder.path, ...args);
    assert.deepEqual([result.code, result.stdout], [1, ''], what);
    if (typeof stderr === 'string') assert.equal(result.stderr, stderr, what);
    else assert.match(result.stderr, stderr, what);
    assert.deepEqual(await contents(certs), before, what);
    for (const [file, text] of Object.entries(good)) await writeFile(join(certs, file), text);
  }
});

test('an expired pair is named with its date', async () => {
  await using folder = await temporary();
  const certs = join(folder.path, 'certs');
  await mkdir(certs);
  const life = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
  const { certificate, key } = await issueAuthority({ name: 'old', ...life });
  await writeFile(join(certs, 'ca.crt'), certificate);
  await writeFile(join(certs, 'ca.key'), key);
  const result = await tagpin(folder.path);
  assert.deepEqual([result.code, result.stdout], [1, '']);
  assert.match(result.stderr, /^tagpin: certs\/ca\.crt: it ended on 2021-01-01T00:00:00\.000Z: move/);
});

test('a host that no certificate can hold is wrong use', async () => {
  await using folder = await temporary();
  for (const host of ['localhost:8443', 'a,,b', 'https://a', '']) {
    const { code, stdout, stderr } = await tagpin(folder.path, `--host=${host}`);
    assert.deepEqual([code, stdout], [2, ''], host);
    assert.match(stderr, /^tagpin: --host ".*": .*\n$/, host);
  }
  assert.deepEqual(await readdir(folder.path), []);
});

test('a folder that can not be one could not be tried', async () => {
  await using folder = await temporary();
  await writeFile(join(folder.path, 'certs'), 'a file');
  const { code, stdout, stderr } = await tagpin(folder.path);
  assert.deepEqual([code, stdout], [3, '']);
  assert.match(stderr, /^tagpin: certs\/ca\.crt: can not be read \(ENOTDIR\)/);
});

test('of two runs at once one makes the files, and they fit', async () => {
  await using folder = await temporary();
  const results = await Promise.all([tagpin(folder.path), tagpin(folder.path), tagpin(folder.path)]);
  assert.ok(results.some(({ code }) => code === 0));
  assert.equal((await tagpin(folder.path)).code, 0);
});
