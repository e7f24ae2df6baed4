/** deploy/chart as helm sees it: what is rendered from it, and what is refused. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { renderInstall, renderSweeper } from '../../.ci/render.ts';
import {
  CHART,
  defaultValues,
  helm,
  INSTALL,
  INSTALL_SWEEPER,
  objectOf,
  type Rendered,
  render,
  sweeperObjects,
  template,
  type Values,
} from '../support/chart.ts';
import { PROGRAMS, programFile, skipWithout } from './programs.ts';

const skip = skipWithout(PROGRAMS.helm);
const DIGEST = `sha256:${'a'.repeat(64)}`;

test('install.yaml and install-sweeper.yaml are what npm run render makes of the chart', { skip }, () => {
  assert.equal(renderInstall(programFile(PROGRAMS.helm)), readFileSync(INSTALL, 'utf8'));
  assert.equal(renderSweeper(programFile(PROGRAMS.helm)), readFileSync(INSTALL_SWEEPER, 'utf8'));
});

test('helm lint finds nothing', { skip }, async () => {
  const { code, stdout } = await helm(['lint', '--strict', CHART]);
  assert.equal(code, 0, stdout);
  assert.doesNotMatch(stdout, /\[(?:WARNING|ERROR)\]/);
});

/** Values that are refused, and what helm says of them. */
const REFUSED: readonly (readonly [string, Values, RegExp])[] = [
  ['a key that is misspelt', { replica: 3 }, /additional properties 'replica' not allowed/],
  [
    'a key that is misspelt inside',
    { webhooks: { pods: { timeout: 3 } } },
    /'\/webhooks\/pods'.*'timeout' not allowed/,
  ],
  ['a number where a text is', { logLevel: 3 }, /'\/logLevel'/],
  ['a level that is none', { logLevel: 'loud' }, /'\/logLevel'.*'info'/],
  ['half a digest', { image: { digest: 'sha256:abc' } }, /'\/image\/digest'/],
  ['a digest as a tag', { image: { tag: DIGEST } }, /'\/image\/tag'/],
  ['no replicas', { replicas: 0 }, /'\/replicas': minimum/],
  ['a failure policy of another spelling', { webhooks: { workloads: { failurePolicy: 'fail' } } }, /'Fail', 'Ignore'/],
  ['a timeout that no API server takes', { webhooks: { pods: { timeoutSeconds: 31 } } }, /maximum: got 31, want 30/],
  ['less grace than a drain and a request take', { terminationGracePeriodSeconds: 10 }, /minimum: got 10, want 45/],
  ['files without a Secret', { certificates: { source: 'files' } }, /'\/certificates\/files\/secret'/],
  ['a source of certificates that is none', { certificates: { source: 'vault' } }, /'self', 'cert-manager', 'files'/],
  ['an issuer without a name', { certificates: { certManager: { issuerRef: { kind: 'Issuer' } } } }, /issuerRef/],
  ['protection that lets nobody', { protectLabel: { enabled: true } }, /'\/protectLabel\/groups': minItems/],
  ['a port that is none', { ports: { admission: 70_000 } }, /'\/ports\/admission'/],
  ['a namespace that is none', { webhooks: { excludedNamespaces: ['Kube System'] } }, /excludedNamespaces\/0/],
  ['a Secret that is none', { registryCredentials: ['*'] }, /'\/registryCredentials\/0'/],
  ['a ConfigMap that is none', { trustRoots: ['Sigstore'] }, /'\/trustRoots\/0'/],
  ['a duration without a unit', { drain: '10' }, /'\/drain'/],
  ['a condition without an expression', { webhooks: { matchConditions: [{ name: 'a' }] } }, /'expression'/],
  ['a list as a policy', { policy: [] }, /'\/policy'/],
  ['a pattern as a namespace', { sweeper: { applicationNamespaces: ['team-*'] } }, /applicationNamespaces\/0/],
  ['a Secret in no namespace', { sweeper: { applicationSecrets: ['git'] } }, /'\/sweeper\/applicationSecrets'/],
  ['a size without a unit', { sweeper: { storage: { temporary: '64' } } }, /'\/sweeper\/storage\/temporary'/],
];

for (const [name, values, message] of REFUSED) {
  test(`refused with its place: ${name}`, { skip }, async () => {
    const { code, stdout, stderr } = await template(values);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /values don't meet the specifications of the schema/);
    assert.match(stderr, message);
  });
}

