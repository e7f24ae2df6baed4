import assert from 'node:assert/strict';
import test from 'node:test';
import { matchIdentity, type WantedIdentity } from '../../../src/core/signature/identity.ts';

const ISSUER = 'https://token.actions.githubusercontent.com';
const SUBJECT = 'https://github.com/acme/app/.github/workflows/release.yaml@refs/tags/v1';

function wanted(wish: Partial<WantedIdentity>): WantedIdentity {
  return { issuer: null, issuerPattern: null, subject: null, subjectPattern: null, ...wish };
}

const ROWS: readonly (readonly [string, Partial<WantedIdentity>, boolean])[] = [
  ['the same texts', { issuer: ISSUER, subject: SUBJECT }, true],
  ['another subject', { issuer: ISSUER, subject: `${SUBJECT}0` }, false],
  ['a text that it begins with', { issuer: ISSUER, subject: 'https://github.com/acme' }, false],
  ['another issuer', { issuer: 'https://accounts.google.com', subject: SUBJECT }, false],
  ['an issuer in upper case', { issuer: ISSUER.toUpperCase(), subject: SUBJECT }, false],
  ['an anchored pattern', { issuer: ISSUER, subjectPattern: '^https://github\\.com/acme/.+@refs/tags/v.+$' }, true],
  ['a pattern of the whole without anchors', { issuer: ISSUER, subjectPattern: 'https://github\\.com/acme/.+' }, true],
  ['a pattern of a part', { issuer: ISSUER, subjectPattern: 'github\\.com/acme/app' }, false],
  ['a pattern of a part that says so', { issuer: ISSUER, subjectPattern: '.*github\\.com/acme/app.*' }, true],
  ['an alternative that matches a part only', { issuer: ISSUER, subjectPattern: 'https://github\\.com/acme|x' }, false],
  ['a short alternative before the whole one', { issuer: ISSUER, subjectPattern: 'h|https://.*' }, true],
  ['an issuer by pattern', { issuerPattern: 'https://token\\..*', subject: SUBJECT }, true],
  ['an issuer by a pattern of a part', { issuerPattern: 'githubusercontent', subject: SUBJECT }, false],
  ['a text and a pattern that both fit', { issuer: ISSUER, subject: SUBJECT, subjectPattern: '.*' }, true],
  ['a text that fits and a pattern that does not', { issuer: ISSUER, subject: SUBJECT, subjectPattern: 'x' }, false],
  ['no subject at all', { issuer: ISSUER }, false],
  ['no issuer at all', { subject: SUBJECT }, false],
  ['a pattern that is none', { issuer: ISSUER, subjectPattern: '(' }, false],
];

for (const [what, wish, isWanted] of ROWS) {
  test(`${what} ${isWanted ? 'is' : 'is not'} a wanted identity`, () => {
    const match = matchIdentity({ issuer: ISSUER, subjects: [SUBJECT] }, [wanted(wish)]);
    assert.deepEqual(
      match.ok && { subject: match.subject, issuer: match.issuer },
      isWanted && { subject: SUBJECT, issuer: ISSUER },
    );
  });
}

test('evil-github.com passes no pattern that forgot its anchors', () => {
  const one = wanted({ issuer: ISSUER, subjectPattern: 'github\\.com/acme/.+' });
  for (const subject of [
    'https://evil-github.com/acme/x',
    'https://evil.test/?github.com/acme/x',
    'github.com/acme/x\nevil',
  ]) {
    assert.equal(matchIdentity({ issuer: ISSUER, subjects: [subject] }, [one]).ok, false, subject);
  }
});

test('every name is compared, and issuer and subject have to be of the same identity', () => {
  const subjects = ['https://elsewhere.test', 'release@acme.test'];
  const two = [
    wanted({ issuer: ISSUER, subject: 'nobody' }),
    wanted({ issuer: 'https://other.test', subject: 'release@acme.test' }),
  ];
  assert.deepEqual(matchIdentity({ issuer: ISSUER, subjects }, two), {
    ok: false,
    reason: `the subject "https://elsewhere.test", "release@acme.test" is not a wanted one of the issuer "${ISSUER}"`,
  });
  const three = [...two, wanted({ issuer: ISSUER, subject: 'release@acme.test' })];
  assert.deepEqual(matchIdentity({ issuer: ISSUER, subjects }, three), {
    ok: true,
    subject: 'release@acme.test',
    issuer: ISSUER,
  });
});

test('a certificate without an issuer or a name is nobody’s, and names without end are not matched', () => {
  const anybody = [wanted({ issuerPattern: '(?s).*', subjectPattern: '(?s).*' })];
  const reason = (issuer: string | null, subjects: readonly string[]): unknown =>
    matchIdentity({ issuer, subjects }, anybody);
  assert.deepEqual(reason(null, [SUBJECT]), { ok: false, reason: 'its certificate names no issuer' });
  assert.deepEqual(reason(ISSUER, []), { ok: false, reason: 'its certificate names nobody' });
  const long = { ok: false, reason: 'its certificate has a name of more than 2048 characters' };
  assert.deepEqual(reason(ISSUER, ['a'.repeat(1_000_000)]), long);
  assert.deepEqual(reason('a'.repeat(3000), [SUBJECT]), long);
  assert.equal(matchIdentity({ issuer: ISSUER, subjects: [SUBJECT] }, []).ok, false);
});
