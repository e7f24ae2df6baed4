import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import tls from 'node:tls';
import { hostProblem, issueAuthority, issueServing, validFor } from '../../src/certificates/issue.ts';
import { authorityProblem, type CertificatePair, parsePair, servingProblem } from '../../src/certificates/pair.ts';
import { runProcess } from '../support/process.ts';

const DAY = 24 * 60 * 60_000;
const NOW = new Date('2026-11-21T12:00:00Z');

// Keys take time; most tests only look at what these hold.
const authority = await issueAuthority({ name: 'authority', ...validFor(NOW, 365 * DAY) });
const HOSTS = ['tagpin.tagpin-system.svc', 'localhost', '*.example.org', '127.0.0.1', '::1', '::ffff:1.2.3.4'];
const serving = await issueServing({ authority, name: 'tagpin', hosts: HOSTS, ...validFor(NOW, 7 * DAY) });

function read(pair: CertificatePair) {
  const result = parsePair(pair);
  return result.ok ? result.pair : assert.fail(result.problem);
}

async function text(certificate: string): Promise<string> {
  const { stdout } = await runProcess('openssl', ['x509', '-noout', '-text'], { input: certificate });
  return stdout.replaceAll(/\n +/g, '\n');
}

test('an authority is a self-signed RSA-2048 certificate that may sign leaves and nothing else', async () => {
  const { certificate, key } = read(authority);
  assert.equal(certificate.subject, 'CN=authority');
  assert.ok(certificate.verify(certificate.publicKey) && certificate.checkIssued(certificate));
  assert.deepEqual(key.asymmetricKeyDetails, { modulusLength: 2048, publicExponent: 65537n });
  const shown = await text(authority.certificate);
  assert.match(shown, /Basic Constraints: critical\nCA:TRUE, pathlen:0\n/);
  assert.match(shown, /Key Usage: critical\nCertificate Sign, CRL Sign\n/);
  assert.match(shown, /Subject Key Identifier: \n/);
  assert.match(shown, /Signature Algorithm: sha256WithRSAEncryption\n/);
});

test('a serving certificate names its hosts, its use, its key and that of its authority', async () => {
  const { certificate } = read(serving);
  const issuer = read(authority).certificate;
  assert.ok(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  assert.equal(certificate.ca, false);
  const shown = await text(serving.certificate);
  assert.match(shown, /Basic Constraints: critical\nCA:FALSE\n/);
  assert.match(shown, /Key Usage: critical\nDigital Signature, Key Encipherment\n/);
  assert.match(shown, /Extended Key Usage: \nTLS Web Server Authentication\n/);
  const identifier = /Subject Key Identifier: \n(.*)\n/.exec(await text(authority.certificate))?.[1] ?? '';
  assert.ok(shown.includes(`Authority Key Identifier: \n${identifier}\n`), shown);
  assert.notEqual(/Subject Key Identifier: \n(.*)\n/.exec(shown)?.[1], identifier);
  for (const host of ['tagpin.tagpin-system.svc', 'LOCALHOST', 'a.example.org']) {
    assert.ok(certificate.checkHost(host, { subject: 'never' }), host);
  }
  for (const address of ['127.0.0.1', '::1', '0:0:0:0:0:0:0:1', '::ffff:102:304']) {
    assert.ok(certificate.checkIP(address), address);
  }
  for (const host of ['tagpin', 'example.org', 'a.b.example.org']) assert.equal(certificate.checkHost(host), undefined);
});

test('openssl accepts the chain by the strict rules of RFC 5280', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  await writeFile(join(folder.path, 'ca.crt'), authority.certificate);
  const at = String(NOW.getTime() / 1000);
  for (const name of ['-verify_hostname=localhost', '-verify_ip=::1']) {
    const [option = '', value = ''] = name.split('=');
    const args = ['verify', '-x509_strict', '-attime', at, '-purpose', 'sslserver', option, value];
    const input = serving.certificate;
    const result = await runProcess('openssl', [...args, '-CAfile', join(folder.path, 'ca.crt')], { input });
    assert.deepEqual(result, { code: 0, stdout: 'stdin: OK\n', stderr: '' });
  }
});

