import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseChallenges } from '../../src/registry/challenge.ts';

function show(fields: readonly string[]): string {
  return parseChallenges(fields)
    .map(({ scheme, parameters }) =>
      [scheme, ...[...parameters].map(([name, value]) => `${name}=<${value}>`)].join(' '),
    )
    .join(' | ');
}

// [the fields, what is read]
const table: readonly (readonly [readonly string[], string])[] = [
  [[], ''],
  [[''], ''],
  [['Basic'], 'basic'],
  [['Basic realm="r"'], 'basic realm=<r>'],
  [
    ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"'],
    'bearer realm=<https://auth.docker.io/token> service=<registry.docker.io> scope=<repository:library/nginx:pull>',
  ],
  [['Bearer realm="r",scope="repository:a:pull,push"'], 'bearer realm=<r> scope=<repository:a:pull,push>'],
  [['Basic realm="r", Bearer realm="s",service="t"'], 'basic realm=<r> | bearer realm=<s> service=<t>'],
  [['Basic', 'Bearer realm="s"'], 'basic | bearer realm=<s>'],
  [['Negotiate, Basic realm="r"'], 'negotiate | basic realm=<r>'],
  [['Negotiate YWJj==, Bearer realm="s"'], 'negotiate | bearer realm=<s>'],
  [['BEARER Realm="r" , SERVICE = t'], 'bearer realm=<r> service=<t>'],
  [[', ,Bearer realm="r",,service="t",'], 'bearer realm=<r> service=<t>'],
  [['Bearer realm="a\\"b\\\\c"'], 'bearer realm=<a"b\\c>'],
  [['Bearer realm="r",realm="s"'], 'bearer realm=<r>'],
  [['Bearer realm=""'], 'bearer realm=<>'],
  [['Bearer realm=https'], 'bearer realm=<https>'],
  [['Bearer realm="open'], ''],
  [['Basic realm="r", Bearer realm="open'], 'basic realm=<r>'],
  [['Bearer realm="r" service="t"'], ''],
  [['realm="r"'], ''],
  [['Bearer realm="r", <html>'], 'bearer realm=<r>'],
  [['<html>'], ''],
  [[`Bearer realm="${'x'.repeat(9000)}"`], ''],
];

for (const [fields, expected] of table) {
  test(`${JSON.stringify(fields).slice(0, 90)} is read as ${expected || 'nothing'}`, () => {
    assert.equal(show(fields), expected);
  });
}

test('what is written by the grammar is read back', () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  const value = fc.string({ unit: 'grapheme-ascii', maxLength: 20 });
  const parameters = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 4 });
  const challenge = fc.record({ scheme: name, parameters }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
      const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
      const field = challenges
        .map(({ scheme, parameters }) =>
          `${scheme} ${parameters.map(([key, text]) => `${key}=${quote(text)}`).join(', ')}`.trim(),
        )
        .join(', ');
      assert.deepEqual(
        parseChallenges([field]).map(({ scheme, parameters }) => ({ scheme, parameters: [...parameters] })),
        challenges,
      );
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test('no field throws or takes long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), (field) => {
      parseChallenges([field]);
    }),
    { seed: 1, numRuns: 2000 },
  );
  const started = performance.now();
  for (const evil of [
    '"'.repeat(8000),
    '\\'.repeat(8000),
    'a="\\'.repeat(2000),
    `a ${'='.repeat(8000)}x`,
    ' '.repeat(8000),
  ]) {
    parseChallenges([`Bearer ${evil}`]);
  }
  assert.ok(performance.now() - started < 1000);
});
