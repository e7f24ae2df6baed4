import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../../src/core/image/reference.ts';
import { readSettings } from '../../../../src/core/target/settings/application-settings.ts';
import { type LocateReason, locate, withoutShared } from '../../../../src/core/target/value/locate.ts';
import { readSources } from '../../../../src/core/target/value/source.ts';
import { application, DIGEST, type Manifest, own } from '../../../support/application.ts';

type Annotations = Readonly<Record<string, string>>;

interface Situation {
  readonly annotations: Annotations;
  readonly sources?: readonly Manifest[];
  readonly types?: readonly string[];
  readonly source?: Manifest;
  readonly type?: string;
  readonly live?: readonly string[];
}

function located({ annotations, sources, types, source, type, live = [] }: Situation) {
  const object = application({
    annotations: own(annotations),
    ...(sources !== undefined && { spec: { sources }, status: { sourceTypes: types } }),
    ...(source !== undefined && { source }),
    ...(type !== undefined && { type }),
  });
  const settings = readSettings(object, null);
  assert.ok(settings !== null);
  assert.deepEqual(
    settings.problems.filter(({ kind }) => kind === 'error'),
    [],
  );
  const facts = {
    sources: readSources(object),
    writeBack: settings.writeBack,
    live: live.flatMap((text) => {
      const parsed = parseReference(text);
      return parsed.ok ? [parsed.reference] : [];
    }),
  };
  return withoutShared(settings.images.map((tracked) => ({ tracked, location: locate(tracked, facts) })));
}

const GIT = 'https://git.example/deploy.git';
const KUSTOMIZE = { repoURL: GIT, path: 'overlays/staging' };
const REDIS = { repoURL: 'registry.example/charts', chart: 'redis', helm: { valueFiles: ['$values/redis.yaml'] } };
const VALUES = { repoURL: GIT, ref: 'values' };
const MIXED = { sources: [KUSTOMIZE, REDIS, VALUES], types: ['Kustomize', 'Helm', 'Directory'] };
const chart = (name: string, ...tags: readonly string[]) => ({
  repoURL: 'registry.example/charts',
  chart: name,
  name,
  helm: { parameters: tags.map((tag) => ({ name: 'image.tag', value: tag })) },
});

// [what it is, the situation, the index of the source and the kind of place, how many hints]
const found: readonly (readonly [string, Situation, readonly [number | null, string], number])[] = [
  ['the only source', { annotations: { 'image-list': 'web=nginx' } }, [null, 'helm'], 0],
  [
    'a name for Kustomize goes to the Kustomize source',
    { annotations: { 'image-list': 'web=nginx', 'web.kustomize.image-name': 'nginx' }, ...MIXED },
    [0, 'kustomize'],
    0,
  ],
  [
    'a Helm parameter goes to the Helm source',
    { annotations: { 'image-list': 'web=nginx', 'web.helm.image-tag': 'image.tag' }, ...MIXED },
    [1, 'helm'],
    0,
  ],
  [
    "the target of commits decides (Image Updater's example of several sources)",
    {
      annotations: {
        'image-list': 'web=nginx',
        'write-back-method': 'git',
        'write-back-target': 'kustomization',
      },
      ...MIXED,
    },
    [0, 'kustomize'],
    0,
  ],
  [
    'of two charts the one that has the parameter already',
    {
      annotations: { 'image-list': 'web=nginx' },
      sources: [chart('a'), chart('b', '1.0')],
      types: ['Helm', 'Helm'],
    },
    [1, 'helm'],
    0,
  ],
  [
    'of two charts that both could be meant the first, and a hint',
    { annotations: { 'image-list': 'web=nginx' }, sources: [chart('a'), chart('b')], types: ['Helm', 'Helm'] },
    [0, 'helm'],
    1,
  ],
  [
    'of two charts the one that is named',
    {
      annotations: { 'image-list': 'web=nginx', 'web.source': 'b' },
      sources: [chart('a', '1.0'), chart('b')],
      types: ['Helm', 'Helm'],
    },
    [1, 'helm'],
    0,
  ],
  [
    'of two charts the one whose index is named',
    {
      annotations: { 'image-list': 'web=nginx', source: '1' },
      sources: [chart('a', '1.0'), chart('b')],
      types: ['Helm', 'Helm'],
    },
    [1, 'helm'],
    0,
  ],
  [
    'of several types the first, as Image Updater takes it, and a hint',
    { annotations: { 'image-list': 'web=nginx' }, ...MIXED },
    [0, 'kustomize'],
    1,
  ],
  [
    'of its sources the one that has the type written out',
    {
      annotations: { 'image-list': 'web=nginx' },
      sources: [KUSTOMIZE, REDIS, { ...KUSTOMIZE, kustomize: {} }],
      types: ['Kustomize', 'Helm', 'Kustomize'],
    },
    [2, 'kustomize'],
    1,
  ],
  [
    'an unknown type takes the place that was named',
    { annotations: { 'image-list': 'web=nginx', 'web.helm.image-tag': 'image.tag' }, type: '' },
    [null, 'helm'],
    0,
  ],
  [
    "in git a plugin has Helm's parameters",
    { annotations: { 'image-list': 'web=nginx', 'write-back-method': 'git' }, type: 'Plugin' },
    [null, 'helm'],
    0,
  ],
  [
    'in git a plugin reads a values file',
    {
      annotations: { 'image-list': 'web=nginx', 'write-back-method': 'git', 'write-back-target': 'helmvalues:v.yaml' },
      type: 'Plugin',
    },
    [null, 'helm'],
    0,
  ],
];