test('a TLS client that trusts the authority alone reaches the server under its names only', async () => {
  const life = validFor(new Date(), DAY);
  const trusted = await issueAuthority({ name: 'authority', ...life });
  const pair = await issueServing({ authority: trusted, name: 'tagpin', hosts: ['localhost'], ...life });
  const server = tls.createServer({ cert: pair.certificate, key: pair.key }, (socket) => socket.end());
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  async function connect(ca: string, servername: string): Promise<boolean> {
    const socket = tls.connect({ host: '127.0.0.1', port, ca, servername });
    try {
      await once(socket, 'secureConnect');
      return socket.authorized;
    } finally {
      socket.destroy();
    }
  }
  try {
    assert.equal(await connect(trusted.certificate, 'localhost'), true);
    await assert.rejects(connect(trusted.certificate, 'example.org'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    // The same name and another key: found out by the signature.
    await assert.rejects(connect(authority.certificate, 'localhost'), /certificate/);
  } finally {
    server.close();
  }
});

test('a certificate begins an hour early and ends when it was told to', () => {
  const { certificate } = read(serving);
  assert.equal(certificate.validFromDate.toISOString(), '2026-11-21T11:00:00.000Z');
  assert.equal(certificate.validToDate.toISOString(), '2026-11-28T12:00:00.000Z');
});

test('a serving certificate is valid only while its authority is', async () => {
  const life = { notBefore: new Date(0), notAfter: new Date('2060-01-01') };
  const { certificate } = read(await issueServing({ authority, name: 'tagpin', hosts: ['a'], ...life }));
  const { validFromDate, validToDate } = read(authority).certificate;
  assert.deepEqual([certificate.validFromDate, certificate.validToDate], [validFromDate, validToDate]);
});

test('an end after 2049 survives the change of its date format', async () => {
  const life = { notBefore: NOW, notAfter: new Date('2060-01-01T00:00:00Z') };
  const { certificate } = read(await issueAuthority({ name: 'authority', ...life }));
  assert.deepEqual(certificate.validToDate, life.notAfter);
});

test('serial numbers are random, positive, and of at most 20 bytes', async () => {
  const others = await Promise.all(
    Array.from({ length: 8 }, () => issueAuthority({ name: 'authority', ...validFor(NOW, DAY) })),
  );
  const serials = [authority, serving, ...others].map((pair) => read(pair).certificate.serialNumber);
  assert.equal(new Set(serials).size, serials.length);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});

test('a name may be in any language', async () => {
  const named = await issueAuthority({ name: 'Zertifikate für 東京', ...validFor(NOW, DAY) });
  const leaf = await issueServing({ authority: named, name: 'ünï', hosts: ['a'], ...validFor(NOW, DAY) });
  const { stdout } = await runProcess('openssl', ['x509', '-noout', '-issuer', '-nameopt', 'utf8'], {
    input: leaf.certificate,
  });
  assert.equal(stdout, 'issuer=CN=Zertifikate für 東京\n');
});

test('keys are PKCS #8, certificates are PEM with Unix line ends', () => {
  for (const { certificate, key } of [authority, serving]) {
    assert.match(certificate, /^-----BEGIN CERTIFICATE-----\n(?:[\w+/=]+\n)+-----END CERTIFICATE-----\n$/);
    assert.match(key, /^-----BEGIN PRIVATE KEY-----\n(?:[\w+/=]+\n)+-----END PRIVATE KEY-----\n$/);
    assert.equal(createPrivateKey(key).asymmetricKeyType, 'rsa');
  }
});

test('an authority that somebody else made signs too, with its own name and key identifier', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tagpin-'));
  const subject = '/C=DE/O=Acme "Corp", Ltd/CN=Acme CA';
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', subject, '-days', '2', '-keyout', 'k.pem'];
  const { stdout } = await runProcess('openssl', args, { directory: folder.path });
  const key = (await runProcess('cat', ['k.pem'], { directory: folder.path })).stdout;
  const life = validFor(new Date(), DAY);
  const leaf = read(await issueServing({ authority: { certificate: stdout, key }, name: 't', hosts: ['a'], ...life }));
  assert.ok(leaf.certificate.checkIssued(new X509Certificate(stdout)));
  assert.ok(leaf.certificate.validFromDate >= new X509Certificate(stdout).validFromDate);
});

const elliptic = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

const unfit: readonly (readonly [string, CertificatePair, RegExp])[] = [
  ['a leaf', serving, /not an authority/],
  ['the key of another', { ...authority, key: serving.key }, /not that of the certificate/],
  ['a key of another kind', { ...authority, key: elliptic }, /not that of the certificate/],
  ['no certificate', { ...authority, certificate: 'text' }, /can not be read as PEM/],
  ['no key', { ...authority, key: 'text' }, /can not be read as an unencrypted PEM key/],
];

for (const [what, pair, problem] of unfit) {
  test(`${what} can not sign`, async () => {
    await assert.rejects(issueServing({ authority: pair, name: 't', hosts: ['a'], ...validFor(NOW, DAY) }), {
      name: 'RangeError',
      message: problem,
    });
  });
}

test('an authority whose end has come can not sign', async () => {
  const late = validFor(new Date('2030-01-01'), DAY);
  await assert.rejects(issueServing({ authority, name: 't', hosts: ['a'], ...late }), /begin before it ends/);
  assert.match(authorityProblem(read(authority), late.notBefore) ?? '', /ended on 2027-11-21/);
  assert.match(authorityProblem(read(authority), new Date(0)) ?? '', /begins on 2026-11-21/);
  assert.equal(authorityProblem(read(authority), NOW), null);
});

test('names and hosts that no certificate can hold are refused', async () => {
  for (const name of ['', 'n'.repeat(65)]) {
    await assert.rejects(issueAuthority({ name, ...validFor(NOW, DAY) }), /not a common name/);
  }
  await assert.rejects(issueServing({ authority, name: 't', hosts: [], ...validFor(NOW, DAY) }), /needs a host/);
  await assert.rejects(issueServing({ authority, name: 't', hosts: ['a b'], ...validFor(NOW, DAY) }), /"a b"/);
});

test('hosts are DNS names and addresses', () => {
  const good = ['a', 'a.b', '*.a.b', 'A-1.example', '127.0.0.1', '::', 'a_b.example', 'x'.repeat(63)];
  for (const host of good) assert.equal(hostProblem(host), null, host);
  const bad = ['', '.', 'a.', '.a', 'a..b', 'a:1', 'https://a', '-a', 'a-', '*', 'a.*.b', 'x'.repeat(64), '1.2.3.4.5'];
  bad.push('256.1.1.1', 'fe80::1%eth0', 'bücher.example', `${'a.'.repeat(127)}a`, 'a\n');
  for (const host of bad) assert.notEqual(hostProblem(host), null, host);
});

test('a serving pair is judged by its authority, hosts and dates', async () => {
  const other = await issueAuthority({ name: 'authority', ...validFor(NOW, DAY) });
  const wish = { authority: read(authority).certificate, hosts: HOSTS, now: NOW };
  const pair = read(serving);
  assert.equal(servingProblem(pair, wish), null);
  assert.match(servingProblem(pair, { ...wish, hosts: ['b', '::1', '::2'] }) ?? '', /^it is not for b, ::2 \(DNS:/);
  assert.match(servingProblem(pair, { ...wish, now: new Date('2026-12-01') }) ?? '', /ended on 2026-11-28/);
  assert.equal(
    servingProblem(pair, { ...wish, authority: read(other).certificate }),
    'it was issued by another authority',
  );
});
