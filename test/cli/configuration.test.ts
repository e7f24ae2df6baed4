/** The flags of `tagpin webhook` and their variables: what they mean together, and what contradicts itself. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { readWebhookConfiguration, WEBHOOK_SETTINGS, type WebhookConfiguration } from '../../src/cli/configuration.ts';
import { variableOf } from '../../src/cli/settings.ts';

type Flags = Readonly<Record<string, string | true>>;

function read(flags: Flags, environment: Readonly<Record<string, string>> = {}): WebhookConfiguration {
  const parsed = readWebhookConfiguration(flags, environment);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problems.join('\n'));
  return parsed.configuration;
}

test('in a cluster nothing has to be said', () => {
  assert.deepEqual(read({}), {
    listen: { host: '0.0.0.0', port: 8443 },
    operationsListen: { host: '0.0.0.0', port: 8080 },
    clientAuthority: null,
    drainMilliseconds: 10_000,
    logLevel: 'info',
    mode: {
      kind: 'cluster',
      kubeconfig: null,
      namespace: null,
      certificates: { kind: 'self', service: 'tagpin-webhook', hosts: [] },
      webhookConfiguration: 'tagpin',
    },
  });
});

test('the configuration of a cluster, by flags and by variables', () => {
  const flags: Flags = { namespace: 'pins', 'certificate-hosts': '127.0.0.1, webhook.example,::1,127.0.0.1' };
  const environment = {
    TAGPIN_NAMESPACE: 'other',
    TAGPIN_SERVICE: 'hook',
    TAGPIN_WEBHOOK_CONFIGURATION: 'tagpin.test',
  };
  assert.deepEqual(read(flags, environment).mode, {
    kind: 'cluster',
    kubeconfig: null,
    namespace: 'pins',
    certificates: { kind: 'self', service: 'hook', hosts: ['127.0.0.1', 'webhook.example', '::1'] },
    webhookConfiguration: 'tagpin.test',
  });
});

test('in a cluster the certificate may come from cert-manager, or from files', () => {
  const certificatesOf = (flags: Flags): unknown => {
    const { mode } = read(flags);
    return mode.kind === 'cluster' && mode.certificates;
  };
  assert.deepEqual(certificatesOf({ certificates: 'cert-manager' }), { kind: 'cert-manager' });
  assert.deepEqual(certificatesOf({ certificates: 'files', certificate: 'a.crt', key: 'a.key' }), {
    kind: 'files',
    certificate: 'a.crt',
    key: 'a.key',
  });
});

test('without a cluster there are files only', () => {
  const flags: Flags = {
    standalone: true,
    policy: 'p.yaml',
    certificate: 'a.crt',
    key: 'a.key',
    certificates: 'files',
  };
  const mode = { kind: 'standalone', policy: 'p.yaml', certificate: 'a.crt', key: 'a.key' };
  assert.deepEqual(read(flags).mode, mode);
});

const REFUSED: readonly (readonly [string, Flags, readonly RegExp[]])[] = [
  [
    'a policy file, which only a webhook without a cluster reads',
    { policy: 'p.yaml' },
    [/^--policy: only together with --standalone: in a cluster the ConfigMap tagpin-policy holds it$/],
  ],
  [
    'files of a certificate that is made',
    { certificate: 'a.crt', key: 'a.key' },
    [/^--certificate, --key: only together with --standalone or --certificates files$/],
  ],
  [
    'files of a certificate that comes from cert-manager',
    { certificates: 'cert-manager', key: 'a.key' },
    [/^--key: only together/],
  ],
  ['no files', { certificates: 'files', key: 'a.key' }, [/^--certificates files needs --certificate FILE$/]],
  [
    'names for a certificate that somebody else makes',
    { certificates: 'cert-manager', service: 'hook', 'certificate-hosts': '127.0.0.1' },
    [/^--service, --certificate-hosts: only with --certificates self/],
  ],
  [
    'a cluster for a webhook without one',
    { standalone: true, policy: 'p', certificate: 'c', key: 'k', kubeconfig: 'f', namespace: 'n' },
    [/^--kubeconfig, --namespace: only in a cluster, not with --standalone$/],
  ],
  [
    'values that are none, all at once',
    {
      namespace: 'Tagpin',
      service: 'a.b',
      'certificate-hosts': 'ok,-x',
      'webhook-configuration': '..',
      kubeconfig: '-',
      certificates: 'vault',
    },
    [
      /^--kubeconfig "-": a file is needed/,
      /^--namespace "Tagpin": not a name/,
      /^--webhook-configuration "\.\.": not a name/,
      /^--certificates "vault": not one of self, cert-manager, files$/,
      /^--service "a\.b": not a name/,
      /^--certificate-hosts "ok,-x": "-x" is neither a host name nor an address$/,
    ],
  ],
];

for (const [what, flags, problems] of REFUSED) {
  test(`refused: ${what}`, () => {
    const parsed = readWebhookConfiguration(flags, {});
    assert.ok(!parsed.ok);
    assert.equal(parsed.problems.length, problems.length, parsed.problems.join('\n'));
    for (const [index, pattern] of problems.entries()) assert.match(parsed.problems[index] ?? '', pattern);
  });
}

test('no variable is one that Kubernetes sets for a Service of ours', () => {
  const variables = WEBHOOK_SETTINGS.map(({ name }) => variableOf(name));
  // https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
  const ofServices = /^TAGPIN(?:_WEBHOOK)?_(?:SERVICE_HOST|SERVICE_PORT(?:_.+)?|PORT(?:_.+)?)$/;
  assert.deepEqual(
    variables.filter((name) => ofServices.test(name)),
    [],
  );
});
