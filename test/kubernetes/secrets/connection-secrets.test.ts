import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { issueAuthority, issueServing, validFor } from '../../../src/certificates/issue.ts';
import type { ConnectionSource } from '../../../src/core/target/connection.ts';
import type { JsonObject } from '../../../src/kubernetes/request/answer.ts';
import { KubernetesError } from '../../../src/kubernetes/request/error.ts';
import { createObjectSecrets } from '../../../src/kubernetes/secrets/connection-secrets.ts';

const SOURCE: ConnectionSource = {
  kind: 'connection',
  namespace: 'apps',
  secret: null,
  serviceAccount: null,
  provider: 'generic',
  certificateSecret: null,
  proxySecret: null,
  insecure: false,
};

let authority = '';
let pair = { certificate: '', key: '' };
let otherKey = '';

before(async () => {
  const validity = validFor(new Date(), 3_600_000);
  const issuer = await issueAuthority({ name: 'their authority', ...validity });
  pair = await issueServing({ name: 'client', authority: issuer, hosts: ['client'], ...validity });
  otherKey = (await issueServing({ name: 'other', authority: issuer, hosts: ['other'], ...validity })).key;
  authority = issuer.certificate;
});

/** Reads one connection whose Secret is called `it`. */
async function connect(values: Readonly<Record<string, string>> | null, source: Partial<ConnectionSource>) {
  const asked: string[] = [];
  const client = {
    async request({ path }: { readonly path: string }): Promise<JsonObject> {
      asked.push(path);
      if (path.endsWith('/forbidden')) throw new KubernetesError('Forbidden', 'no');
      if (path.endsWith('/slow')) throw new KubernetesError('Timeout', 'no');
      if (values === null) throw new KubernetesError('NotFound', 'no');
      const data = Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
      return { data: Object.fromEntries(data) };
    },
  };
  const secrets = createObjectSecrets({ client, ownNamespace: 'tagpin-system', now: () => 0 });
  return { found: await secrets.connection({ ...SOURCE, ...source }), asked, secrets };
}

async function problemOf(values: Readonly<Record<string, string>> | null, source: Partial<ConnectionSource>) {
  const { found } = await connect(values, source);
  return found.kind === 'read' ? 'none' : `${found.kind} ${found.problem}`;
}

test('who says nothing of its connection has nothing read', async () => {
  const { found, asked } = await connect(null, {});
  const nothing = { certificateAuthority: null, clientCertificate: null, proxy: null };
  assert.deepEqual(found, { kind: 'read', values: nothing });
  assert.deepEqual(asked, []);
});

test('a certSecretRef holds an authority, a client certificate, or both', async () => {
  const valuesOf = async (values: Readonly<Record<string, string>>) => {
    const { found } = await connect(values, { certificateSecret: 'it' });
    return found.kind === 'read' ? found.values : assert.fail(found.problem);
  };
  const { certificate, key } = pair;
  assert.deepEqual(await valuesOf({ 'ca.crt': authority }), {
    certificateAuthority: authority,
    clientCertificate: null,
    proxy: null,
  });
  const both = { certificateAuthority: authority, clientCertificate: { certificate, key }, proxy: null };
  assert.deepEqual(await valuesOf({ 'ca.crt': authority, 'tls.crt': certificate, 'tls.key': key }), both);
  assert.deepEqual(await valuesOf({ caFile: authority, certFile: certificate, keyFile: key }), both);
});

test('a proxySecretRef holds a URL, and whom the proxy knows us by', async () => {
  const urlOf = async (values: Readonly<Record<string, string>>) => {
    const { found } = await connect(values, { proxySecret: 'it' });
    return found.kind === 'read' ? found.values.proxy : found.problem;
  };
  assert.equal(await urlOf({ address: 'http://proxy.example:3128/\n' }), 'http://proxy.example:3128');
  const known = { address: 'https://proxy.example', username: 'us@er', password: 'p:/@' };
  assert.equal(await urlOf(known), 'https://us%40er:p%3A%2F%40@proxy.example');
});

test('what is wrong is told by the field and the Secret, and never with its content', async () => {
  const certificates = { certificateSecret: 'it' };
  const proxy = { proxySecret: 'it' };
  const hidden = 'hidden';
  const rows: readonly (readonly [Readonly<Record<string, string>> | null, Partial<ConnectionSource>, RegExp])[] = [
    [null, certificates, /^unusable spec\.certSecretRef: Secret it is not there$/],
    [null, proxy, /^unusable spec\.proxySecretRef: Secret it is not there$/],
    [{}, { certificateSecret: 'forbidden' }, /^unusable .* may not be read: tagpin has no permission to get it$/],
    [{}, { proxySecret: 'slow' }, /^failed spec\.proxySecretRef: .* gave no answer in time$/],
    [{}, { ...certificates, namespace: 'tagpin-system' }, /^unusable .* is in tagpin's own namespace/],
    [{}, { certificateSecret: '..' }, /^unusable spec\.certSecretRef: Secret \.\. is not there/],
    [{}, certificates, /holds neither ca\.crt nor tls\.crt and tls\.key/],
    [{ 'tls.crt': hidden }, certificates, /holds only one of tls\.crt and tls\.key/],
    [{ 'ca.crt': hidden }, certificates, /has a ca\.crt that is no PEM certificate/],
    [{ 'tls.crt': hidden, 'tls.key': hidden }, certificates, /has a tls\.crt that is no PEM certificate/],
    [{ 'tls.crt': pair.certificate, 'tls.key': otherKey }, certificates, /has a tls\.key that is not the PEM key of/],
    [{ 'ca.crt': 'x'.repeat(600_000) }, certificates, /holds more than is read/],
    [{}, proxy, /has no address that is a URL/],
    [{ address: 'socks5://hidden' }, proxy, /has no address that is a URL/],
  ];
  for (const [values, source, expected] of rows) {
    const problem = await problemOf(values, source);
    assert.match(problem, expected);
    assert.doesNotMatch(problem, /hidden/);
  }
});

test('a Secret is read once for all the questions of a moment', async () => {
  const { secrets, asked } = await connect({ 'ca.crt': authority }, { certificateSecret: 'it' });
  await Promise.all([1, 2].map(() => secrets.connection({ ...SOURCE, certificateSecret: 'it' })));
  assert.equal(asked.length, 1);
  assert.deepEqual(await secrets.secret('apps', 'it'), { kind: 'read', values: { 'ca.crt': authority } });
});

test('a large Secret is not kept, so that many of them fill nothing', async () => {
  const { secrets, asked } = await connect({ 'ca.crt': authority, more: 'x'.repeat(100_000) }, {});
  await secrets.secret('apps', 'it');
  await secrets.secret('apps', 'it');
  assert.equal(asked.length, 2);
});
