import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../../../src/core/image/reference.ts';
import { decide, explainDecision } from '../../../src/core/policy/decide.ts';
import type { Subject } from '../../../src/core/policy/match.ts';
import { DEFAULT_POLICY } from '../../../src/core/policy/schema.ts';
import { policyOf } from '../../support/policy.ts';

function subject(image: string, facts: Partial<Subject> = {}): Subject {
  const parsed = parseReference(image);
  assert.ok(parsed.ok);
  return { namespace: 'shop-a', namespaceLabels: {}, kinds: ['Deployment'], reference: parsed.reference, ...facts };
}

const POLICY = policyOf(`
defaults: {action: warn, format: tag+digest, onUnresolved: allow}
rules:
  - name: no-latest
    match: {namespaces: ["shop-*"], images: ["ghcr.io/acme/**"], tags: [latest]}
    action: deny
    message: "Use a release tag: see the wiki."
  - name: acme
    match: {images: ["ghcr.io/acme/**"]}
    action: pin
    format: digest
    onUnresolved: deny
  - name: shadowed
    match: {images: ["ghcr.io/acme/app"]}
    action: ignore
`);

test('without a policy every image is pinned', () => {
  assert.deepEqual(decide(DEFAULT_POLICY, subject('nginx')), {
    action: 'pin',
    rule: null,
    message: null,
    format: 'digest',
    onUnresolved: 'lastKnown',
    reason: 'there are no rules, so defaults.action decides',
  });
});

test('the first rule that matches decides, with its message and the defaults for what it does not say', () => {
  assert.deepEqual(decide(POLICY, subject('ghcr.io/acme/app')), {
    action: 'deny',
    rule: 'no-latest',
    message: 'Use a release tag: see the wiki.',
    format: 'tag+digest',
    onUnresolved: 'allow',
    reason: 'rule no-latest matches by namespaces, images, tags',
  });
});

test('every given field must match, else the next rule is asked', () => {
  const { rule, action, format, onUnresolved } = decide(POLICY, subject('ghcr.io/acme/app', { namespace: 'other' }));
  assert.deepEqual([rule, action, format, onUnresolved], ['acme', 'pin', 'digest', 'deny']);
  assert.equal(decide(POLICY, subject('ghcr.io/acme/app:1')).rule, 'acme');
});

test('where no rule matches the defaults hold', () => {
  const { rule, action, reason } = decide(POLICY, subject('nginx'));
  assert.deepEqual([rule, action, reason], [null, 'warn', 'no rule matches, so defaults.action decides']);
});

test('a rule without conditions matches everything', () => {
  const policy = policyOf('rules: [{name: all, action: ignore}]');
  assert.equal(decide(policy, subject('nginx')).reason, 'rule all matches everything');
  assert.equal(explainDecision(policy, subject('nginx')).reason, 'rule all matches everything');
});

test('an explanation says what matched, or what of each rule did not', () => {
  assert.equal(
    explainDecision(POLICY, subject('ghcr.io/acme/app')).reason,
    'rule no-latest matches by namespaces ["shop-*"], images ["ghcr.io/acme/**"], tags ["latest"]',
  );
  assert.equal(
    explainDecision(POLICY, subject('nginx:1')).reason,
    'no rule matches, so defaults.action decides; not matched: no-latest by images, tags; acme by images; shadowed by images',
  );
  assert.deepEqual(explainDecision(DEFAULT_POLICY, subject('nginx')), decide(DEFAULT_POLICY, subject('nginx')));
});

test('one policy decides many times with what was compiled once', () => {
  const started = process.cpuUsage().user;
  const rules = Array.from(
    { length: 100 },
    (_, index) =>
      `  - {name: r${index}, action: deny, match: {images: ["ghcr.io/a${index}/**"], tagPattern: "^v${index}"}}\n`,
  );
  const policy = policyOf(`rules:\n${rules.join('')}`);
  const asked = subject('ghcr.io/a99/app:v99');
  for (let index = 0; index < 2000; index += 1) assert.equal(decide(policy, asked).rule, 'r99');
  assert.ok(process.cpuUsage().user - started < 10e6, 'took over ten seconds');
});
