import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../../src/core/image/reference.ts';
import type { ValueFormat } from '../../../../src/core/target/settings.ts';
import type { Place } from '../../../../src/core/target/value/place.ts';
import { readSources } from '../../../../src/core/target/value/source.ts';
import {
  currentValue,
  isOf,
  isSameValue,
  needsDigest,
  proposedValues,
} from '../../../../src/core/target/value/values.ts';
import { application, DIGEST, type Manifest, own, read } from '../../../support/application.ts';

const always = (parameter: string) => ({ parameter, where: 'always' as const });
const HELM: Place = { kind: 'helm', name: always('name'), tag: always('tag'), spec: null, digest: null };
const SPEC: Place = { kind: 'helm', name: null, tag: null, spec: always('image'), digest: null };
const KUSTOMIZE: Place = { kind: 'kustomize', name: null };
const PLUGIN: Place = { kind: 'plugin', name: 'NAME', tag: 'TAG', spec: null };

function reference(text: string) {
  const parsed = parseReference(text);
  return parsed.ok ? parsed.reference : assert.fail(parsed.problem);
}

// [the format, the tag, is there a digest, what stands where the tag goes; null: nothing]
const formats: readonly (readonly [ValueFormat, string | null, boolean, string | null])[] = [
  ['tag+digest', 'main', true, `main@${DIGEST}`],
  ['tag+digest', null, true, `latest@${DIGEST}`],
  ['tag+digest', 'main', false, null],
  ['digest', 'main', true, DIGEST],
  ['digest', null, true, DIGEST],
  ['digest', 'main', false, null],
  ['tag', '1.2.3', true, '1.2.3'],
  ['tag', '1.2.3', false, '1.2.3'],
  ['tag', null, true, null],
];

for (const [format, tag, hasDigest, value] of formats) {
  test(`${format} of ${tag ?? 'no tag'} ${hasDigest ? 'with' : 'without'} a digest is ${value ?? 'nothing'}`, () => {
    const image = { repository: reference('ghcr.io/acme/app'), constraint: null };
    const chosen = { tag, digest: hasDigest ? DIGEST : null };
    const helm = proposedValues({ image, format }, HELM, chosen);
    const plugin = proposedValues({ image, format }, PLUGIN, chosen);
    const spec = proposedValues({ image, format }, SPEC, chosen);
    const kustomize = proposedValues({ image, format }, KUSTOMIZE, chosen);
    if (value === null) return assert.deepEqual([helm, plugin, spec, kustomize], [null, null, null, null]);
    assert.ok(helm?.kind === 'helm' && plugin?.kind === 'plugin' && spec?.kind === 'helm');
    const name = 'ghcr.io/acme/app';
    assert.deepEqual(
      helm.parameters.map((each) => [each.name, each.value]),
      [
        ['name', name],
        ['tag', value],
      ],
    );
    assert.deepEqual(
      plugin.variables.map((each) => [each.name, each.value]),
      [
        ['NAME', name],
        ['TAG', value],
      ],
    );
    assert.equal(spec.parameters[0]?.value, value === DIGEST ? `${name}@${value}` : `${name}:${value}`);
    assert.deepEqual(kustomize, {
      kind: 'kustomize',
      name,
      isNamed: false,
      newName: name,
      tag: format === 'digest' ? null : (tag ?? 'latest'),
      digest: format === 'tag' ? null : DIGEST,
    });
  });
}

test('a parameter for the digest alone takes it, whatever the format, and wants one', () => {
  const place: Place = { ...HELM, digest: always('digest') };
  const image = { repository: reference('app'), constraint: null };
  const values = proposedValues({ image, format: 'tag' }, place, { tag: '1', digest: DIGEST });
  assert.deepEqual(values?.kind === 'helm' && values.parameters.map(({ value }) => value), ['app', '1', DIGEST]);
  assert.equal(proposedValues({ image, format: 'tag' }, place, { tag: '1', digest: null }), null);
});

// [the settings, is a digest asked for]
const wants: readonly (readonly [Readonly<Record<string, string>>, boolean])[] = [
  [{}, false],
  [{ 'web.update-strategy': 'digest' }, true],
  [{ 'web.update-strategy': 'digest', 'web.format': 'tag' }, true],
  [{ 'web.format': 'tag+digest' }, true],
  [{ 'web.helm.image-digest': 'd' }, true],
  [{ 'web.helm.image-tag': 't' }, false],
];

