import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followedByOciRepository, lintOciRepository } from '../../../../src/core/lint/objects/oci-repository.ts';
import { digest, type Manifest } from '../../../support/admission.ts';

const KEYS = { provider: 'cosign', secretRef: { name: 'cosign' } };
const URL = 'oci://ghcr.io/acme/charts';

function repository(spec: Manifest, follow: string | null = null, metadata: Manifest = {}): Manifest {
  const annotations = follow === null ? {} : { 'tagpin.dev/follow': follow };
  return {
    metadata: { namespace: 'flux', name: 'shop', uid: 'u', annotations, ...metadata },
    spec: { url: URL, ...spec },
  };
}

const managedFields = [
  { manager: 'kustomize-controller', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:ref': { 'f:tag': {} } } } },
];
const IDENTITY = { issuer: '^https://a\\.io$', subject: '^b@a\\.io$' };

const rows: readonly (readonly [string, Manifest, RegExp | null])[] = [
  ['a tag, followed by nobody', repository({ ref: { tag: '1' } }), null],
  ['a range that is verified', repository({ ref: { semver: '1.x' }, verify: KEYS }), null],
  ['a range that is followed and verified', repository({ ref: { semver: '1.x' }, verify: KEYS }, 'semver'), null],
  [
    'a range and no verification',
    repository({ ref: { semver: '1.x' } }),
    /^NotVerified spec\.verify: there is none, so that Flux takes the newest/,
  ],
  ['a range that is followed and no verification', repository({ ref: { semver: '1.x' } }, 'semver'), /^NotVerified/],
  [
    'no range',
    repository({ ref: { tag: '1' }, verify: KEYS }, 'semver'),
    /^BadValue spec\.ref\.semver: there is no range/,
  ],
  [
    'another value',
    repository({ ref: { semver: '1.x' }, verify: KEYS }, 'digest'),
    /^BadValue tagpin\.dev\/follow: "digest" is nothing/,
  ],
  ['a list', repository({ ref: { semver: '1.x' }, verify: KEYS }, '- container: a'), /^BadValue tagpin\.dev\/follow/],
  [
    'a range of nothing',
    repository({ ref: { semver: '>2 <1' }, verify: KEYS }),
    /^MatchesNothing spec\.ref\.semver: ">2 <1"/,
  ],
  [
    'a range beside a digest',
    repository({ ref: { semver: '1.x', digest: digest('a') }, verify: KEYS }),
    /^NoEffect spec\.ref\.semver: does nothing beside ref\.digest/,
  ],
  [
    'a range beside a digest that is tagpin’s',
    repository({ ref: { semver: '1.x', digest: digest('a') }, verify: KEYS }, 'semver'),
    null,
  ],
  [
    'an applied tag',
    repository({ ref: { semver: '1.x', tag: '1.0.0' }, verify: KEYS }, 'semver', { managedFields }),
    /^NoEffect tagpin\.dev\/follow: kustomize-controller applies/,
  ],
  [
    'an identity',
    repository({ ref: { semver: '1.x' }, verify: { provider: 'cosign', matchOIDCIdentity: [IDENTITY] } }),
    null,
  ],
  [
    'a wide identity',
    repository({
      ref: { semver: '1.x' },
      verify: { provider: 'cosign', matchOIDCIdentity: [{ ...IDENTITY, subject: 'b@a\\.io' }] },
    }),
    /^Identity spec\.verify\.matchOIDCIdentity\[0\]\.subject: .* fits any text that has it somewhere/,
  ],
  [
    'another’s signatures',
    repository({ ref: { semver: '1.x' }, verify: { provider: 'notation' } }, 'semver'),
    /^BadValue spec\.verify\.provider/,
  ],
  [
    'a typo in a key',
    repository({ ref: { tag: '1' } }, null, { annotations: { 'tagpin.dev/folow': 'semver' } }),
    /^UnknownKey/,
  ],
];

for (const [what, object, expected] of rows) {
  test(`an OCIRepository with ${what} is ${expected === null ? 'fine' : 'told so'}`, () => {
    const messages = lintOciRepository(object).map(({ code, where, message }) => `${code} ${where}: ${message}`);
    assert.equal(messages.length, expected === null ? 0 : 1, messages.join('\n'));
    if (expected !== null) assert.match(messages[0] ?? '', expected);
  });
}

test('what is followed can be had', () => {
  assert.equal(
    followedByOciRepository(repository({ ref: { semver: '1.x' } }, 'semver'))?.repository.name,
    'ghcr.io/acme/charts',
  );
  assert.equal(followedByOciRepository(repository({ ref: { semver: '1.x' } })), null);
});
