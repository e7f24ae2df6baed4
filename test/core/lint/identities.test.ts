import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LintedIdentity, lintIdentity, type PatternReading } from '../../../src/core/lint/identities.ts';

const NOBODY: LintedIdentity = { issuer: null, issuerPattern: null, subject: null, subjectPattern: null };
const GITHUB = 'https://token.actions.githubusercontent.com';

function found(identity: Partial<LintedIdentity>, reading: PatternReading = 'whole'): readonly string[] {
  return lintIdentity({ ...NOBODY, ...identity }, reading).map(({ field, message }) => `${field}: ${message}`);
}

const fine: readonly Partial<LintedIdentity>[] = [
  { issuer: GITHUB, subjectPattern: '^https://github\\.com/acme/.+@refs/tags/v.+$' },
  { issuer: GITHUB, subject: 'https://github.com/acme/app/.github/workflows/release.yaml@refs/heads/main' },
  {
    issuerPattern: '^https://token\\.actions\\.githubusercontent\\.com$',
    subjectPattern: '^https://github\\.com/acme/app/\\.github/workflows/publish\\.yaml@[0-9a-f]{40}$',
  },
  { issuer: 'https://accounts.google.com', subjectPattern: '^[a-z]+@acme\\.example$' },
  { issuerPattern: '^(https://a\\.example|https://b\\.example)$', subject: 'release@acme.example' },
  { issuer: GITHUB, subjectPattern: '^https://.+@refs/heads/main$' },
];

for (const identity of fine) {
  test(`nothing is said of ${JSON.stringify(identity)}`, () => {
    assert.deepEqual(found(identity), []);
    assert.deepEqual(found(identity, 'part'), []);
  });
}

const rows: readonly (readonly [Partial<LintedIdentity>, RegExp])[] = [
  [{ subjectPattern: 'https://github\\.com/acme/x@refs/tags/v1' }, /^subjectPattern: .* it has no \^ and \$: write/],
  [{ subjectPattern: '^https://github\\.com/acme/x@refs/tags/v1' }, /it has no \$: write/],
  [{ subjectPattern: '^a@x\\.io|b@x\\.io$' }, /it has no \^ and \$/],
  [{ subjectPattern: '^https://a\\.io/b\\$' }, /it has no \$/],
  [
    { issuerPattern: '^https://token.actions.githubusercontent.com$' },
    /^issuerPattern: in token\.actions\.githubusercontent\.com a dot is any character, .* write token\\\.actions\\\.githubusercontent\\\.com$/,
  ],
  [{ subjectPattern: '^https://github.com/acme/x@refs/tags/.+$' }, /in github\.com a dot/],
  [{ subjectPattern: '^https://github\\.com/acme/x/y\\.yaml@.+$' }, /lets any branch sign/],
  [{ subjectPattern: '^https://github\\.com/acme/x/y\\.yaml@refs/heads/.*$' }, /lets any branch sign/],
  [{ subjectPattern: '^https://github\\.com/acme/x/y\\.yaml@refs/.*$' }, /lets any branch sign/],
  [{ subjectPattern: '^https://github\\.com/acme/.*$' }, /lets any workflow and any branch sign/],
  [
    { subject: 'https://github.com/acme/*' },
    /^subject: .* is compared letter by letter, and nobody has that subject: write subjectPattern$/,
  ],
  [{ issuer: '^https://a\\.io$' }, /^issuer: .* write issuerPattern$/],
];

for (const [identity, expected] of rows) {
  test(`${JSON.stringify(identity)} is told`, () => {
    const messages = found(identity);
    assert.equal(messages.length, 1, messages.join('\n'));
    assert.match(messages[0] ?? '', expected);
  });
}

test('a text that is longer than anybody writes is left alone, in no time', () => {
  const before = performance.now();
  assert.deepEqual(found({ subjectPattern: '@[^'.repeat(300_000) }, 'part'), []);
  assert.ok(performance.now() - before < 1000);
});

test('where a part is enough, a pattern without anchors fits hosts of others', () => {
  assert.match(
    found({ subjectPattern: 'github\\.com/acme/x@refs/tags/v1' }, 'part')[0] ?? '',
    /such as evil-github\.com/,
  );
});
