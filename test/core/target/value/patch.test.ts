import assert from 'node:assert/strict';
import test from 'node:test';
import { applicationPatch } from '../../../../src/core/target/value/patch.ts';
import {
  application,
  type Chosen,
  DIGEST,
  type Manifest,
  own,
  patched,
  patchFor,
  read,
  UID,
} from '../../../support/application.ts';

const LIST = own({ 'image-list': 'web=nginx:1.x', 'web.helm.image-tag': 'web.tag' });

function patchOf(source: Manifest, chosen: Chosen = { web: { tag: '1.2' } }, annotations = LIST) {
  return patchFor(read(application({ annotations, source })), chosen);
}

const IDENTITY = [
  { op: 'test', path: '/metadata/uid', value: UID },
  { op: 'test', path: '/spec/source/repoURL', value: 'https://git.example/deploy.git' },
  { op: 'test', path: '/spec/source/path', value: 'shop' },
];

test('a value is replaced, with tests on its name and on what it was', () => {
  const helm = {
    parameters: [
      { name: 'a', value: 'b' },
      { name: 'web.tag', value: '1.1', forceString: false },
    ],
  };
  assert.deepEqual(patchOf({ helm }), [
    ...IDENTITY,
    { op: 'test', path: '/spec/source/helm/parameters/1/name', value: 'web.tag' },
    { op: 'test', path: '/spec/source/helm/parameters/1/value', value: '1.1' },
    { op: 'replace', path: '/spec/source/helm/parameters/1/value', value: '1.2' },
  ]);
});

test('an entry without a value is tested whole', () => {
  assert.deepEqual(patchOf({ helm: { parameters: [{ name: 'web.tag' }] } }).slice(3), [
    { op: 'test', path: '/spec/source/helm/parameters/0', value: { name: 'web.tag' } },
    { op: 'add', path: '/spec/source/helm/parameters/0/value', value: '1.2' },
  ]);
});

const ENTRY = { name: 'web.tag', value: '1.2', forceString: true };

test('an entry is added to a list that is tested whole', () => {
  const parameters = [{ name: 'a', value: 'b', unknown: { c: 1 } }];
  assert.deepEqual(patchOf({ helm: { parameters } }).slice(3), [
    { op: 'test', path: '/spec/source/helm/parameters', value: parameters },
    { op: 'add', path: '/spec/source/helm/parameters/-', value: ENTRY },
  ]);
});

test('a list is created in a block that is tested whole, a block in a source that is', () => {
  assert.deepEqual(patchOf({ helm: { valueFiles: ['v.yaml'] } }).slice(3), [
    { op: 'test', path: '/spec/source/helm', value: { valueFiles: ['v.yaml'] } },
    { op: 'add', path: '/spec/source/helm/parameters', value: [ENTRY] },
  ]);
  const source = { repoURL: 'https://git.example/deploy.git', path: 'shop', targetRevision: 'main' };
  assert.deepEqual(patchOf({}).slice(3), [
    { op: 'test', path: '/spec/source', value: source },
    { op: 'add', path: '/spec/source/helm', value: { parameters: [ENTRY] } },
  ]);
});

test('what already says the same gives no patch', () => {
  assert.deepEqual(patchOf({ helm: { parameters: [{ name: 'web.tag', value: '1.2' }] } }), []);
  assert.deepEqual(applicationPatch(UID, []), []);
});

test('several images of an Application are one patch, a common name is added once', () => {
  const annotations = own({
    'image-list': 'a=nginx, b=nginx',
    'a.helm.image-name': 'image',
    'a.helm.image-tag': 'a.tag',
    'b.helm.image-name': 'image',
    'b.helm.image-tag': 'b.tag',
  });
  const operations = patchOf({ helm: { parameters: [] } }, { a: { tag: '1' }, b: { tag: '2' } }, annotations);
  assert.deepEqual(
    operations.slice(3).map(({ op, path }) => [op, path]),
    [
      ['test', '/spec/source/helm/parameters'],
      ['add', '/spec/source/helm/parameters/-'],
      ['add', '/spec/source/helm/parameters/-'],
      ['add', '/spec/source/helm/parameters/-'],
    ],
  );
});

test('of several sources only the one is touched, and tested to be the same', () => {
  const sources = [
    { repoURL: 'https://git.example/deploy.git', path: 'web', kustomize: { images: ['redis:8', 'nginx:1.1'] } },
    { repoURL: 'registry.example', chart: 'redis', targetRevision: '20.*', name: 'cache' },
  ];
  const annotations = own({ 'image-list': 'web=nginx:1.x, cache=redis', 'web.source': '0', 'cache.source': 'cache' });
  const object = application({ annotations, spec: { sources }, status: { sourceTypes: ['Kustomize', 'Helm'] } });
  const operations = patchFor(read(object), { web: { tag: '1.2', digest: DIGEST }, cache: { tag: '8.2' } });
  assert.deepEqual(operations, [
    { op: 'test', path: '/metadata/uid', value: UID },
    { op: 'test', path: '/spec/sources/0/repoURL', value: 'https://git.example/deploy.git' },
    { op: 'test', path: '/spec/sources/0/path', value: 'web' },
    { op: 'test', path: '/spec/sources/0/kustomize/images/1', value: 'nginx:1.1' },
    { op: 'replace', path: '/spec/sources/0/kustomize/images/1', value: 'nginx:1.2' },
    { op: 'test', path: '/spec/sources/1/repoURL', value: 'registry.example' },
    { op: 'test', path: '/spec/sources/1/chart', value: 'redis' },
    { op: 'test', path: '/spec/sources/1/name', value: 'cache' },
    { op: 'test', path: '/spec/sources/1', value: sources[1] },
    {
      op: 'add',
      path: '/spec/sources/1/helm',
      value: {
        parameters: [
          { name: 'image.name', value: 'redis', forceString: true },
          { name: 'image.tag', value: '8.2', forceString: true },
        ],
      },
    },
  ]);
  patched(object, operations);
});

test('the dry source of a hydrated Application is written in its place', () => {
  const drySource = { repoURL: 'https://git.example/dry.git', path: 'app', targetRevision: 'main' };
  const object = application({ annotations: LIST, spec: { sourceHydrator: { drySource } } });
  const after = patched(object, patchFor(read(object), { web: { tag: '1.2' } }));
  assert.deepEqual((after['spec'] as Manifest)['sourceHydrator'], {
    drySource: { ...drySource, helm: { parameters: [ENTRY] } },
  });
});
