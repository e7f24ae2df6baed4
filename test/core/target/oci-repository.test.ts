import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest } from '../../../src/core/image/digest.ts';
import { NO_VALUE } from '../../../src/core/sweep/value.ts';
import { readOciRepository } from '../../../src/core/target/oci-repository.ts';
import { selectTag } from '../../../src/core/version/select.ts';
import { ociRepository, readTarget, type WrittenOciRepository } from '../../support/oci-repository.ts';

const DIGEST = parseDigest(`sha256:${'ab'.repeat(32)}`) ?? assert.fail();
const CHART = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

function problemsOf(written: WrittenOciRepository): readonly string[] {
  const read = readOciRepository(ociRepository(written), { namespacePaused: false });
  return read.kind === 'unreadable' ? read.problems : [];
}

test('what nobody annotated is left alone', () => {
  const read = readOciRepository(ociRepository({ annotations: { 'tagpin.dev/follow': ' ' } }), {
    namespacePaused: false,
  });
  assert.deepEqual(read, { kind: 'unfollowed' });
  assert.equal(readOciRepository(null, { namespacePaused: false }).kind, 'unfollowed');
});

test('it is read with its repository, its value and who may be asked for what', () => {
  const target = readTarget(
    ociRepository({
      annotations: { 'tagpin.dev/min-age': '1h', 'tagpin.dev/interval': '5m', 'tagpin.dev/allow-downgrade': 'true' },
      ref: { tag: '1.2.3', digest: DIGEST },
      spec: {
        secretRef: { name: 'pull' },
        serviceAccountName: 'puller',
        certSecretRef: { name: 'tls' },
        proxySecretRef: { name: 'proxy' },
        provider: 'aws',
        insecure: true,
      },
    }),
  );
  assert.equal(target.repository.registry, 'registry.example');
  assert.equal(target.repository.repository, 'manifests/podinfo');
  assert.deepEqual(target.current, { tag: '1.2.3', digest: DIGEST });
  assert.deepEqual([target.minAge, target.interval, target.allowDowngrade], [3_600_000, 300_000, true]);
  assert.deepEqual(target.connection, {
    kind: 'connection',
    namespace: 'apps',
    secret: 'pull',
    serviceAccount: 'puller',
    provider: 'aws',
    certificateSecret: 'tls',
    proxySecret: 'proxy',
    insecure: true,
  });
  assert.deepEqual([target.generation, target.paused, target.deleting, target.suspended], [3, false, false, false]);
});

test('it waits for its pause, its Namespace, its deletion and Flux', () => {
  assert.ok(readTarget(ociRepository({ annotations: { 'tagpin.dev/pause': 'true' } })).paused);
  const read = readOciRepository(ociRepository(), { namespacePaused: true });
  assert.ok(read.kind === 'read' && read.target.paused);
  assert.ok(readTarget(ociRepository({ metadata: { deletionTimestamp: '2026-11-21T00:00:00Z' } })).deleting);
  assert.ok(readTarget(ociRepository({ spec: { suspend: true } })).suspended);
});