test('a policy given as an object or as text is the ConfigMap, and without one there is none', { skip }, async () => {
  const policy = { apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy', defaults: { action: 'warn' } };
  const text = '# ours\napiVersion: tagpin.dev/v1\nkind: TagPolicy\n';
  const of = async (values: Values): Promise<string> =>
    objectOf(await render(values), 'ConfigMap', 'tagpin-policy').data['policy.yaml'];
  assert.equal(await of({ policy }), 'apiVersion: tagpin.dev/v1\ndefaults:\n  action: warn\nkind: TagPolicy\n');
  assert.equal(await of({ policy: text }), text);
  assert.equal(
    (await render({})).find(({ kind }) => kind === 'ConfigMap'),
    undefined,
  );
});

test('caBundle is rendered where nothing else writes it, and only there', { skip }, async () => {
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  const bundles = async (certificates: Values): Promise<unknown[]> =>
    (await render({ certificates })).flatMap(({ webhooks = [] }) =>
      webhooks.map(({ clientConfig }: { clientConfig: Values }) => clientConfig['caBundle']),
    );
  assert.deepEqual(await bundles({ source: 'self' }), [undefined, undefined, undefined]);
  assert.deepEqual(await bundles({ source: 'cert-manager' }), [undefined, undefined, undefined]);
  const encoded = Buffer.from(pem).toString('base64');
  assert.deepEqual(await bundles({ source: 'files', files: { secret: 'tls', caBundle: pem } }), [
    encoded,
    encoded,
    encoded,
  ]);
});

test('the image is named by tag, or by digest where one is given', { skip }, async () => {
  const image = async (values: Values): Promise<string> =>
    objectOf(await render({ image: values }), 'Deployment', 'tagpin-webhook').spec.template.spec.containers[0].image;
  assert.match(await image({}), /^ghcr\.io\/tagpin\/tagpin:\d+\.\d+\.\d+$/);
  assert.equal(await image({ repository: 'r.internal:5000/t', tag: 'v1' }), 'r.internal:5000/t:v1');
  assert.equal(await image({ digest: DIGEST, tag: 'v1' }), `ghcr.io/tagpin/tagpin@${DIGEST}`);
  const sweeper = objectOf(
    await render({ sweeper: { enabled: true, image: { digest: DIGEST } } }),
    'Deployment',
    'tagpin-sweeper',
  );
  assert.equal(sweeper.spec.template.spec.containers[0].image, `ghcr.io/tagpin/tagpin-sweeper@${DIGEST}`);
});

test('the sweeper is there where it is asked for, and changes nothing of the webhook', { skip }, async () => {
  const [webhook, both] = await Promise.all([render({}), render({ sweeper: { enabled: true } })]);
  const nameOf = ({ kind, metadata }: Rendered): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
  const added = both.filter((each) => !webhook.some((other) => nameOf(other) === nameOf(each)));
  assert.deepEqual(
    both.filter((each) => !added.includes(each)),
    webhook,
  );
  assert.deepEqual(added, sweeperObjects());
});

test('in another namespace everything is there, and names it', { skip }, async () => {
  const values = { certificates: { source: 'cert-manager' }, pullSecrets: { clusterWide: true } };
  const sweeper = { enabled: true, argocdNamespace: 'cd', applicationNamespaces: ['cd'] };
  const objects = await render({ ...values, sweeper }, 'pins');
  assert.doesNotMatch(JSON.stringify(objects), /tagpin-system|argocd"/);
  const namespaced = objects.filter(({ kind }) => !/^Cluster|Webhook/.test(kind));
  const inArgoCd = namespaced.filter(({ metadata }) => metadata.namespace === 'cd');
  assert.deepEqual(
    inArgoCd.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ['Role tagpin-repositories', 'RoleBinding tagpin-repositories', 'RoleBinding tagpin-applications'],
  );
  assert.deepEqual(new Set(namespaced.map(({ metadata }) => metadata.namespace)), new Set(['pins', 'cd']));
});

test('who installs it is told how to wait, how to opt in, and how it goes away', { skip }, async () => {
  const notes = async (namespace: string, ...values: readonly string[]): Promise<string> => {
    const args = ['install', 'tagpin', CHART, '--dry-run=client', '-n', namespace, ...values];
    const { code, stdout, stderr } = await helm(args);
    assert.equal(code, 0, stderr);
    return stdout.slice(stdout.indexOf('\nNOTES:'));
  };
  const text = await notes('tagpin-system');
  assert.match(text, /rollout status deployment\/tagpin-webhook/);
  assert.match(text, /kubectl label namespace NAMESPACE tagpin\.dev\/inject=enabled/);
  assert.match(text, /takes the webhook configurations away first/);
  assert.doesNotMatch(text, /WARNING|sweeper/);
  const sweeper = await notes('tagpin-system', '--set=sweeper.enabled=true');
  assert.match(sweeper, /the Applications of argocd that say tagpin\.dev\/image-list/);
  assert.match(await notes('pins'), /WARNING: this namespace is not tagpin-system/);
});

test('the certificate that cert-manager makes is for the name that the API server calls', { skip }, async () => {
  const objects = await render({ certificates: { source: 'cert-manager' } });
  const { secretName, dnsNames, issuerRef } = objectOf(objects, 'Certificate', 'tagpin-webhook').spec;
  const { name, namespace } = objectOf(objects, 'MutatingWebhookConfiguration', 'tagpin').webhooks[0].clientConfig
    .service;
  assert.ok(dnsNames.includes(`${name}.${namespace}.svc`));
  assert.equal(secretName, 'tagpin-certificates');
  objectOf(objects, issuerRef.kind, issuerRef.name);
  for (const { kind, metadata } of objects) {
    if (!kind.endsWith('WebhookConfiguration')) continue;
    assert.equal(metadata.annotations['cert-manager.io/inject-ca-from'], 'tagpin-system/tagpin-webhook');
  }
});

/** The paths of a schema's properties, and of values, down to what may have any key. */
function schemaPaths(schema: Values, path = ''): string[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Values>>;
  const paths = Object.entries(properties).flatMap(([key, each]) => schemaPaths(each, `${path}.${key}`));
  return paths.length === 0 ? [path] : paths;
}

test('every value of the schema has its default and its place in values.yaml', () => {
  const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
  const open = new Set(['.webhooks.namespaceSelector', '.certificates.certManager.issuerRef']);
  const wanted = schemaPaths(schema).filter((path) => path !== '.global' && path !== '.policy');
  const values = defaultValues();
  const missing = wanted.filter((path) => {
    if ([...open].some((each) => path.startsWith(`${each}.`))) return false;
    return (
      path
        .split('.')
        .slice(1)
        .reduce((value, key) => value?.[key], values) === undefined
    );
  });
  assert.deepEqual(missing, []);
});
