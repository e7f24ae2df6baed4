import assert from 'node:assert/strict';
import test from 'node:test';
import { isPause, PAUSE_ANNOTATION, readApplication } from '../../../src/core/target/application.ts';
import { application, imageUpdater, type Manifest, own, read, UID } from '../../support/application.ts';

const OPTIONS = { imageUpdaters: null, namespacePaused: false, parent: () => null };
const LIST = own({ 'image-list': 'web=nginx:1.x' });

test('an Application is read with all that is decided by', () => {
  const target = read(application({ annotations: LIST, status: { summary: { images: ['nginx:1.27', 'NONSENSE'] } } }));
  const { images, sources, live, ...rest } = target;
  assert.deepEqual(rest, {
    namespace: 'argocd',
    name: 'shop',
    uid: UID,
    resourceVersion: '7',
    project: 'default',
    destination: { server: 'https://kubernetes.default.svc', name: null, namespace: 'shop' },
    writeBack: { kind: 'argocd' },
    problems: [],
    paused: false,
    deleting: false,
    operationRunning: false,
    owner: null,
  });
  assert.deepEqual(
    live.map(({ text }) => text),
    ['nginx:1.27'],
  );
  assert.equal(sources.length, 1);
  assert.deepEqual(
    images.map(({ tracked, located }) => [tracked.key, located?.place.kind]),
    [['web', 'helm']],
  );
});

test('one that follows nothing is nobody', () => {
  assert.deepEqual(readApplication(application(), OPTIONS), { ok: true, application: null });
});

test('what is no Application is told', () => {
  for (const object of [
    null,
    {},
    { metadata: { name: 'a', namespace: 'b' }, spec: {} },
    application({ metadata: { uid: '' } }),
  ]) {
    const result = readApplication(object, OPTIONS);
    assert.match(result.ok ? 'read' : result.problem, /it is no Application/);
  }
});

// [the object, what it is]
const states: readonly (readonly [Manifest, Readonly<Record<string, boolean | string>>])[] = [
  [application({ annotations: { ...LIST, [PAUSE_ANNOTATION]: 'true' } }), { paused: true }],
  [application({ annotations: { ...LIST, [PAUSE_ANNOTATION]: 'false' } }), { paused: false }],
  [application({ annotations: LIST, metadata: { deletionTimestamp: '2026-11-21T10:00:00Z' } }), { deleting: true }],
  [application({ annotations: LIST, status: { operationState: { phase: 'Running' } } }), { operationRunning: true }],
  [
    application({ annotations: LIST, status: { operationState: { phase: 'Terminating' } } }),
    { operationRunning: true },
  ],
  [application({ annotations: LIST, status: { operationState: { phase: 'Failed' } } }), { operationRunning: false }],
  [{ ...application({ annotations: LIST }), operation: { sync: {} } }, { operationRunning: true }],
  [application({ annotations: LIST, spec: { project: '', sources: [] } }), { project: 'default' }],
];

for (const [object, expected] of states) {
  test(`it is read as ${JSON.stringify(expected)}`, () => {
    const target = read(object);
    for (const [key, value] of Object.entries(expected)) assert.equal(target[key as keyof typeof target], value);
  });
}

test('a paused namespace pauses its Applications', () => {
  const result = readApplication(application({ annotations: LIST }), { ...OPTIONS, namespacePaused: true });
  assert.equal(result.ok && result.application?.paused, true);
});

test('whoever writes anything but false means to pause', () => {
  assert.deepEqual(['true', 'yes', '1', ' True '].map(isPause), [true, true, true, true]);
  assert.deepEqual(['false', ' False', '', null].map(isPause), [false, false, false, false]);
});

test('a parent that would put the value back is named, unless it ignores differences there', () => {
  const object = application({
    annotations: LIST,
    metadata: {
      annotations: LIST,
      ownerReferences: [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', name: 'all' }],
    },
  });
  const set = { spec: { ignoreApplicationDifferences: [{ jsonPointers: ['/spec/source/helm/parameters'] }] } };
  const by = (parent: unknown): string | null => {
    const result = readApplication(object, { ...OPTIONS, parent: () => parent });
    const [image] = (result.ok ? result.application?.images : undefined) ?? [];
    return image === undefined || image.located === null ? assert.fail('it has no place') : image.revertedBy;
  };
  assert.equal(by(null), 'ApplicationSet argocd/all');
  assert.equal(by(set), null);
});

test('an image without a place says why, and stops no other', () => {
  const target = read(application({ annotations: own({ 'image-list': 'a=nginx, b=redis', 'b.source': 'nowhere' }) }));
  assert.deepEqual(
    target.images.map((image) => (image.located === null ? image.reason : 'located')),
    ['located', 'NoSuchSource'],
  );
});

// [the pattern of names, more of the image, the rest of the Application, why it is not followed; null: it is]
const IMAGE = { alias: 'web', imageName: 'nginx:1.x' };
const patterns: readonly (readonly [string, Manifest, Manifest, string | null])[] = [
  ['shop', {}, {}, null],
  ['sho*', {}, {}, 'NotRunning'],
  ['sho*', {}, { status: { summary: { images: ['redis:8'] } } }, 'NotRunning'],
  ['sho*', {}, { status: { summary: { images: ['docker.io/library/nginx:1.27'] } } }, null],
  ['sho*', {}, { source: { helm: { parameters: [{ name: 'image.tag', value: '1.27' }] } } }, null],
  ['sho*', { commonUpdateSettings: { forceUpdate: true } }, {}, null],
];

for (const [namePattern, more, rest, reason] of patterns) {
  test(`an image for ${namePattern} ${JSON.stringify({ ...more, ...rest })} is ${reason ?? 'followed'}`, () => {
    const updater = imageUpdater({ applicationRefs: [{ namePattern, images: [{ ...IMAGE, ...more }] }] });
    const [image] = read(application(rest), [updater]).images;
    assert.ok(image !== undefined);
    assert.equal(image.located === null ? image.reason : null, reason);
  });
}

test('a hint about several sources is among the problems', () => {
  const sources = ['a', 'b'].map((chart) => ({ repoURL: 'registry.example', chart }));
  const target = read(application({ annotations: LIST, spec: { sources } }));
  assert.deepEqual(target.problems, [
    {
      kind: 'hint',
      key: 'tagpin.dev/web.source',
      image: 'web',
      problem: 'sources[0] (a) is written, and sources[1] (b) would fit too: name the one that is meant',
    },
  ]);
});
