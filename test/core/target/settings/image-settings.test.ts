import assert from 'node:assert/strict';
import test from 'node:test';
import { readImage } from '../../../../src/core/target/settings/image-settings.ts';

function readOne(image: string, settings: Readonly<Record<string, string>> = {}, alias: string | null = 'web') {
  const look = (key: string) => {
    const text = settings[key];
    return text === undefined ? null : { text, where: `tagpin.dev/web.${key}` };
  };
  return readImage(
    { alias, image: { text: image, where: 'tagpin.dev/image-list' }, isOptional: false },
    look,
    'argocd',
  );
}

test('what is not written has its default', () => {
  const { settings, problems } = readOne('ghcr.io/acme/app:~1.2');
  assert.deepEqual(problems, []);
  assert.ok(settings !== null);
  const { rule, image, ...rest } = settings;
  assert.equal(image.repository.name, 'ghcr.io/acme/app');
  assert.equal(rule.strategy, 'semver');
  assert.deepEqual(rest, {
    alias: 'web',
    key: 'web',
    platforms: [],
    pullSecret: null,
    forceUpdate: false,
    isOptional: false,
    place: { kind: 'unsaid' },
    source: null,
    format: 'tag',
    minAge: null,
    interval: null,
    allowDowngrade: false,
  });
});

test('an image without an alias is known by its canonical name', () => {
  assert.equal(readOne('nginx', {}, null).settings?.key, 'docker.io/library/nginx');
});

// [the settings, what becomes of them]
const good: readonly (readonly [Readonly<Record<string, string>>, object])[] = [
  [{ 'update-strategy': 'digest' }, { format: 'tag+digest' }],
  [{ 'update-strategy': 'Digest', format: 'digest' }, { format: 'digest' }],
  [{ 'update-strategy': 'digest', 'helm.image-digest': 'image.digest' }, { format: 'tag' }],
  [{ 'update-strategy': 'newest-build', format: 'tag+digest' }, { format: 'tag+digest' }],
  [{ 'force-update': 'T' }, { forceUpdate: true }],
  [{ 'force-update': '0' }, { forceUpdate: false }],
  [{ 'allow-downgrade': 'true' }, { allowDowngrade: true }],
  [
    { 'min-age': '7d', interval: '30s' },
    { minAge: 604_800_000, interval: 30_000 },
  ],
  [{ source: 'values' }, { source: 'values' }],
  [
    { platforms: 'linux/amd64, linux/arm64,' },
    {
      platforms: [
        { os: 'linux', architecture: 'amd64', variant: null },
        { os: 'linux', architecture: 'arm64', variant: null },
      ],
    },
  ],
  [
    { 'pull-secret': 'pullsecret:argocd/ghcr' },
    { pullSecret: { kind: 'pullsecret', namespace: 'argocd', name: 'ghcr' } },
  ],
];

for (const [written, expected] of good) {
  test(`${JSON.stringify(written)} is read`, () => {
    const { settings, problems } = readOne('ghcr.io/acme/app:1.x', written);
    assert.deepEqual(problems, []);
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(settings?.[key as keyof typeof settings], value);
    }
  });
}

test('filters and the former name of allow-tags are part of the rule', () => {
  const rule = readOne('app', { 'tag-match': 'regexp:^v', 'ignore-tags': '*-rc*, latest' }).settings?.rule;
  assert.equal(rule?.allow.allows('v1'), true);
  assert.equal(rule?.allow.allows('1'), false);
  assert.equal(rule?.ignores('v1-rc1'), true);
  const newer = readOne('app', { 'tag-match': 'regexp:^v', 'allow-tags': 'any' }).settings?.rule;
  assert.equal(newer?.allow.allows('1'), true);
});

test('the former names of strategies are read', () => {
  assert.equal(readOne('app', { 'update-strategy': 'latest' }).settings?.rule.strategy, 'newest-build');
  assert.equal(readOne('app', { 'update-strategy': 'name' }).settings?.rule.strategy, 'alphabetical');
});

// [the image, the settings, the key that is wrong, what is said of it]
const bad: readonly (readonly [string, Readonly<Record<string, string>>, string, RegExp])[] = [
  ['app', { 'update-strategy': 'semvr' }, 'update-strategy', /"semvr" is none of .*: did you mean semver\?$/],
  ['app', { 'allow-tags': '^v1' }, 'allow-tags', /"\^v1" is none of any, regexp:PATTERN/],
  ['app', { 'allow-tags': 'regexp:(' }, 'allow-tags', /"\(" is not an RE2 pattern/],
  ['app', { 'tag-match': 'regexp:(' }, 'tag-match', /is not an RE2 pattern/],
  ['app', { 'ignore-tags': '[a' }, 'ignore-tags', /\[a/],
  ['app', { extract: '$1' }, 'extract', /write allow-tags as regexp:PATTERN/],
  ['app', { platforms: 'linux' }, 'platforms', /"linux" is no platform: a platform is OS\/ARCH/],
  ['app', { 'pull-secret': 'env:X' }, 'pull-secret', /"env:X" would show/],
  ['app', { 'force-update': 'yes' }, 'force-update', /"yes" is neither true nor false/],
  ['app', { format: 'both' }, 'format', /"both" is none of tag\+digest, digest, tag/],
  ['app', { 'min-age': '5' }, 'min-age', /"5" is no duration: write 12h/],
  ['app', { 'min-age': '-5m' }, 'min-age', /is no duration/],
  ['app', { interval: '10ms' }, 'interval', /"10ms" is no duration of a second or more/],
];

for (const [image, written, key, problem] of bad) {
  test(`${JSON.stringify(written)} stops the image`, () => {
    const { settings, problems } = readOne(image, written);
    assert.equal(settings, null);
    assert.deepEqual(
      problems.map(({ kind, key: at, image: of }) => [kind, at, of]),
      [['error', `tagpin.dev/web.${key}`, 'web']],
    );
    assert.match(problems[0]?.problem ?? '', problem);
  });
}

// [the image, its strategy, what is said of it]
const images: readonly (readonly [string, string, RegExp])[] = [
  ['', 'semver', /"" names no image/],
  ['Nginx/App', 'semver', /"Nginx\/App" can not be followed/],
  ['app@sha256:00', 'semver', /a digest is not followed/],
  ['app:latest', 'semver', /"latest" is not a version range/],
  ['app', 'digest', /"app" names no tag, .* write app:latest$/],
  ['app:^1.2', 'digest', /"\^1\.2" is no tag/],
  ['<2.0', 'semver', /divided at commas, so write ranges with spaces/],
];

for (const [image, strategy, problem] of images) {
  test(`${JSON.stringify(image)} can not be followed by ${strategy}`, () => {
    const { settings, problems } = readOne(image, { 'update-strategy': strategy });
    assert.equal(settings, null);
    assert.deepEqual(
      problems.map(({ key }) => key),
      ['tagpin.dev/image-list'],
    );
    assert.match(problems[0]?.problem ?? '', problem);
  });
}

test('all that is wrong with an image is told at once', () => {
  const { problems } = readOne('app', { format: 'x', interval: 'x', 'update-strategy': 'x', 'helm.image-tag': 'a b' });
  assert.equal(problems.length, 4);
});
