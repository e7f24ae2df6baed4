import assert from 'node:assert/strict';
import test from 'node:test';
import { readImageUpdater, specificity } from '../../../../src/core/target/settings/image-updater.ts';
import { imageUpdater } from '../../../support/application.ts';

// [the reference, its figure in Image Updater's documentation or by its rules]
const figures: readonly (readonly [object, number])[] = [
  [{ namePattern: 'app-1' }, 1_000_005],
  [{ namePattern: 'app-prod-*' }, 9],
  [{ namePattern: 'app-*' }, 4],
  [{ namePattern: 'app-?' }, 4],
  [{ namePattern: 'app-[1234567]' }, 4],
  [{ namePattern: '*', labelSelectors: {} }, 10_000],
  [
    {
      namePattern: 'app-*',
      labelSelectors: {
        matchLabels: { environment: 'production', tier: 'frontend' },
        matchExpressions: [{ key: 'a', operator: 'Exists' }],
      },
    },
    10_304,
  ],
];

for (const [reference, figure] of figures) {
  test(`${JSON.stringify(reference)} counts ${figure}`, () => assert.equal(specificity(reference), figure));
}

test('the most special reference goes first, of equals the first', () => {
  const { references } = imageUpdater({
    applicationRefs: [
      { namePattern: 'app-*', images: [{ alias: 'a', imageName: 'a' }] },
      { namePattern: 'app-?', images: [{ alias: 'b', imageName: 'b' }] },
      { namePattern: 'app-1', images: [{ alias: 'c', imageName: 'c' }] },
      { namePattern: '*', labelSelectors: { matchLabels: { x: 'y' } }, images: [{ alias: 'd', imageName: 'd' }] },
    ],
  });
  assert.deepEqual(
    references.map(({ layer }) => layer.images?.[0]?.alias),
    ['c', 'd', 'a', 'b'],
  );
  assert.deepEqual(
    references.map(({ matches }) => matches('app-1', { x: 'y' })),
    [true, true, true, true],
  );
  assert.deepEqual(
    references.map(({ matches }) => matches('app-22', {})),
    [false, false, true, false],
  );
});

test('settings of the resource, the reference and the image are merged field by field', () => {
  const [reference] = imageUpdater({
    commonUpdateSettings: { updateStrategy: 'digest', allowTags: 'regexp:^v', forceUpdate: true },
    applicationRefs: [
      {
        namePattern: '*',
        commonUpdateSettings: { updateStrategy: 'alphabetical', ignoreTags: ['latest', 'dev'] },
        images: [
          { alias: 'app', imageName: 'app:1', commonUpdateSettings: { ignoreTags: [], platforms: ['linux/arm64'] } },
        ],
      },
    ],
  }).references;
  assert.ok(reference !== undefined);
  const { own, shared } = reference.layer;
  const at = 'ImageUpdater argocd/updater spec';
  assert.deepEqual(shared('app', 'update-strategy'), {
    text: 'alphabetical',
    where: `${at}.applicationRefs[0].commonUpdateSettings.updateStrategy`,
  });
  assert.deepEqual(shared('app', 'allow-tags'), { text: 'regexp:^v', where: `${at}.commonUpdateSettings.allowTags` });
  assert.equal(shared('app', 'ignore-tags')?.text, 'latest,dev');
  assert.equal(shared('app', 'force-update')?.text, 'true');
  // An empty list is one, and takes the wider one away.
  assert.equal(own('app', 'ignore-tags')?.text, '');
  assert.deepEqual(own('app', 'platforms'), {
    text: 'linux/arm64',
    where: `${at}.applicationRefs[0].images[0].commonUpdateSettings.platforms`,
  });
  assert.equal(own('app', 'update-strategy'), null);
});

test('the write-back is merged field by field, but a pull request is replaced as a whole', () => {
  const [reference] = imageUpdater({
    writeBackConfig: {
      method: 'git:secret:git-creds',
      gitConfig: {
        repository: 'https://git.example/a.git',
        branch: 'main',
        pullRequest: { github: {}, labels: ['x'] },
      },
    },
    applicationRefs: [
      {
        namePattern: '*',
        writeBackConfig: {
          gitConfig: { branch: 'develop', writeBackTarget: 'helmvalues:/v.yaml', pullRequest: { gitlab: {} } },
        },
        images: [],
      },
    ],
  }).references;
  const text = (key: Parameters<NonNullable<typeof reference>['layer']['application']>[0]) =>
    reference?.layer.application(key)?.text;
  assert.equal(text('write-back-method'), 'git:secret:git-creds');
  assert.equal(text('git-repository'), 'https://git.example/a.git');
  assert.equal(text('git-branch'), 'develop');
  assert.equal(text('write-back-target'), 'helmvalues:/v.yaml');
  assert.equal(text('pull-request'), 'gitlab');
  assert.equal(text('pull-request-labels'), '');
});

test('verification is not skipped: an image that is to be verified is not followed, unless it opted out', () => {
  const [reference] = imageUpdater({
    imagesVerification: { cosignKey: { secretName: 'key', key: 'cosign.pub' } },
    applicationRefs: [
      {
        namePattern: '*',
        images: [
          { alias: 'app', imageName: 'app' },
          { alias: 'nginx', imageName: 'nginx', imagesVerification: { enabled: false } },
        ],
      },
    ],
  }).references;
  const problems = reference?.layer.problems ?? [];
  assert.deepEqual(
    problems.map(({ kind, image }) => [kind, image]),
    [['error', 'app']],
  );
  assert.match(problems[0]?.problem ?? '', /name the key under verify in the policy/);
});

test('a reference that asks for annotations has only its own verification', () => {
  const [reference] = imageUpdater({
    imagesVerification: { cosignKey: {} },
    commonUpdateSettings: { updateStrategy: 'digest' },
    applicationRefs: [{ namePattern: '*', useAnnotations: true, images: [{ alias: 'a', imageName: 'a' }] }],
  }).references;
  assert.equal(reference?.useAnnotations, true);
  assert.equal(reference.layer.images, null);
  assert.equal(reference.layer.shared('a', 'update-strategy'), null);
  assert.deepEqual(reference.layer.problems, []);
  const [verified] = imageUpdater({
    applicationRefs: [{ namePattern: '*', useAnnotations: true, imagesVerification: { cosignKey: {} } }],
  }).references;
  assert.deepEqual(
    verified?.layer.problems.map(({ kind, image }) => [kind, image]),
    [['error', null]],
  );
});

// [the spec, what is wrong with it]
const bad: readonly (readonly [object, RegExp])[] = [
  [{}, /spec\.applicationRefs names no Application/],
  [{ applicationRefs: [{ namePattern: 'app-[', images: [] }] }, /spec\.applicationRefs\[0\]\.namePattern: /],
  [
    { applicationRefs: [{ namePattern: '*', labelSelectors: { matchExpressions: [{ key: 'a', operator: '=' }] } }] },
    /labelSelectors: .*"=" is no operator/,
  ],
];

for (const [spec, expected] of bad) {
  test(`${JSON.stringify(spec)} selects nothing`, () => {
    const read = readImageUpdater({ metadata: { namespace: 'argocd', name: 'x' }, spec });
    assert.match(read.ok ? 'read' : read.problem, expected);
  });
}
