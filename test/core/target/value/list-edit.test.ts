import assert from 'node:assert/strict';
import test from 'node:test';
import { editList, isWritten } from '../../../../src/core/target/value/list-edit.ts';
import type { ProposedValues, ValueRole } from '../../../../src/core/target/value/values.ts';
import type { Manifest } from '../../../support/application.ts';

type Parameter = readonly [name: string, value: string, role?: ValueRole, where?: 'always' | 'if-there'];

function helm(...list: readonly Parameter[]): ProposedValues {
  const parameters = list.map(([name, value, role = 'tag', where = 'always']) => ({ name, value, role, where }));
  return { kind: 'helm', parameters };
}

function kustomize(newName: string, tag: string, name: string | null = null): ProposedValues {
  return { kind: 'kustomize', name: name ?? newName, isNamed: name !== null, newName, tag, digest: null };
}

const parameters = (...list: readonly (readonly [string, string])[]) => ({
  helm: { parameters: list.map(([name, value]) => ({ name, value })) },
});
const images = (...list: readonly string[]) => ({ kustomize: { images: list } });

// [the source, what it should say, replaced as INDEX=VALUE, added as NAME=VALUE or as the entry]
const rows: readonly (readonly [Manifest, ProposedValues, readonly string[], readonly string[]])[] = [
  [{}, helm(['tag', '1']), [], ['tag=1']],
  [parameters(['tag', '1']), helm(['tag', '1']), [], []],
  [parameters(['other', 'x'], ['tag', '1']), helm(['tag', '2']), ['1=2'], []],
  [parameters(['tag', '1'], ['tag', '2']), helm(['tag', '2']), ['0=2'], []],
  [parameters(['name', 'docker.io/library/nginx']), helm(['name', 'nginx', 'name']), [], []],
  [parameters(['name', 'redis']), helm(['name', 'nginx', 'name']), ['0=nginx'], []],
  [parameters(['tag', '1']), helm(['image.name', 'nginx', 'name', 'if-there'], ['tag', '1']), [], []],
  [
    parameters(['image.name', 'redis']),
    helm(['image.name', 'nginx', 'name', 'if-there'], ['tag', '1']),
    ['0=nginx'],
    ['tag=1'],
  ],
  [parameters(['image', 'docker.io/library/nginx:1']), helm(['image', 'nginx:1', 'spec']), [], []],
  [{ helm: { parameters: [{ name: 'tag' }] } }, helm(['tag', '1']), ['0=1'], []],
  [{ helm: { parameters: 'nonsense' } }, helm(['tag', '1']), [], ['tag=1']],
  [{}, kustomize('nginx', '1'), [], ['nginx:1']],
  [images('nginx:1'), kustomize('docker.io/library/nginx', '1'), [], []],
  // The name by which the image is found in the manifests stays as it is.
  [images('docker.io/library/nginx:1'), kustomize('nginx', '2'), ['0=docker.io/library/nginx:2'], []],
  [images('redis:8', 'app=ghcr.io/acme/app:1'), kustomize('ghcr.io/acme/app', '2'), ['1=app=ghcr.io/acme/app:2'], []],
  [images('quay.io/a/b:1'), kustomize('ghcr.io/a/b', '2'), [], ['ghcr.io/a/b:2']],
  [images('app:1'), kustomize('ghcr.io/acme/app', '2', 'app'), ['0=app=ghcr.io/acme/app:2'], []],
  [images('app=old.example/app:1'), kustomize('ghcr.io/acme/app', '2', 'app'), ['0=app=ghcr.io/acme/app:2'], []],
  [images('app=ghcr.io/acme/app:1'), kustomize('ghcr.io/acme/app', '2', 'web'), [], ['web=ghcr.io/acme/app:2']],
  [images('nginx'), kustomize('nginx', '2'), ['0=nginx:2'], []],
  [{}, { kind: 'plugin', variables: [{ name: 'TAG', value: '1', role: 'tag' }] }, [], ['TAG=1']],
  [
    { plugin: { env: [{ name: 'TAG', value: '1' }] } },
    { kind: 'plugin', variables: [{ name: 'TAG', value: '2', role: 'tag' }] },
    ['0=2'],
    [],
  ],
];

for (const [source, proposed, replaced, added] of rows) {
  test(`${JSON.stringify(source)} that should say ${JSON.stringify(proposed)}`, () => {
    const { replacements, additions } = editList(source, proposed);
    assert.deepEqual(
      replacements.map(({ index, value }) => `${index}=${value}`),
      replaced,
    );
    const text = (entry: (typeof additions)[number]) =>
      typeof entry === 'string' ? entry : `${String(entry['name'])}=${String(entry['value'])}`;
    assert.deepEqual(additions.map(text), added);
    assert.equal(isWritten(source, proposed), replaced.length + added.length === 0);
  });
}

test('a parameter that is added is a string whatever it looks like', () => {
  assert.deepEqual(editList({}, helm(['tag', '1.20'])).additions, [{ name: 'tag', value: '1.20', forceString: true }]);
});
