import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findContradictions } from '../../../src/core/policy/contradictions.ts';

function paths(policy: unknown): readonly string[] {
  return findContradictions(policy).map(({ path }) => path.join('.'));
}

// [name, policy, paths of what is found]
const rows: readonly (readonly [string, unknown, readonly string[]])[] = [
  [
    'rules with one name',
    { rules: [{ name: 'a' }, { name: 'b' }, { name: 'a' }, { name: 'a' }] },
    ['rules.2.name', 'rules.3.name'],
  ],
  ['rules without names', { rules: [{}, {}, null, 3] }, []],
  ['a proxy alone', { registries: { proxy: {} } }, ['registries.proxy']],
  ['a proxy with hosts that are allowed', { registries: { proxy: {}, allow: [] } }, []],
  [
    'one host in two spellings',
    { registries: { hosts: [{ host: 'Docker.io' }, { host: 'index.docker.io:443' }] } },
    ['registries.hosts.1.host'],
  ],
  ['a signature to verify', { verify: [{ keys: ['x'] }] }, []],
  ['nobody whose signature counts', { verify: [{}] }, ['verify.0']],
  ['an identity of nothing', { verify: [{ identities: [{}] }] }, ['verify.0.identities.0', 'verify.0.identities.0']],
  ['protection of nothing', { sweep: { protect: [{ kind: 'x' }, {}] } }, ['sweep.protect.1']],
];

for (const [name, policy, expected] of rows) {
  test(`${name}: ${expected.length === 0 ? 'nothing is found' : expected.join(', ')}`, () => {
    assert.deepEqual(paths(policy), expected);
  });
}

test('nothing that YAML can hold makes it throw', () => {
  const known = fc.constantFrom(
    'rules',
    'verify',
    'registries',
    'hosts',
    'host',
    'mirror',
    'allow',
    'sweep',
    'protect',
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, true, 1, '', 'a.io', 'https://x/y'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(known, tie('any'), { maxKeys: 4, noNullPrototype: false }),
    ),
  })).any;
  fc.assert(
    fc.property(value, (policy) => {
      assert.ok(Array.isArray(findContradictions(policy)));
    }),
    { seed: 1, numRuns: 2000 },
  );
});
