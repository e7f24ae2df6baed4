import assert from 'node:assert/strict';
import test from 'node:test';
import { committedSource, describeSource, isRendered, readSources } from '../../../../src/core/target/value/source.ts';
import { application, type Manifest } from '../../../support/application.ts';

test('a single source is read with the type that Argo CD found', () => {
  const [source, ...more] = readSources(application({ source: { helm: null } }));
  assert.deepEqual(more, []);
  assert.deepEqual(
    { ...source, raw: null },
    {
      index: null,
      pointer: '/spec/source',
      repoURL: 'https://git.example/deploy.git',
      path: 'shop',
      chart: null,
      targetRevision: 'main',
      ref: null,
      name: null,
      type: 'Helm',
      isExplicit: false,
      valueFiles: [],
      raw: null,
    },
  );
});

// [the source, what Argo CD says, the type]
const types: readonly (readonly [Manifest, string, string | null, boolean])[] = [
  [{}, 'Kustomize', 'Kustomize', false],
  [{}, 'Directory', 'Directory', false],
  [{}, '', null, false],
  [{}, 'Jsonnet', null, false],
  [{ chart: 'redis' }, '', 'Helm', false],
  [{ helm: {} }, 'Directory', 'Helm', true],
  [{ kustomize: { images: [] } }, '', 'Kustomize', true],
  [{ plugin: { env: [] } }, 'Helm', 'Plugin', true],
  [{ directory: { recurse: true } }, '', 'Directory', true],
];

for (const [source, status, type, isExplicit] of types) {
  test(`${JSON.stringify(source)} with the status ${status || 'empty'} is ${type ?? 'not known yet'}`, () => {
    const [read] = readSources(application({ source, type: status }));
    assert.deepEqual([read?.type, read?.isExplicit], [type, isExplicit]);
  });
}

const SOURCES = [
  { repoURL: 'https://git.example/deploy.git', path: 'web' },
  { repoURL: 'registry.example/charts', chart: 'redis', helm: { valueFiles: ['$values/redis.yaml'] } },
  { repoURL: 'https://git.example/values.git', ref: 'values' },
];

test('of several sources each has its place, and the type of its place', () => {
  const status = { sourceTypes: ['Kustomize', 'Helm', 'Directory'] };
  const sources = readSources(application({ spec: { source: {}, sources: SOURCES }, status }));
  assert.deepEqual(
    sources.map(({ index, pointer, type }) => [index, pointer, type]),
    [
      [0, '/spec/sources/0', 'Kustomize'],
      [1, '/spec/sources/1', 'Helm'],
      [2, '/spec/sources/2', 'Directory'],
    ],
  );
  assert.deepEqual(sources.map(isRendered), [true, true, false]);
  assert.deepEqual(sources.map(describeSource), ['sources[0] (web)', 'sources[1] (redis)', 'sources[2] (values)']);
});

test('types of another number of sources are of no use', () => {
  const sources = readSources(application({ spec: { sources: SOURCES }, status: { sourceTypes: ['Kustomize'] } }));
  assert.deepEqual(
    sources.map(({ type }) => type),
    [null, 'Helm', null],
  );
});

test('of a hydrated Application it is the dry source, whose type only its own block tells', () => {
  const spec = { sourceHydrator: { drySource: { repoURL: 'https://git.example/dry.git', path: 'app', helm: {} } } };
  const [source] = readSources(application({ spec, status: { sourceType: 'Directory' } }));
  assert.deepEqual([source?.pointer, source?.type], ['/spec/sourceHydrator/drySource', 'Helm']);
  const plain = { sourceHydrator: { drySource: { repoURL: 'https://git.example/dry.git', path: 'app' } } };
  assert.equal(readSources(application({ spec: plain, status: { sourceType: 'Directory' } }))[0]?.type, null);
});

test('commits for a chart go to the repository of its value files', () => {
  const sources = readSources(application({ spec: { sources: SOURCES } }));
  const committed = sources.map((source) => committedSource(source, sources).index);
  assert.deepEqual(committed, [0, 2, 2]);
  const alone = readSources(application({ spec: { sources: SOURCES.slice(0, 2) } }));
  assert.equal(committedSource(alone[1] ?? assert.fail(), alone).index, 1);
});

test('nonsense has no sources', () => {
  for (const object of [null, {}, { spec: { source: 'x', sources: {} } }]) assert.deepEqual(readSources(object), []);
  assert.equal(readSources({ spec: { sources: ['x'] } })[0]?.repoURL, null);
});
