import assert from 'node:assert/strict';
import test from 'node:test';
import { readSettings } from '../../../../src/core/target/settings/application-settings.ts';
import { application, imageUpdater, own, updaters } from '../../../support/application.ts';

type Annotations = Readonly<Record<string, string>>;

function settings(annotations: Annotations, resources: Parameters<typeof readSettings>[1] = null, labels = {}) {
  return readSettings(application({ annotations, labels }), resources);
}

test('an Application that says nothing about it follows nothing', () => {
  assert.equal(settings({}), null);
  assert.equal(settings({ 'tagpin.dev/pause': 'true', 'example.com/image-list': 'nginx' }), null);
});

test("Image Updater's annotations are read only where the policy says so", () => {
  const annotations = updaters({ 'image-list': 'web=nginx:1.x', 'web.update-strategy': 'alphabetical' });
  assert.equal(settings(annotations), null);
  const read = settings(annotations, []);
  assert.deepEqual(
    read?.images.map(({ key, rule }) => [key, rule.strategy]),
    [['web', 'alphabetical']],
  );
  assert.deepEqual(read?.problems, []);
});

test('tagpin.dev/ wins key by key', () => {
  const read = settings(
    {
      ...updaters({
        'image-list': 'web=nginx:1.x',
        'web.update-strategy': 'alphabetical',
        'web.helm.image-tag': 'theirs.tag',
        'web.ignore-tags': 'latest',
        'write-back-method': 'git',
        'git-branch': 'main',
      }),
      ...own({
        'web.helm.image-tag': 'ours.tag',
        'web.min-age': '1d',
        'git-branch': 'develop',
        'force-update': 'true',
      }),
    },
    [],
  );
  const [image] = read?.images ?? [];
  assert.equal(image?.rule.strategy, 'alphabetical');
  assert.equal(image.rule.ignores('latest'), true);
  assert.equal(image.minAge, 86_400_000);
  assert.equal(image.forceUpdate, true);
  assert.equal(image.place.kind === 'helm' && image.place.tagParameter, 'ours.tag');
  assert.equal(read?.writeBack.kind === 'git' && read.writeBack.branch.base, 'develop');
  assert.deepEqual(read?.problems, []);
});

test('the list of tagpin.dev/ replaces the other, whose keys of the same alias hold', () => {
  const read = settings(
    {
      ...updaters({ 'image-list': 'web=nginx, db=postgres', 'web.update-strategy': 'digest' }),
      ...own({ 'image-list': 'web=nginx:1.29' }),
    },
    [],
  );
  assert.deepEqual(
    read?.images.map(({ key, rule }) => [key, rule.strategy, rule.constraint]),
    [['web', 'digest', '1.29']],
  );
});

test('what is written about one image goes before what is written about all, in either family', () => {
  const read = settings(
    {
      ...updaters({ 'image-list': 'web=nginx:1.29, db=postgres:17', 'web.update-strategy': 'digest' }),
      ...own({ 'update-strategy': 'alphabetical' }),
    },
    [],
  );
  assert.deepEqual(
    read?.images.map(({ key, rule }) => [key, rule.strategy]),
    [
      ['web', 'digest'],
      ['db', 'alphabetical'],
    ],
  );
});

test('an image without an alias takes what is written about all', () => {
  const read = settings(own({ 'image-list': 'nginx:latest', 'update-strategy': 'digest', 'min-age': '1h' }));
  assert.deepEqual(
    read?.images.map(({ key, rule, minAge }) => [key, rule.strategy, minAge]),
    [['docker.io/library/nginx', 'digest', 3_600_000]],
  );
});

test('an error about one image stops that image alone', () => {
  const read = settings(own({ 'image-list': 'web=nginx, db=postgres', 'db.update-strategy': 'newest' }));
  assert.deepEqual(
    read?.images.map(({ key }) => key),
    ['web'],
  );
  assert.deepEqual(read.problems, [
    {
      kind: 'error',
      key: 'tagpin.dev/db.update-strategy',
      image: 'db',
      problem: '"newest" is none of semver, newest-build, alphabetical, numerical, digest: did you mean newest-build?',
    },
  ]);
});

test('an error about the whole Application stops it', () => {
  const read = settings(own({ 'image-list': 'web=nginx', 'write-back-method': 'github' }));
  assert.deepEqual(read?.images, []);
  assert.deepEqual(
    read.problems.map(({ kind, image }) => [kind, image]),
    [['error', null]],
  );
});

test('a misspelt key stops nothing, and is told', () => {
  const read = settings(own({ 'image-list': 'web=nginx', 'web.update-stategy': 'digest' }));
  assert.equal(read?.images.length, 1);
  assert.deepEqual(read.problems, [
    {
      kind: 'hint',
      key: 'tagpin.dev/web.update-stategy',
      image: null,
      problem: 'is not a key that is known here: did you mean update-strategy?',
    },
  ]);
});

test('settings without a list are told to do nothing', () => {
  const read = settings(own({ 'web.update-strategy': 'digest' }));
  assert.deepEqual(read?.images, []);
  assert.match(read.problems[0]?.problem ?? '', /does nothing without a list of images/);
});

