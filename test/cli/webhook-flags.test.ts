/** The flags of `tagpin webhook`: what is wrong with them, and what contradicts itself, all at once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { type FinishedProcess, runProcess } from '../support/process.ts';
import { type WebhookFolder, webhookFolder } from '../support/webhook-process.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

function run(
  folder: WebhookFolder,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<FinishedProcess> {
  return runProcess(process.execPath, args, {
    directory: folder.path,
    environment: { ...folder.environment, ...environment },
    timeout: 20_000,
  });
}

interface Misuse {
  readonly what: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly code: 2 | 3;
  readonly lines: readonly RegExp[];
}

const MISUSES: readonly Misuse[] = [
  {
    what: 'in a cluster',
    args: [],
    code: 3,
    lines: [/^tagpin: webhook: this is no Pod with a ServiceAccount: .*--kubeconfig FILE.*--standalone --policy FILE/],
  },
  {
    what: 'in a cluster, with certificates of its own',
    args: ['--certificates', 'self'],
    code: 3,
    lines: [/no Pod with a ServiceAccount/],
  },
  { what: 'with a flag that there is not', args: ['--port', '1'], code: 2, lines: [/unknown option '--port'/] },
  {
    what: 'with files but not standalone',
    args: ['--policy', 'policy.yaml', '--key', 'tls.key'],
    code: 2,
    lines: [
      /^tagpin: webhook: --policy: only together with --standalone: in a cluster the ConfigMap tagpin-policy holds it$/,
      /--key: only together with --standalone or --certificates files$/,
    ],
  },
  {
    what: 'standalone without its files, and with certificates that only a cluster has',
    args: ['--standalone', '--key', 'tls.key', '--certificates', 'cert-manager'],
    code: 2,
    lines: [/--standalone needs --policy FILE, --certificate FILE$/, /--certificates: .*say files$/],
  },
  {
    what: 'with the files of a certificate that comes from cert-manager',
    args: ['--certificates', 'cert-manager', '--key', 'tls.key', '--service', 'hook', '--certificate-hosts', '::1'],
    code: 2,
    lines: [
      /--service, --certificate-hosts: only with --certificates self: nobody else makes one for them$/,
      /--key: only together with --standalone or --certificates files$/,
    ],
  },
  {
    what: 'with half of the files of its certificate',
    args: ['--certificates', 'files', '--key', 'tls.key'],
    code: 2,
    lines: [/^tagpin: webhook: --certificates files needs --certificate FILE$/],
  },
  {
    what: 'with a cluster and without one',
    args: ['--standalone', '--policy=p', '--certificate=c', '--key=k', '--kubeconfig=f'],
    environment: { TAGPIN_NAMESPACE: 'n' },
    code: 2,
    lines: [/^tagpin: webhook: --kubeconfig, TAGPIN_NAMESPACE: only in a cluster, not with --standalone$/],
  },
  {
    what: 'with names that are none',
    args: (
      '--kubeconfig=- --namespace=Tagpin --webhook-configuration=.. --certificates=vault ' +
      '--service=a.b --certificate-hosts=webhook.example,::1,-x'
    ).split(' '),
    code: 2,
    lines: [
      /--kubeconfig "-": a file is needed/,
      /--namespace "Tagpin": not a name of/,
      /--webhook-configuration "\.\.": not a name of/,
      /--certificates "vault": not one of self, cert-manager, files$/,
      /--service "a\.b": not a name of/,
      /--certificate-hosts "webhook.example,::1,-x": "-x" is neither a host name nor an address$/,
    ],
  },
  {
    what: 'with everything wrong at once',
    args: [
      '--listen',
      'nowhere',
      '--operations-listen',
      '',
      '--drain',
      '10',
      '--log-level',
      'loud',
      '--client-ca',
      '-',
    ],
    code: 2,
    lines: [
      /--listen "nowhere": not an address and a port/,
      /--operations-listen: it is empty: give it a value, or leave it away/,
      /--client-ca "-": a file is needed/,
      /--drain "10": not a duration/,
      /--log-level "loud": not one of debug, info, warn, error/,
    ],
  },
  {
    what: 'with an environment that is wrong',
    args: [],
    environment: {
      TAGPIN_LISTEN: '127.0.0.1:99999',
      TAGPIN_POLICY: '',
      TAGPIN_STANDALONE: 'yes',
      TAGPIN_PORT: 'tcp://10.0.0.1:443',
    },
    code: 2,
    lines: [
      /^tagpin: webhook: TAGPIN_LISTEN "127\.0\.0\.1:99999": not an address/,
      /TAGPIN_STANDALONE "yes": not true or false/,
      /TAGPIN_POLICY: it is empty/,
      /TAGPIN_POLICY: only together with --standalone/,
    ],
  },
  {
    what: 'with both ports the same',
    args: ['--listen', '127.0.0.1:8443', '--operations-listen', '127.0.0.1:8443'],
    code: 2,
    lines: [/--operations-listen: the same address as --listen$/],
  },
];

for (const { what, args, environment = {}, code, lines } of MISUSES) {
  test(`${what}: exit code ${code}, and all problems, a line each`, async (context) => {
    const folder = await webhookFolder(context);
    const { code: actual, stdout, stderr } = await run(folder, [MAIN, 'webhook', ...args], environment);
    assert.deepEqual([actual, stdout], [code, '']);
    const told = stderr.trimEnd().split('\n');
    assert.equal(told.length, lines.length, stderr);
    for (const [index, pattern] of lines.entries()) assert.match(told[index] ?? '', pattern);
  });
}
