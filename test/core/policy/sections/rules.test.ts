import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsSchema, ruleSchema } from '../../../../src/core/policy/sections/rules.ts';
import { errorsOf, policyOf } from '../../../support/policy.ts';

function rule(match: string): string {
  return `rules: [{name: a, action: deny, match: ${match}}]\n`;
}

// [body, errors]: line and column count from the body's first line
const bad: readonly (readonly [string, readonly RegExp[]])[] = [
  [
    'defaults: {action: pinn}',
    [/^1:20 defaults\.action: must be one of pin, warn, deny, ignore, not "pinn": did you mean pin\?$/],
  ],
  ['defaults: {format: tag}', [/^1:20 defaults\.format: must be one of digest, tag\+digest/]],
  ['defaults: {onUnresolved: lastknown}', [/did you mean lastKnown\?$/]],
  ['defaults: {allowSkip: yes}', [/^1:23 defaults\.allowSkip: must be true or false, not "yes"$/]],
  ['defaults: {history: 11}', [/defaults\.history: must be at most 10, not 11$/]],
  ['defaults: {history: -1}', [/must be at least 0, not -1$/]],
  ['defaults: {history: 1.5}', [/must be a whole number, not 1\.5$/]],
  ['defaults: {history: "5"}', [/must be a number, not "5"$/]],
  ['defaults: {customControllers: both}', [/must be one of skip, pin/]],
  ['defaults: {systemUsers: ["a b"]}', [/defaults\.systemUsers\[0\]: "a b" matches nothing/]],
  ['defaults: {systemUsers: system:x}', [/must be a list, not "system:x"$/]],
  ['defaults: {acton: pin}', [/^1:12 defaults\.acton: is not a key that is known here: did you mean action\?$/]],
  ['defaults:\n', [/^1:1 defaults: has no value: give it one, or remove the key$/]],
  ['defaults: []', [/must be a mapping of keys to values$/]],
  ['rules: {}', [/^1:8 rules: must be a list$/]],
  ['rules: [{}]', [/rules\[0\]\.name: is missing/, /rules\[0\]\.action: is missing/]],
  ['rules: [null]', [/rules\[0\]: has no value/]],
  ['rules: [{name: "", action: pin}]', [/rules\[0\]\.name: must not be empty/]],
  ['rules: [{name: "a\\nb", action: pin}]', [/rules\[0\]\.name: must be one line/]],
  [`rules: [{name: ${'a'.repeat(101)}, action: pin}]`, [/must have at most 100 characters/]],
  ['rules: [{name: 1, action: pin}]', [/^1:16 rules\[0\]\.name: must be text, not a number: put it in quotes$/]],
  ['rules: [{name: a, action: allow}]', [/rules\[0\]\.action: must be one of/]],
  ['rules: [{name: a, action: deny, message: ""}]', [/message: must not be empty/]],
  ['rules: [{name: a, action: pin, format: tag+diges}]', [/did you mean tag\+digest\?$/]],
  ['rules:\n  - name: a\n    match:\n    action: deny\n', [/^3:5 rules\[0\]\.match: has no value/]],
  [rule('{tag: [latest]}'), [/rules\[0\]\.match\.tag: is not a key that is known here: did you mean tags\?$/]],
  [rule('{foo: 1}'), [/these are: namespaces, namespaceLabels, kinds, images, tags, semver, tagPattern$/]],
  [rule('{tags: []}'), [/tags: must not be empty: remove the key where it sets no condition$/]],
  [rule('{tags: latest}'), [/must be a list, not "latest"$/]],
  [rule('{tags: [1.10]}'), [/tags\[0\]: must be text, not a number: put it in quotes$/]],
  [rule('{tags: ["v[12]"]}'), [/tags\[0\]: "v\[12\]" matches nothing: a tag has/]],
  [rule('{namespaces: ["Shop-*"]}'), [/namespaces\[0\]: "Shop-\*" matches nothing/]],
  [rule('{namespaceLabels: {env: true}}'), [/namespaceLabels\.env: must be text, not a boolean/]],
  [rule('{namespaceLabels: {"a b": x}}'), [/namespaceLabels\["a b"\]: is not the key of a label/]],
  [rule('{namespaceLabels: {a: "x y"}}'), [/namespaceLabels\.a: is not the value of a label/]],
  [rule('{kinds: [deployment]}'), [/kinds\[0\]: must be one of CronJob, .*did you mean Deployment\?$/]],
  [rule('{kinds: [Service]}'), [/kinds\[0\]: must be one of CronJob/]],
  [rule('{images: [nginx]}'), [/images\[0\]: "nginx" matches no image/]],
  [rule('{images: ["***"]}'), [/images\[0\]: "\*\*\*" is not a glob/]],
  [rule('{semver: ">=1.0.0<2"}'), [/semver: ">=1\.0\.0<2" is not a version range/]],
  [rule('{semver: 1}'), [/semver: must be text, not a number/]],
  [rule('{tagPattern: "("}'), [/tagPattern: "\(" is not an RE2 pattern/]],
  [rule('{tagPattern: ""}'), [/tagPattern: is an empty pattern/]],
];

for (const [body, expected] of bad) {
  test(`${JSON.stringify(body.slice(0, 80))} is refused`, () => {
    const errors = errorsOf(body);
    assert.equal(errors.length, expected.length, errors.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(errors[index] ?? '', pattern);
  });
}

test('what is not given has its default, and is null in a rule', () => {
  assert.deepEqual(defaultsSchema.parse({}), {
    action: 'pin',
    format: 'digest',
    onUnresolved: 'lastKnown',
    allowSkip: true,
    history: 5,
    customControllers: 'skip',
    systemUsers: ['system:kube-controller-manager', 'system:serviceaccount:kube-system:*-controller'],
  });
  const match = {
    namespaces: null,
    namespaceLabels: null,
    kinds: null,
    images: null,
    tags: null,
    semver: null,
    tagPattern: null,
  };
  assert.deepEqual(ruleSchema.parse({ name: 'a', action: 'warn' }), {
    name: 'a',
    match,
    action: 'warn',
    message: null,
    format: null,
    onUnresolved: null,
  });
});

test('the host of a glob of images becomes canonical', () => {
  const [first] = policyOf(rule('{images: ["Index.docker.io:443/acme/**", docker.io/nginx]}')).rules;
  assert.deepEqual(first?.match.images, ['docker.io/acme/**', 'docker.io/library/nginx']);
});

test('an empty match matches everything, and an empty range is any version', () => {
  assert.equal(policyOf(rule('{}')).rules[0]?.match.images, null);
  assert.equal(policyOf(rule('{semver: ""}')).rules[0]?.match.semver, '');
});
