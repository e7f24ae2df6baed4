import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CertificateError,
  type CertificateFiles,
  readCertificate,
  type ServingCertificate,
  watchCertificate,
} from '../../src/webhook/certificate.ts';
import { issueTestCertificates } from '../support/certificate.ts';

const first = await issueTestCertificates('first');
const second = await issueTestCertificates('second');

async function folder(context: TestContext, content: Readonly<Record<string, string>>): Promise<CertificateFiles> {
  const at = await mkdtemp(join(tmpdir(), 'tagpin-certificate-'));
  context.after(() => rm(at, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(content)) await writeFile(join(at, name), text);
  return { certificate: join(at, 'tls.crt'), key: join(at, 'tls.key'), clientAuthority: null };
}

const GOOD = { 'tls.crt': first.serving.certificate, 'tls.key': first.serving.key };

test('a certificate is read with its key, its end, and the authority of clients', async (context) => {
  const files = await folder(context, { ...GOOD, 'client.crt': second.authority.certificate });
  const clientAuthority = files.certificate.replace('tls.crt', 'client.crt');
  const read = await readCertificate({ ...files, clientAuthority });
  assert.equal(read.certificate, first.serving.certificate);
  assert.equal(read.key, first.serving.key);
  assert.equal(read.clientAuthority, second.authority.certificate);
  const life = read.expires.getTime() - Date.now();
  assert.ok(life > 23 * 3600_000 && life < 25 * 3600_000);
});

test('a certificate with its chain behind it is read', async (context) => {
  const chain = `${first.serving.certificate}${first.authority.certificate}`;
  assert.equal((await readCertificate(await folder(context, { ...GOOD, 'tls.crt': chain }))).certificate, chain);
});

const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' });
const locked = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
});

const BAD: readonly (readonly [string, Readonly<Record<string, string>>, string, RegExp])[] = [
  ['no certificate', { 'tls.key': GOOD['tls.key'] }, 'Unreadable', /tls\.crt: there is no such file$/],
  ['no key', { 'tls.crt': GOOD['tls.crt'] }, 'Unreadable', /tls\.key: there is no such file$/],
  [
    "another's key",
    { ...GOOD, 'tls.key': second.serving.key },
    'Invalid',
    /tls\.key: it is not the key of .*tls\.crt$/,
  ],
  ['a key of another kind', { ...GOOD, 'tls.key': elliptic.toString() }, 'Invalid', /tls\.key: it is not the key of/],
  ['an encrypted key', { ...GOOD, 'tls.key': locked.toString() }, 'Invalid', /tls\.key: it holds no unencrypted key/],
  ['an empty certificate', { ...GOOD, 'tls.crt': '' }, 'Invalid', /tls\.crt: it holds no certificate/],
  ['a half certificate', { ...GOOD, 'tls.crt': GOOD['tls.crt'].slice(0, 600) }, 'Invalid', /tls\.crt: it holds no/],
  ['the files exchanged', { 'tls.crt': GOOD['tls.key'], 'tls.key': GOOD['tls.crt'] }, 'Invalid', /tls\.crt: it holds/],
];

for (const [what, content, code, message] of BAD) {
  test(`${what}: the error names the file and shows nothing of it`, async (context) => {
    const files = await folder(context, content);
    await assert.rejects(readCertificate(files), (error: unknown) => {
      assert.ok(error instanceof CertificateError);
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /BEGIN|\n/);
      return true;
    });
  });
}

test('an authority of clients that is none is an error', async (context) => {
  const files = await folder(context, { ...GOOD, 'client.crt': 'none' });
  const clientAuthority = files.certificate.replace('tls.crt', 'client.crt');
  await assert.rejects(readCertificate({ ...files, clientAuthority }), /client\.crt: it holds no certificate/);
});

async function watched(context: TestContext, files: CertificateFiles) {
  const renewed: ServingCertificate[] = [];
  const refused: unknown[] = [];
  const stop = watchCertificate(files, await readCertificate(files), {
    renewed: (certificate) => renewed.push(certificate),
    refused: (error) => refused.push(error),
  });
  context.after(stop);
  return { renewed, refused };
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries += 1) await sleep(10);
  assert.ok(condition());
}

test('a new pair is told once, whatever is between the two files', async (context) => {
  const files = await folder(context, GOOD);
  const { renewed } = await watched(context, files);
  await writeFile(files.certificate, second.serving.certificate);
  await sleep(30);
  await writeFile(files.key, second.serving.key);
  await until(() => renewed.length === 1);
  assert.equal(renewed[0]?.key, second.serving.key);
  await sleep(500);
  assert.equal(renewed.length, 1);
});

test('a pair that does not fit is refused, and the next that does is served', async (context) => {
  const files = await folder(context, GOOD);
  const { renewed, refused } = await watched(context, files);
  await writeFile(files.certificate, second.serving.certificate);
  await until(() => refused.length > 0);
  assert.equal(renewed.length, 0);
  await writeFile(files.key, second.serving.key);
  await until(() => renewed.length === 1);
});

test('a mounted Secret is followed as the kubelet changes it: one link is swapped', async (context) => {
  const { certificate } = await folder(context, {});
  const at = join(certificate, '..');
  for (const [version, { serving }] of [['v1', first] as const, ['v2', second] as const]) {
    await mkdir(join(at, version));
    await writeFile(join(at, version, 'tls.crt'), serving.certificate);
    await writeFile(join(at, version, 'tls.key'), serving.key);
  }
  await symlink('v1', join(at, '..data'));
  for (const name of ['tls.crt', 'tls.key']) await symlink(join('..data', name), join(at, name));
  const { renewed, refused } = await watched(context, {
    certificate,
    key: join(at, 'tls.key'),
    clientAuthority: null,
  });
  await symlink('v2', join(at, '..new'));
  await rename(join(at, '..new'), join(at, '..data'));
  await until(() => renewed.length === 1);
  assert.equal(renewed[0]?.certificate, second.serving.certificate);
  assert.deepEqual(refused, []);
});
