import assert from 'node:assert/strict';
import test from 'node:test';
import type { Digest } from '../../../src/core/image/digest.ts';
import type { ProposedValues } from '../../../src/core/target/value/values.ts';
import type { JsonObject } from '../../../src/core/workload/json.ts';
import { editArgoCdSource } from '../../../src/core/write-back/argocd-source.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}` as Digest;

function helm(name: string, tag: string): ProposedValues {
  return {
    kind: 'helm',
    parameters: [
      { name: 'image.name', value: name, role: 'name', where: 'always' },
      { name: 'image.tag', value: tag, role: 'tag', where: 'always' },
    ],
  };
}

function kustomize(name: string, newName: string, tag: string | null, digest: Digest | null = null): ProposedValues {
  return { kind: 'kustomize', name, isNamed: name !== newName, newName, tag, digest };
}

function edited(text: string | null, values: readonly ProposedValues[], own: JsonObject = {}): string {
  const result = editArgoCdSource(text, values, own);
  if (!result.ok) return `${result.problem.line}:${result.problem.column}: ${result.problem.message}`;
  assert.deepEqual(editArgoCdSource(result.text, values, own), { ok: true, text: result.text, changes: [] });
  return result.text;
}

const WRITTEN = `# kept by hand
helm:
  parameters:
  - name: replicas
    value: "3"
  - name: image.tag   # the tag
    value: '1.0'
    forcestring: true
`;

test('a file is made, and text stays text', () => {
  assert.equal(
    edited(null, [helm('ghcr.io/acme/app', '1.10')]),
    'helm:\n  parameters:\n  - name: image.name\n    value: ghcr.io/acme/app\n    forceString: true\n' +
      '  - name: image.tag\n    value: "1.10"\n    forceString: true\n',
  );
});

test('entries that are there keep order, comments, quotes and forceString; new ones look like them', () => {
  assert.equal(
    edited(WRITTEN, [helm('ghcr.io/acme/app', '1.10')]),
    `${WRITTEN.replace("'1.0'", "'1.10'")}  - name: image.name\n    value: 'ghcr.io/acme/app'\n    forcestring: true\n`,
  );
  assert.equal(
    edited('helm: {parameters: [{name: image.tag, value: 1}, {name: image.name, value: nginx}]}\n', [
      helm('docker.io/library/nginx', '2'),
    ]),
    'helm: {parameters: [{name: image.tag, value: "2"}, {name: image.name, value: nginx}]}\n',
  );
});

test('where the list is made, the rest of the Application’s own goes along, since Argo CD no longer reads it', () => {
  const own = {
    helm: {
      valueFiles: ['x.yaml'],
      parameters: [
        { name: 'replicas', value: '3' },
        { name: 'image.tag', value: '1.0', forceString: true },
        { name: 'image.name', value: 'nginx' },
      ],
    },
  };
  assert.equal(
    edited('kustomize: {}\n', [helm('docker.io/library/nginx', '1.1')], own),
    'kustomize: {}\nhelm:\n  parameters:\n  - name: replicas\n    value: "3"\n  - name: image.tag\n    value: "1.1"\n    forceString: true\n' +
      '  - name: image.name\n    value: nginx\n',
  );
  // What the Application says itself needs no file.
  assert.equal(edited(null, [helm('nginx', '1.0')], own), '');
});

test('a parameter that is to be set only where it is there is not made', () => {
  const values: readonly ProposedValues[] = [
    {
      kind: 'helm',
      parameters: [
        { name: 'image.name', value: 'a', role: 'name', where: 'if-there' },
        { name: 'image.tag', value: '2', role: 'tag', where: 'always' },
      ],
    },
  ];
  assert.equal(
    edited('helm:\n  parameters:\n', values),
    'helm:\n  parameters:\n  - name: image.tag\n    value: "2"\n    forceString: true\n',
  );
});

test('images are merged by their repositories, and keep their spelling', () => {
  const before = `kustomize:
  images:
  - nginx:1.0   # web
  - docker.io/acme/app=ghcr.io/acme/app:1
  - "quay.io/a/b:1"
`;
  const values = [
    kustomize('docker.io/library/nginx', 'docker.io/library/nginx', '1.1', DIGEST),
    kustomize('acme/app', 'ghcr.io/acme/app', '2'),
    kustomize('ghcr.io/a/b', 'ghcr.io/a/b', '1'),
  ];
  assert.equal(
    edited(before, values),
    before.replace('nginx:1.0', `nginx:1.1@${DIGEST}`).replace('app:1', 'app:2') + '  - "ghcr.io/a/b:1"\n',
  );
});

test('a plugin gets its variables', () => {
  const values: readonly ProposedValues[] = [
    { kind: 'plugin', variables: [{ name: 'TAG', value: '1.10', role: 'tag' }] },
  ];
  assert.equal(
    edited('plugin:\n  env:\n    - name: A\n      value: b\n    - name: TAG\n', values),
    'plugin:\n  env:\n    - name: A\n      value: b\n    - name: TAG\n      value: "1.10"\n',
  );
  assert.equal(
    edited(null, values, { plugin: { env: [{ name: 'A', value: 'b' }] } }),
    'plugin:\n  env:\n  - name: A\n    value: b\n  - name: TAG\n    value: "1.10"\n',
  );
});

test('a file that cannot be read, or is none, is refused and never overwritten', () => {
  const values = [helm('nginx', '1')];
  assert.match(edited('helm: [\n', values), /^\d+:\d+: /);
  assert.match(edited('helm: x\n', values), /^1:1: helm\.parameters is not the list that Argo CD has there/);
  assert.match(edited('- a\n', values), /not the list/);
  assert.match(edited('helm: {parameters: {a: b}}\n', values), /not the list/);
  assert.match(edited('a: 1\n---\nb: 1\n', values), /several documents/);
  assert.match(
    edited('x: &p [{name: image.tag, value: a}]\nhelm: {parameters: *p}\n', values),
    /written somewhere else/,
  );
});

test('what was changed is told', () => {
  const result = editArgoCdSource(WRITTEN, [helm('a', '2'), kustomize('x', 'y/x', '1')], {});
  assert.ok(result.ok);
  assert.deepEqual(result.changes, [
    { place: 'helm.parameters[image.tag]', from: '1.0', to: '2' },
    { place: 'helm.parameters[image.name]', from: null, to: 'a' },
    { place: 'kustomize.images[x]', from: null, to: 'x=y/x:1' },
  ]);
});