// [the list, the aliases or texts that are stopped]
const repeated: readonly (readonly [string, readonly string[]])[] = [
  ['web=nginx, web=postgres, db=redis', ['web']],
  ['nginx:1.25, nginx:1.26', ['nginx:1.25', 'nginx:1.26']],
  ['docker.io/library/nginx:1, nginx:2', ['docker.io/library/nginx:1', 'nginx:2']],
  ['a/b=nginx, a_b=redis', ['a/b', 'a_b']],
  ['web=nginx, worker=nginx', []],
];

for (const [list, stopped] of repeated) {
  test(`of ${list} ${stopped.length === 0 ? 'all are followed' : `${stopped.join(' and ')} are not`}`, () => {
    const read = settings(own({ 'image-list': list }));
    const errors = read?.problems.filter(({ kind }) => kind === 'error') ?? [];
    assert.deepEqual(
      errors.map(({ image }) => image),
      stopped,
    );
    for (const { problem } of errors) assert.match(problem, /is listed 2 times: give each an alias/);
    const followed = read?.images.map(({ alias, image }) => alias ?? image.repository.text) ?? [];
    assert.equal(
      followed.some((each) => stopped.includes(each)),
      false,
    );
  });
}

const RESOURCE = {
  commonUpdateSettings: { updateStrategy: 'digest' },
  applicationRefs: [{ namePattern: 'sho*', images: [{ alias: 'web', imageName: 'nginx:1.29' }] }],
};

test('an ImageUpdater resource is read, and its place is named in problems', () => {
  const read = settings({}, [imageUpdater(RESOURCE)]);
  assert.deepEqual(
    read?.images.map(({ key, rule }) => [key, rule.strategy]),
    [['web', 'digest']],
  );
  const bad = settings({}, [
    imageUpdater({ applicationRefs: [{ namePattern: '*', images: [{ alias: 'web', imageName: 'x/NGINX' }] }] }),
  ]);
  assert.equal(bad?.problems[0]?.key, 'ImageUpdater argocd/updater spec.applicationRefs[0].images[0].imageName');
});

test('tagpin.dev/ annotations add to a resource, alias by alias', () => {
  const read = settings(own({ 'web.min-age': '1d', 'web.update-strategy': 'alphabetical' }), [imageUpdater(RESOURCE)]);
  assert.deepEqual(
    read?.images.map(({ rule, minAge }) => [rule.strategy, minAge]),
    [['alphabetical', 86_400_000]],
  );
  assert.deepEqual(read.problems, []);
});

test('a resource takes the place of annotations, and says so', () => {
  const read = settings(updaters({ 'image-list': 'db=postgres' }), [imageUpdater(RESOURCE)]);
  assert.deepEqual(
    read?.images.map(({ key }) => key),
    ['web'],
  );
  assert.match(read.problems[0]?.problem ?? '', /does nothing: an ImageUpdater resource selects this Application/);
});

test('a resource that asks for annotations gets them; where there are none the next reference is asked', () => {
  const resource = imageUpdater({
    applicationRefs: [
      { namePattern: 'shop', useAnnotations: true },
      { namePattern: '*', images: [{ alias: 'web', imageName: 'nginx:1.x' }] },
    ],
  });
  const annotated = settings(updaters({ 'image-list': 'db=postgres' }), [resource]);
  assert.deepEqual(
    annotated?.images.map(({ key }) => key),
    ['db'],
  );
  assert.deepEqual(
    settings({}, [resource])?.images.map(({ key }) => key),
    ['web'],
  );
});

test('resources of other namespaces, and such that select others, select nothing', () => {
  const elsewhere = { ...imageUpdater(RESOURCE), namespace: 'team' };
  assert.equal(settings({}, [elsewhere]), null);
  assert.equal(settings({}, [imageUpdater({ applicationRefs: [{ namePattern: 'other', images: [] }] })]), null);
  const labelled = imageUpdater({
    applicationRefs: [
      { namePattern: '*', labelSelectors: { matchLabels: { a: 'b' } }, images: [{ alias: 'web', imageName: 'nginx' }] },
    ],
  });
  assert.equal(settings({}, [labelled]), null);
  assert.equal(settings({}, [labelled], { a: 'b' })?.images.length, 1);
});

test('two resources may share an Application, but not an alias', () => {
  const other = (alias: string) =>
    imageUpdater({ applicationRefs: [{ namePattern: 'shop', images: [{ alias, imageName: 'redis:8.x' }] }] }, 'other');
  assert.deepEqual(
    settings({}, [imageUpdater(RESOURCE), other('cache')])?.images.map(({ key }) => key),
    ['web', 'cache'],
  );
  const fighting = settings({}, [imageUpdater(RESOURCE), other('web')]);
  assert.deepEqual(fighting?.images, []);
  assert.deepEqual(
    fighting.problems.map(({ image }) => image),
    ['web'],
  );
});

test('an image that was to be verified is not followed', () => {
  const read = settings({}, [imageUpdater({ ...RESOURCE, imagesVerification: { cosignKey: {} } })]);
  assert.deepEqual(read?.images, []);
  assert.equal(read.problems[0]?.image, 'web');
});