const BAD: readonly (readonly [string, WrittenOciRepository, RegExp])[] = [
  ['another follow', { annotations: { 'tagpin.dev/follow': 'tag' } }, /^tagpin\.dev\/follow: "tag" .*: write semver$/],
  ['a URL with a tag', { spec: { url: 'oci://registry.example/app:v1' } }, /^spec\.url: .* has a tag or a digest/],
  ['a URL with a digest', { spec: { url: `oci://registry.example/app@${DIGEST}` } }, /has a tag or a digest/],
  ['another scheme', { spec: { url: 'https://registry.example/app' } }, /is not oci:\/\/HOST\/REPOSITORY/],
  ['no repository', { spec: { url: 'oci://' } }, /names no repository: the image is empty/],
  ['no range', { ref: { semver: '' } }, /^spec\.ref\.semver: there is no range to follow/],
  ['no ref', { spec: { ref: null } }, /^spec\.ref\.semver: there is no range to follow/],
  ['a bad range', { ref: { semver: '>=one' } }, /^spec\.ref\.semver: .* is not a version range/],
  ['a bad filter', { ref: { semverFilter: '(?=x)' } }, /^spec\.ref\.semverFilter: .* is not an RE2 pattern/],
  ['a bad age', { annotations: { 'tagpin.dev/min-age': '5' } }, /^tagpin\.dev\/min-age: "5" is no duration/],
  ['a bad interval', { annotations: { 'tagpin.dev/interval': '1ms' } }, /^tagpin\.dev\/interval: /],
  ['a bad switch', { annotations: { 'tagpin.dev/allow-downgrade': 'yes' } }, /^tagpin\.dev\/allow-downgrade: /],
  [
    'notation',
    { spec: { verify: { provider: 'notation' } } },
    /^spec\.verify\.provider: .*"notation" can not be verified/,
  ],
  ['our identity over plain HTTP', { spec: { provider: 'aws', insecure: true } }, /^spec\.provider: aws's identity/],
  [
    'our identity where they say whom to trust',
    { spec: { provider: 'gcp', certSecretRef: { name: 'ca' } } },
    /: name a secretRef$/,
  ],
  ['anybody', { spec: { verify: { provider: 'cosign' } } }, /^spec\.verify: .* who may sign/],
];

for (const [name, written, problem] of BAD) {
  test(`what can't be followed says why: ${name}`, () => {
    const problems = problemsOf(written);
    assert.equal(problems.length, 1, JSON.stringify(problems));
    assert.match(problems[0] ?? '', problem);
  });
}

test('what is told of a value has an end, however long the value is', () => {
  const endless = 'x'.repeat(100_000);
  const written: readonly WrittenOciRepository[] = [
    { annotations: { 'tagpin.dev/follow': endless } },
    { annotations: { 'tagpin.dev/min-age': endless } },
    { spec: { url: `oci://${endless}` } },
    { spec: { url: `oci://${endless}.example/a` } },
    { ref: { semver: endless } },
    { ref: { semverFilter: endless } },
  ];
  for (const each of written) assert.ok(problemsOf(each).join('; ').length < 300);
});

test('a tag that no registry can have is none', () => {
  for (const tag of ['x'.repeat(129), '../a', `1.0.0@${DIGEST}`, 'not a tag', '']) {
    assert.deepEqual(readTarget(ociRepository({ ref: { tag, digest: 'sha256:XYZ' } })).current, NO_VALUE, tag);
  }
});

test('all that is wrong is told at once', () => {
  const problems = problemsOf({
    annotations: { 'tagpin.dev/min-age': 'x' },
    ref: { semver: 'x|y' },
    spec: { url: 'x' },
  });
  assert.equal(problems.length, 3);
});

/** As source-controller 1.9.2's `getTagBySemver` chooses: range, filter, media type, tags, the one that is taken. */
const CHOSEN: readonly (readonly [string, Readonly<Record<string, string>>, string | null, string, string | null])[] = [
  ['the highest', { semver: '>=1.0.0' }, null, '1.2.0 1.10.0 1.9.0', '1.10.0'],
  ['tags as they are written', { semver: '1.x' }, null, 'v1.2.0 1.1.0', 'v1.2.0'],
  ['three parts only', { semver: '>=1.0.0' }, null, '1 1.9 v2 1.2.0', '1.2.0'],
  ['dots of a pre-release are dots', { semver: '>=1.0.0-0' }, null, '1.2.0 1.3-rc.1', '1.3-rc.1'],
  ['no pre-release', { semver: '>=1.0.0' }, null, '1.2.0 1.3.0-rc.1', '1.2.0'],
  ['pre-releases where the range has one', { semver: '>=1.0.0-0' }, null, '1.2.0 1.3.0-rc.1', '1.3.0-rc.1'],
  ['calendar versions', { semver: '>=2024.01.01' }, null, '2024.02.03 2023.12.31', '2024.02.03'],
  ['what is no version', { semver: '*' }, null, 'latest main sha-abc 1.0.0', '1.0.0'],
  ['nothing', { semver: '>=3.0.0' }, null, '1.0.0 2.0.0', null],
  ['a filter anywhere in the tag', { semver: '>=1.0.0-0', semverFilter: 'rc' }, null, '1.0.0-rc.1 1.1.0', '1.0.0-rc.1'],
  ['an anchored filter', { semver: '>=1.0.0', semverFilter: '^v' }, null, 'v1.0.0 2.0.0', 'v1.0.0'],
  ['a filter with white space in it', { semver: '>=1.0.0', semverFilter: ' ' }, null, '1.0.0', null],
  ['a filter of the raw tag', { semver: '>=1.0.0', semverFilter: '_a$' }, CHART, '1.0.0_a 1.1.0_b', '1.0.0_a'],
  ['build metadata of a chart', { semver: '>=1.0.0' }, CHART, '1.0.0 1.1.0_build.5', '1.1.0_build.5'],
  ['no build metadata of anything else', { semver: '>=1.0.0' }, null, '1.0.0 1.1.0_build.5', '1.0.0'],
  ['of equals the byte-wise greater', { semver: '>=1.0.0' }, CHART, '1.1.0_a 1.1.0_b', '1.1.0_b'],
];

for (const [name, ref, mediaType, tags, chosen] of CHOSEN) {
  test(`it takes what Flux takes: ${name}`, () => {
    const spec = { ref, ...(mediaType !== null && { layerSelector: { mediaType } }) };
    const { rule } = readTarget(ociRepository({ spec }));
    assert.equal(selectTag(tags.split(' '), rule).selected, chosen);
  });
}

const FIELDS = (...names: string[]) => ({
  'f:spec': { 'f:ref': { '.': {}, ...Object.fromEntries(names.map((name) => [`f:${name}`, {}])) } },
});

const OWNERS: readonly (readonly [string, readonly object[], string | null])[] = [
  ['nobody', [], null],
  [
    'who applies the range alone',
    [{ manager: 'kustomize-controller', operation: 'Apply', fieldsV1: FIELDS('semver') }],
    null,
  ],
  [
    'who applies the tag',
    [{ manager: 'kustomize-controller', operation: 'Apply', fieldsV1: FIELDS('tag') }],
    'kustomize-controller',
  ],
  [
    'who applies the digest',
    [{ manager: 'argocd-controller', operation: 'Apply', fieldsV1: FIELDS('digest') }],
    'argocd-controller',
  ],
  ['who updates the tag', [{ manager: 'kubectl-edit', operation: 'Update', fieldsV1: FIELDS('tag') }], null],
];

for (const [name, managedFields, owner] of OWNERS) {
  test(`of its tag and its digest the owner is found: ${name}`, () => {
    assert.equal(readTarget(ociRepository({ metadata: { managedFields } })).appliedBy, owner);
  });
}

test('who changed its reference last is known', () => {
  const managedFields = [
    { manager: 'tagpin', operation: 'Update', time: '2026-11-21T10:00:00Z', fieldsV1: FIELDS('tag') },
    { manager: 'kubectl-edit', operation: 'Update', time: '2026-11-21T11:00:00Z', fieldsV1: FIELDS('digest') },
  ];
  assert.equal(readTarget(ociRepository({ metadata: { managedFields } })).changedBy, 'kubectl-edit');
});