for (const [settings, expected] of wants) {
  test(`${JSON.stringify(settings)} ${expected ? 'wants' : 'wants no'} digest`, () => {
    const object = application({ annotations: own({ 'image-list': 'web=app:1.x', ...settings }) });
    assert.equal(needsDigest(read(object).images[0]?.tracked ?? assert.fail()), expected);
  });
}

const parameters = (...pairs: readonly (readonly [string, string])[]) => ({
  helm: { parameters: pairs.map(([name, value]) => ({ name, value })) },
});

// [the source, the place, name, tag and digest of now; null: nothing]
const currents: readonly (readonly [Manifest, Place, readonly (string | null)[] | null])[] = [
  [{}, HELM, null],
  [parameters(['name', 'app']), HELM, null],
  [parameters(['name', 'app'], ['tag', '1.2']), HELM, ['app', '1.2', null]],
  [parameters(['tag', '1.2'], ['tag', '1.3']), HELM, [null, '1.3', null]],
  [parameters(['tag', DIGEST]), HELM, [null, null, DIGEST]],
  [parameters(['tag', `main@${DIGEST}`]), HELM, [null, 'main', DIGEST]],
  [parameters(['tag', '']), HELM, null],
  [parameters(['image', `ghcr.io/acme/app:1@${DIGEST}`]), SPEC, ['ghcr.io/acme/app', '1', DIGEST]],
  [parameters(['image', 'acme/NONSENSE:1']), SPEC, null],
  [parameters(['tag', '1'], ['digest', DIGEST]), { ...HELM, digest: always('digest') }, [null, '1', DIGEST]],
  [parameters(['digest', DIGEST]), { ...HELM, digest: always('digest') }, [null, null, DIGEST]],
  [{ kustomize: { images: ['ghcr.io/acme/app:1'] } }, KUSTOMIZE, ['ghcr.io/acme/app', '1', null]],
  [{ kustomize: { images: ['x=ghcr.io/acme/app'] } }, KUSTOMIZE, null],
  [{ kustomize: { images: ['quay.io/acme/app:1'] } }, KUSTOMIZE, null],
  [
    { kustomize: { images: ['app=ghcr.io/acme/app:1', 5] } },
    { ...KUSTOMIZE, name: 'app' },
    ['ghcr.io/acme/app', '1', null],
  ],
  [
    {
      plugin: {
        env: [
          { name: 'NAME', value: 'app' },
          { name: 'TAG', value: '2' },
        ],
      },
    },
    PLUGIN,
    ['app', '2', null],
  ],
  [{ plugin: { env: [{ name: 'I', value: 'app:2' }] } }, { ...PLUGIN, spec: 'I' }, ['app', '2', null]],
  [{ plugin: { env: 'x' } }, PLUGIN, null],
];

for (const [source, place, expected] of currents) {
  test(`${JSON.stringify(source)} says ${JSON.stringify(expected)}`, () => {
    const [read] = readSources(application({ source }));
    const value = currentValue(read ?? assert.fail(), place, reference('ghcr.io/acme/app'));
    assert.deepEqual(value === null ? null : [value.name, value.tag, value.digest], expected);
  });
}

test('values are the same in canonical form where they are images, else letter by letter', () => {
  assert.equal(isSameValue('name', 'nginx', 'docker.io/library/nginx'), true);
  assert.equal(isSameValue('spec', 'nginx:1', 'index.docker.io/library/nginx:1'), true);
  assert.equal(isSameValue('spec', 'nginx:1', `nginx:1@${DIGEST}`), false);
  assert.equal(isSameValue('spec', 'nginx', 'nginx:latest'), false);
  assert.equal(isSameValue('spec', 'x/Y', 'x/Z'), false);
  assert.equal(isSameValue('tag', '1.2', '1.2.0'), false);
  assert.equal(isSameValue('tag', DIGEST, `main@${DIGEST}`), false);
});

test('a running image is one of the repository, or of the one that it replaces', () => {
  const repository = reference('ghcr.io/argoproj/argocd');
  const place: Place = { kind: 'kustomize', name: 'quay.io/argoproj/argocd' };
  assert.equal(isOf(reference('ghcr.io/argoproj/argocd:v3'), repository, place), true);
  assert.equal(isOf(reference('quay.io/argoproj/argocd:v3'), repository, place), true);
  assert.equal(isOf(reference('quay.io/argoproj/argocd:v3'), repository, HELM), false);
});
