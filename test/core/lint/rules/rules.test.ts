import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintRules } from '../../../../src/core/lint/rules/rules.ts';
import { policyOf } from '../../../support/policy.ts';

/** `PATH CODE`, for the rules that are written as lines of flow mappings. */
function found(...rules: readonly string[]): readonly string[] {
  const policy = policyOf(`rules:\n${rules.map((rule, index) => `  - {name: r${index}, ${rule}}\n`).join('')}`);
  return lintRules(policy).map(({ path, code }) => `${path.slice(1).join('.')} ${code}`);
}

const DENY = 'action: deny';

const shadowed: readonly (readonly [string, string])[] = [
  ['', 'match: {tags: [latest]}'],
  ['', ''],
  ['match: {images: ["ghcr.io/**"]}', 'match: {images: ["ghcr.io/acme/*"], namespaces: [shop]}'],
  ['match: {namespaces: ["shop-*"]}', 'match: {namespaces: [shop-a, "shop-b*"]}'],
  ['match: {namespaceLabels: {env: prod}}', 'match: {namespaceLabels: {env: prod, team: a}}'],
  ['match: {namespaceLabels: {}}', 'match: {namespaceLabels: {env: prod}}'],
  ['match: {kinds: [Job, Pod]}', 'match: {kinds: [Pod]}'],
  ['match: {tags: ["v*"]}', 'match: {tags: [v1, v2]}'],
  ['match: {tags: ["*"]}', 'match: {semver: ">=1"}'],
  ['match: {semver: ">=1"}', 'match: {tags: ["1.2.0", "v3"]}'],
  ['match: {semver: ">=1"}', 'match: {semver: ">=1", kinds: [Job]}'],
  ['match: {tagPattern: "^v"}', 'match: {tags: [v1]}'],
  ['match: {tagPattern: "^v"}', 'match: {tagPattern: "^v", images: ["ghcr.io/a/b"]}'],
];

for (const [first, second] of shadowed) {
  test(`after a rule with {${first}} nothing reaches one with {${second}}`, () => {
    const rule = (text: string): string => [text, DENY].filter((part) => part !== '').join(', ');
    assert.deepEqual(found(rule(first), rule(second)), ['1 Shadowed']);
  });
}

const reached: readonly (readonly [string, string])[] = [
  ['match: {tags: ["*"]}', 'match: {images: ["ghcr.io/**"]}'],
  ['match: {images: ["ghcr.io/acme/*"]}', 'match: {images: ["ghcr.io/**"]}'],
  ['match: {images: ["ghcr.io/**"]}', 'match: {tags: [latest]}'],
  ['match: {kinds: [Job]}', 'match: {kinds: [CronJob]}'],
  ['match: {kinds: [Job]}', 'match: {}'],
  ['match: {namespaceLabels: {env: prod, team: a}}', 'match: {namespaceLabels: {env: prod}}'],
  ['match: {namespaceLabels: {env: prod}}', 'match: {namespaces: [prod]}'],
  ['match: {semver: ">=1"}', 'match: {semver: ">=2"}'],
  ['match: {semver: ">=1"}', 'match: {tags: ["1.2.0", latest]}'],
  ['match: {tagPattern: "^v"}', 'match: {tags: ["v*"]}'],
];

for (const [first, second] of reached) {
  test(`after a rule with {${first}} one with {${second}} is reached, or nobody can say`, () => {
    assert.deepEqual(found(`${first}, ${DENY}`, `${second}, ${DENY}`), []);
  });
}

const rows: readonly (readonly [string, readonly string[]])[] = [
  ['match: {tags: [main, "sha-*"], semver: ">=1"}', ['0.match.tags MatchesNothing']],
  ['match: {tags: [main, "v*"], semver: ">=1"}', []],
  ['match: {tags: [main, "1.*"], semver: ">=1"}', []],
  ['match: {tags: ["1.0"], semver: ">=2"}', ['0.match.tags MatchesNothing']],
  ['match: {tags: [latest], tagPattern: "^v"}', ['0.match.tags MatchesNothing']],
  ['match: {tags: ["*"], tagPattern: "^v"}', []],
  ['match: {semver: ">2 <1"}', ['0.match.semver MatchesNothing']],
  ['match: {namespaces: [kube-system, shop]}', ['0.match.namespaces.0 MatchesNothing']],
  [
    'match: {namespaceLabels: {tagpin.dev/inject: "false"}}',
    ['0.match.namespaceLabels.tagpin.dev/inject MatchesNothing'],
  ],
  ['match: {namespaceLabels: {tagpin.dev/inject: enabled}}', []],
  [
    'match: {namespaces: [a], namespaceLabels: {kubernetes.io/metadata.name: b}}',
    ['0.match.namespaceLabels.kubernetes.io/metadata.name MatchesNothing'],
  ],
  ['match: {namespaces: ["a*"], namespaceLabels: {kubernetes.io/metadata.name: ab}}', []],
];

for (const [rule, expected] of rows) {
  test(`{${rule}} is found ${expected.length === 0 ? 'to match' : 'to match nothing'}`, () => {
    assert.deepEqual(found(`${rule}, ${DENY}`), expected);
  });
}

test('what nothing matches hides nothing', () => {
  const dead = 'match: {tags: [main], semver: ">=1"}, action: deny';
  assert.deepEqual(found(dead, dead), ['0.match.tags MatchesNothing', '1.match.tags MatchesNothing']);
});

test('settings of what is pinned have no effect on what is not, and nobody is told of what is', () => {
  assert.deepEqual(found('action: deny, format: digest, onUnresolved: deny, message: no'), [
    '0.format NoEffect',
    '0.onUnresolved NoEffect',
  ]);
  assert.deepEqual(found('action: ignore, message: ours'), []);
  assert.deepEqual(found('action: pin, format: digest, message: yes'), ['0.message NoEffect']);
});

test('a finding says which rule is in the way and what to do', () => {
  const [finding] = lintRules(policyOf('rules: [{name: all, action: pin}, {name: b, action: deny}]\n'));
  assert.equal(
    finding?.message,
    'no image reaches it: rule "all" before it matches all that it matches: move it up, or remove it',
  );
});

test('a policy of the largest size is looked at in no time', () => {
  const rule = (index: number): string =>
    `  - {name: r${index}, match: {images: ["ghcr.io/${'a*'.repeat(60)}${index}"]}, action: deny}\n`;
  const policy = policyOf(`rules:\n${Array.from({ length: 900 }, (_, index) => rule(index)).join('')}`);
  const before = performance.now();
  lintRules(policy);
  assert.ok(performance.now() - before < 5000);
});
