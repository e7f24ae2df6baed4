import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../../../src/core/image/reference.ts';
import { compileConditions, isAllowedHost, isSystemUser } from '../../../src/core/policy/match.ts';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import { policyOf } from '../../support/policy.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

interface Facts {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly kinds?: readonly string[];
}

/** Which conditions of a rule's `match` (YAML) hold for an image. */
function holding(match: string, image: string, facts: Facts = {}): string {
  const [rule] = policyOf(`rules: [{name: a, action: deny, match: ${match}}]`).rules;
  const parsed = parseReference(image);
  assert.ok(rule !== undefined && parsed.ok);
  const subject = {
    namespace: facts.namespace ?? 'default',
    namespaceLabels: facts.labels ?? {},
    kinds: facts.kinds ?? ['Deployment'],
    reference: parsed.reference,
  };
  const conditions = compileConditions(rule.match);
  return conditions.map(({ field, holds }) => `${field}:${holds(subject) ? 'yes' : 'no'}`).join(' ');
}

// [match, image, what holds]
const images: readonly (readonly [string, string, string])[] = [
  ['{}', 'nginx', ''],
  ['{images: ["docker.io/library/nginx"]}', 'nginx', 'images:yes'],
  ['{images: ["docker.io/library/*"]}', 'index.docker.io/nginx:1', 'images:yes'],
  ['{images: ["ghcr.io/acme/**"]}', 'GHCR.io:443/acme/a/b', 'images:yes'],
  ['{images: ["ghcr.io/acme/*"]}', 'ghcr.io/acme/a/b', 'images:no'],
  ['{images: ["ghcr.io/acme/**"]}', 'ghcr.io.evil.com/acme/a', 'images:no'],
  ['{images: ["a.io/**", "b.io/**"]}', 'b.io/x', 'images:yes'],
  ['{images: ["r.io/a"]}', `r.io/a@${DIGEST}`, 'images:yes'],
  ['{tags: [latest]}', 'nginx', 'tags:yes'],
  ['{tags: [latest]}', 'nginx:latest', 'tags:yes'],
  ['{tags: [latest]}', 'nginx:latest2', 'tags:no'],
  ['{tags: ["v*", "*-rc"]}', 'nginx:1-rc', 'tags:yes'],
  ['{tags: ["*"]}', `nginx@${DIGEST}`, 'tags:no'],
  ['{tags: ["**"]}', `nginx:1@${DIGEST}`, 'tags:yes'],
  ['{semver: ">=1.0.0"}', 'nginx:1.27', 'semver:yes'],
  ['{semver: ">=1.0.0"}', 'nginx:v2', 'semver:yes'],
  ['{semver: ">=1.0.0"}', 'nginx:1.27-alpine', 'semver:no'],
  ['{semver: ">=1.0.0-0"}', 'nginx:1.27-alpine', 'semver:yes'],
  ['{semver: "*"}', 'nginx', 'semver:no'],
  ['{semver: ""}', 'nginx:1', 'semver:yes'],
  ['{semver: "*"}', `nginx@${DIGEST}`, 'semver:no'],
  ['{tagPattern: "^sha-[0-9a-f]{7}$"}', 'nginx:sha-0123abc', 'tagPattern:yes'],
  ['{tagPattern: "rc"}', 'nginx:1.0-rc1', 'tagPattern:yes'],
  ['{tagPattern: "^rc"}', 'nginx:1.0-rc1', 'tagPattern:no'],
  ['{tagPattern: ".*"}', `nginx@${DIGEST}`, 'tagPattern:no'],
  ['{tagPattern: "latest"}', 'nginx', 'tagPattern:yes'],
  ['{images: ["**"], tags: ["v*"], semver: "1"}', 'a:v1', 'images:yes tags:yes semver:yes'],
];

for (const [match, image, expected] of images) {
  test(`${match} and ${image.replace(DIGEST, 'sha256:…')}: ${expected}`, () => {
    assert.equal(holding(match, image), expected);
  });
}

// [match, facts, what holds]
const namespaces: readonly (readonly [string, Facts, string])[] = [
  ['{namespaces: ["shop-*"]}', { namespace: 'shop-a' }, 'namespaces:yes'],
  ['{namespaces: ["shop-*"]}', { namespace: 'shop' }, 'namespaces:no'],
  ['{namespaces: ["shop-*", shop]}', { namespace: 'shop' }, 'namespaces:yes'],
  ['{namespaceLabels: {env: prod}}', { labels: { env: 'prod', tier: 'a' } }, 'namespaceLabels:yes'],
  ['{namespaceLabels: {env: prod, tier: b}}', { labels: { env: 'prod', tier: 'a' } }, 'namespaceLabels:no'],
  ['{namespaceLabels: {env: prod}}', {}, 'namespaceLabels:no'],
  ['{namespaceLabels: {env: ""}}', {}, 'namespaceLabels:no'],
  ['{namespaceLabels: {constructor: x}}', {}, 'namespaceLabels:no'],
  ['{namespaceLabels: {kubernetes.io/metadata.name: shop}}', { namespace: 'shop' }, 'namespaceLabels:yes'],
  [
    '{namespaceLabels: {kubernetes.io/metadata.name: shop}}',
    { namespace: 'other', labels: { 'kubernetes.io/metadata.name': 'shop' } },
    'namespaceLabels:no',
  ],
  ['{kinds: [Deployment, Job]}', { kinds: ['Job'] }, 'kinds:yes'],
  ['{kinds: [CronJob]}', { kinds: ['Job', 'CronJob'] }, 'kinds:yes'],
  ['{kinds: [CronJob]}', { kinds: ['Job'] }, 'kinds:no'],
  ['{kinds: [Job]}', { kinds: ['CronJob'] }, 'kinds:no'],
];

for (const [match, facts, expected] of namespaces) {
  test(`${match} and ${JSON.stringify(facts)}: ${expected}`, () => {
    assert.equal(holding(match, 'nginx', facts), expected);
  });
}

test('a host may be asked where it is listed, or allowed, or where everything is', () => {
  const { registries } = policyOf(
    'registries: {allow: [docker.io, "*.gcr.io"], hosts: [{host: "registry.internal:5000"}]}',
  );
  const asked = [
    'docker.io',
    'eu.gcr.io',
    'gcr.io',
    'a.eu.gcr.io',
    'registry.internal:5000',
    'registry.internal',
    'ghcr.io',
  ];
  assert.deepEqual(
    asked.filter((host) => isAllowedHost(registries, host)),
    ['docker.io', 'eu.gcr.io', 'registry.internal:5000'],
  );
  assert.ok(isAllowedHost(DEFAULT_POLICY.registries, 'anything.example'));
  const none = policyOf('registries: {allow: [], hosts: [{host: a.io, mirror: "m.io:5000/hub"}]}').registries;
  const hosts = ['a.io', 'b.io', 'm.io:5000', 'm.io'];
  assert.deepEqual(
    hosts.map((host) => isAllowedHost(none, host)),
    [true, false, true, false],
  );
});

test("Kubernetes' own controllers are known by their users", () => {
  const users = [
    'system:kube-controller-manager',
    'system:serviceaccount:kube-system:replicaset-controller',
    'system:serviceaccount:default:evil-controller',
    'system:serviceaccount:kube-system:default',
    'admin',
  ];
  assert.deepEqual(
    users.filter((user) => isSystemUser(DEFAULT_POLICY, user)),
    users.slice(0, 2),
  );
  assert.ok(!isSystemUser(policyOf('defaults: {systemUsers: []}'), 'system:kube-controller-manager'));
});
