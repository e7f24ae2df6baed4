/** How `tagpin webhook` refuses to start: each problem with its exit code, and one line that says what to do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { issueTestCertificates } from '../support/certificate.ts';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { STANDALONE, type WebhookFolder, webhookFolder } from '../support/webhook-process.ts';

function run(folder: WebhookFolder, args: readonly string[]): Promise<FinishedProcess> {
  return runProcess(process.execPath, args, {
    directory: folder.path,
    environment: folder.environment,
    timeout: 20_000,
  });
}

const other = await issueTestCertificates('other');

interface BadFiles {
  readonly what: string;
  readonly files: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly code: 2 | 3;
  readonly message: RegExp;
}

const BAD_FILES: readonly BadFiles[] = [
  {
    what: 'a policy that is not valid is named by line and column',
    files: { 'policy.yaml': 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\nrules:\n  - name: a\n    acton: deny\n' },
    code: 2,
    message:
      /^policy\.yaml:4:5: rules\[0\]\.action: [\s\S]*\npolicy\.yaml:5:5: rules\[0\]\.acton: [\s\S]*\ntagpin: webhook: --policy policy\.yaml: the policy is not valid/,
  },
  {
    what: 'a policy with a trust root that only a cluster has',
    files: {
      'policy.yaml': `apiVersion: tagpin.dev/v1
kind: TagPolicy
verify:
  - name: ours
    images: ["**"]
    identities: [{issuer: "https://issuer.internal", subject: ci}]
    trustRoot: {configMap: sigstore, key: trusted_root.json}
`,
    },
    code: 2,
    message:
      /^tagpin: webhook: --policy policy\.yaml: the verify entry "ours" has its trust root in the ConfigMap sigstore, which only a cluster has: write trustRoot: public, or run in a cluster\n$/,
  },
  {
    what: 'a policy that is not there',
    files: {},
    args: ['--policy', 'none.yaml'],
    code: 3,
    message: /none\.yaml: there is no such file\n$/,
  },
  {
    what: 'a certificate that is not there',
    files: {},
    args: ['--certificate', 'none.crt'],
    code: 3,
    message: /^tagpin: webhook: \S*none\.crt: there is no such file: tagpin certificates makes one for development\n$/,
  },
  {
    what: 'a folder instead of a key',
    files: {},
    args: ['--key', '.'],
    code: 3,
    message: /the file can not be read \(EISDIR\)/,
  },
  {
    what: "another certificate's key",
    files: { 'tls.key': other.serving.key },
    code: 2,
    message: /^tagpin: webhook: \S*tls\.key: it is not the key of \S*tls\.crt: [^\n]*\n$/,
  },
  {
    what: 'a certificate that is none',
    files: { 'tls.crt': 'none' },
    code: 2,
    message: /tls\.crt: it holds no certificate in PEM/,
  },
  {
    what: 'an authority of clients that is none',
    files: { 'ca.crt': '' },
    args: ['--client-ca', 'ca.crt'],
    code: 2,
    message: /ca\.crt: it holds no certificate in PEM/,
  },
];

for (const { what, files, args = [], code, message } of BAD_FILES) {
  test(`${what}: exit code ${code}`, async (context) => {
    const folder = await webhookFolder(context);
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    const { code: actual, stdout, stderr } = await run(folder, [...STANDALONE, ...args]);
    assert.deepEqual([actual, stdout], [code, ''], stderr);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /BEGIN|\n\s+at /);
  });
}

test('a file that can not be read: exit code 3', async (context) => {
  const folder = await webhookFolder(context);
  await rm(join(folder.path, 'tls.key'));
  await mkdir(join(folder.path, 'tls.key'));
  const { code, stderr } = await run(folder, STANDALONE);
  assert.equal(code, 3);
  assert.match(stderr, /tls\.key: the file can not be read \(EISDIR\)/);
});

async function takenPort(context: TestContext): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const flag of ['--listen', '--operations-listen']) {
  test(`${flag} where something else listens: exit code 3`, async (context) => {
    const folder = await webhookFolder(context);
    const address = await takenPort(context);
    const { code, stderr } = await run(folder, [...STANDALONE, flag, address]);
    assert.equal(code, 3);
    assert.match(stderr, new RegExp(`^tagpin: webhook: ${flag} ${address}: something else listens there: [^\\n]*\\n$`));
  });
}

test('an address that is not of this machine: exit code 3', async (context) => {
  const { code, stderr } = await run(await webhookFolder(context), [...STANDALONE, '--listen', '192.0.2.1:0']);
  assert.equal(code, 3);
  assert.match(stderr, /--listen 192\.0\.2\.1:0: no such address on this machine \(EADDRNOTAVAIL\)/);
});
