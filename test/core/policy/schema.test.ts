import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_POLICY, parsePolicy } from '../../../src/core/policy/schema.ts';
import { errorsOf, pemOf, policyOf } from '../../support/policy.ts';

function lines(text: string): readonly string[] {
  const parsed = parsePolicy(text);
  return parsed.ok
    ? []
    : parsed.errors.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
}

/** The policy of product.md, section 3, with PEM that is whole. */
const EXAMPLE = `apiVersion: tagpin.dev/v1
kind: TagPolicy
defaults:
  action: pin
  format: digest
  onUnresolved: lastKnown
  allowSkip: true
  history: 5
  customControllers: skip
  systemUsers: ["system:kube-controller-manager", "system:serviceaccount:kube-system:*-controller"]
rules:
  - name: no-latest-in-production
    match:
      namespaces: ["shop-*"]
      namespaceLabels: {env: production}
      kinds: [Deployment, Job]
      images: ["ghcr.io/acme/**"]
      tags: ["latest"]
      semver: ">=1.0.0"
      tagPattern: "^sha-[0-9a-f]{7}$"
    action: deny
    message: "Use a release tag: see the wiki."
registries:
  freshFor: 10s
  allow: ["docker.io", "ghcr.io", "*.dkr.ecr.*.amazonaws.com"]
  proxy: {url: "http://proxy.corp:3128", noProxy: [".corp", "10.0.0.0/8"]}
  hosts:
    - host: registry.internal:5000
      plainHttp: true
      certificateAuthority: |
        ${pemOf('CERTIFICATE').trim().replaceAll('\n', '\n        ')}
      credentials: {secret: registry-internal}
      requestsPerSecond: 20
      authRealms: ["auth.internal"]
      mirror: "mirror.internal/hub"
sweep:
  interval: 2m
  applicationNamespaces: [argocd]
  imageUpdater: false
  git:
    author: {name: tagpin, email: tagpin@example.com}
    signing: {secret: tagpin-signing, format: ssh}
    signOff: false
    messageTemplate: ""
  receivers: [{type: ghcr.io, secret: tagpin-receivers}]
  protect:
    - {kind: Application, project: production}
    - {namespaceLabels: {env: production}}
    - {repository: "https://git.corp/deploy*", branch: "main", path: "envs/production/**"}
`;

test('the policy of the design is one', () => {
  assert.deepEqual(lines(EXAMPLE), []);
});

test('a policy that says nothing is the default', () => {
  assert.deepEqual(policyOf(''), DEFAULT_POLICY);
  assert.deepEqual(
    policyOf('defaults: {}\nrules: []\nregistries: {}\nverify: []\nsweep: {git: {author: {}}}\n'),
    DEFAULT_POLICY,
  );
});

test('a policy can not be changed', () => {
  const policy = policyOf('rules: [{name: a, action: pin, match: {tags: [latest]}}]');
  for (const value of [
    policy,
    policy.rules,
    policy.rules[0]?.match.tags,
    policy.registries.hosts,
    DEFAULT_POLICY.defaults,
  ]) {
    assert.ok(Object.isFrozen(value));
  }
});

// [name, text, errors]
const documents: readonly (readonly [string, string, readonly RegExp[]])[] = [
  ['an empty file', '', [/^1:1 : there is nothing in it$/]],
  ['a file of remarks', '# nothing yet\n', [/^1:1 : there is nothing in it$/]],
  ['a word', 'hello\n', [/^1:1 : must be a mapping of keys to values, not "hello"$/]],
  ['a list', '- a\n', [/^1:1 : must be a mapping of keys to values$/]],
  ['no apiVersion and kind', 'rules: []\n', [/^1:1 apiVersion: is missing$/, /^1:1 kind: is missing$/]],
  [
    'another version',
    'apiVersion: tagpin.dev/v2\nkind: TagPolicy\n',
    [/^1:13 apiVersion: must be tagpin\.dev\/v1, not "tagpin\.dev\/v2"$/],
  ],
  ['another kind', 'apiVersion: tagpin.dev/v1\nkind: Policy\n', [/^2:7 kind: must be TagPolicy, not "Policy"$/]],
  ['two documents', `${EXAMPLE}---\n${EXAMPLE}`, [/^\d+:1 : there is a second document/]],
  [
    'an unknown key',
    `${EXAMPLE}signatures: []\n`,
    [/^\d+:1 signatures: is not a key that is known here; these are: apiVersion, kind, defaults/],
  ],
  ['a key that repeats', `${EXAMPLE}rules: []\n`, [/^\d+:1 rules: this key stands here twice$/]],
];

for (const [name, text, expected] of documents) {
  test(`${name} is refused`, () => {
    const errors = lines(text);
    assert.equal(errors.length, expected.length, errors.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(errors[index] ?? '', pattern);
  });
}

test('everything that is wrong is told at once, in the order of the text', () => {
  const errors = errorsOf(`defaults:
  action: pinn
  action: pin
rules:
  - name: a
    match: {semver: ">=x.y", tagPattern: "("}
    action: deny
  - name: a
    action: dney
registries:
  freshFor: 2m
  proxy: {url: "http://proxy.corp:3128"}
verify: [{name: a, images: ["**"]}]
sweeep: {}
`);
  assert.deepEqual(
    errors.map((error) => error.split(': ')[0]),
    [
      '2:11 defaults.action',
      '3:3 defaults.action',
      '6:21 rules[0].match.semver',
      '6:42 rules[0].match.tagPattern',
      '8:5 rules[1].name',
      '9:13 rules[1].action',
      '11:13 registries.freshFor',
      '12:3 registries.proxy',
      '13:10 verify[0]',
      '14:1 sweeep',
    ],
  );
});

test('anchors may be used, and JSON is YAML', () => {
  const policy = policyOf(
    'rules:\n  - {name: a, action: pin, match: &m {tags: [v1]}}\n  - {name: b, action: deny, match: *m}\n',
  );
  assert.deepEqual(policy.rules[1]?.match.tags, ['v1']);
  assert.ok(parsePolicy(JSON.stringify({ apiVersion: 'tagpin.dev/v1', kind: 'TagPolicy', rules: [] })).ok);
});

test('no text makes it throw, and every error has a place in the text', () => {
  const words = fc.constantFrom(
    'defaults',
    'rules',
    'registries',
    'verify',
    'sweep',
    'match',
    'name',
    'action',
    'hosts',
    'host',
    '__proto__',
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, 1.5, '', 'pin', 'a.io'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(words, tie('any'), { maxKeys: 5 }),
    ),
  })).any;
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    value.map((any) => JSON.stringify(any, null, 1)),
  );
  fc.assert(
    fc.property(text, (body) => {
      const parsed = parsePolicy(body);
      if (parsed.ok) return;
      assert.ok(parsed.errors.length > 0);
      const count = body.split('\n').length;
      for (const { line, column } of parsed.errors) assert.ok(line >= 1 && line <= count + 1 && column >= 1);
    }),
    { seed: 1, numRuns: 2000 },
  );
});