for (const [name, situation, [index, kind], hints] of found) {
  test(name, () => {
    const [image] = located(situation);
    const location = image?.location;
    assert.ok(location?.ok, JSON.stringify(location));
    assert.deepEqual([location.located.source.index, location.located.place.kind], [index, kind]);
    assert.equal(location.hints.length, hints);
  });
}

const LIST = { 'image-list': 'web=nginx' };
const TO_GIT = { ...LIST, 'write-back-method': 'git' };

// [what it is, the situation, the reason, what is said]
const refused: readonly (readonly [string, Situation, LocateReason, RegExp])[] = [
  ['a directory', { annotations: LIST, type: 'Directory' }, 'UnsupportedSource', /Directory has no parameters/],
  ['an unknown type', { annotations: LIST, type: '' }, 'SourceUnknown', /wait for its first refresh/],
  ['a plugin', { annotations: LIST, type: 'Plugin' }, 'NoPlace', /<alias>\.plugin\.image-tag/],
  [
    'a Helm parameter of a Kustomize source',
    { annotations: { ...LIST, 'web.helm.image-tag': 't' }, type: 'Kustomize' },
    'UnsupportedSource',
    /a place of Helm was named, and the source is Kustomize/,
  ],
  [
    'a Helm parameter with a kustomization as the target',
    {
      annotations: { ...TO_GIT, 'write-back-target': 'kustomization', 'web.helm.image-tag': 't' },
      type: 'Kustomize',
    },
    'UnsupportedSource',
    /a place of Helm was named/,
  ],
  [
    'a source that there is not',
    { annotations: { ...LIST, 'web.source': 'other' }, ...MIXED },
    'NoSuchSource',
    /there is no source "other": there is sources\[0\] \(overlays\/staging\), sources\[1\] \(redis\)/,
  ],
  ['an index too far', { annotations: { ...LIST, 'web.source': '3' }, ...MIXED }, 'NoSuchSource', /no source "3"/],
  ['no source at all', { annotations: LIST, sources: [VALUES], types: [] }, 'NoSuchSource', /no source that makes/],
];

for (const [name, situation, reason, problem] of refused) {
  test(`${name} is refused`, () => {
    const location = located(situation)[0]?.location;
    assert.ok(location !== undefined && !location.ok);
    assert.equal(location.reason, reason);
    assert.match(location.problem, problem);
  });
}

test('two images of one parameter are both refused, and told of each other', () => {
  const [one, other] = located({ annotations: { 'image-list': 'nginx, redis' } });
  assert.ok(one !== undefined && !one.location.ok && other !== undefined && !other.location.ok);
  assert.equal(one.location.reason, 'SharedPlace');
  assert.match(one.location.problem, /^docker\.io\/library\/redis would write image\.tag as well/);
  assert.match(other.location.problem, /^docker\.io\/library\/nginx would write/);
});

test('of two images of one parameter the one that runs is meant', () => {
  const [one, other] = located({ annotations: { 'image-list': 'nginx, redis' }, live: ['redis:8'] });
  assert.ok(one !== undefined && !one.location.ok);
  assert.equal(one.location.reason, 'SharedPlace');
  assert.equal(other?.location.ok, true);
});

test('the same parameter of two sources is not shared', () => {
  const images = located({
    annotations: { 'image-list': 'a=nginx, b=redis', 'a.source': 'a', 'b.source': 'b' },
    sources: [chart('a'), chart('b')],
    types: ['Helm', 'Helm'],
  });
  assert.deepEqual(
    images.map(({ location }) => location.ok),
    [true, true],
  );
});

test('one image for two parameters of a chart is followed twice, and nobody guesses about image.name', () => {
  const images = located({
    annotations: { 'image-list': 'a=nginx, b=nginx', 'a.helm.image-tag': 'a.tag', 'b.helm.image-tag': 'b.tag' },
  });
  for (const { location } of images) {
    assert.ok(location.ok && location.located.place.kind === 'helm');
    assert.equal(location.located.place.name, null);
  }
});

test('what the Application says goes before what runs', () => {
  const live = ['redis:8', 'docker.io/library/nginx:1.28', 'nginx:1.29'];
  const [spec] = located({
    annotations: LIST,
    source: { helm: { parameters: [{ name: 'image.tag', value: `1.27@${DIGEST}` }] } },
    live,
  });
  assert.ok(spec?.location.ok);
  assert.deepEqual(spec.location.located.current, { name: null, tag: '1.27', digest: DIGEST, from: 'spec' });
  assert.deepEqual(
    spec.location.located.running.map(({ tag }) => tag),
    ['1.28', '1.29'],
  );
  const [running] = located({ annotations: { 'image-list': 'web=nginx:1.29', 'web.update-strategy': 'digest' }, live });
  assert.ok(running?.location.ok);
  assert.deepEqual(running.location.located.current, { name: 'nginx', tag: '1.29', digest: null, from: 'live' });
  const [neither] = located({ annotations: LIST });
  assert.ok(neither?.location.ok);
  assert.deepEqual(neither.location.located.current, { name: null, tag: null, digest: null, from: null });
});

test('commits for a chart go to the source of its values', () => {
  const [image] = located({ annotations: { ...TO_GIT, 'web.helm.image-tag': 'image.tag' }, ...MIXED });
  assert.ok(image?.location.ok);
  assert.deepEqual([image.location.located.source.index, image.location.located.committed.index], [1, 2]);
});
