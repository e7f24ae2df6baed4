import assert from 'node:assert/strict';
import test from 'node:test';
import type { WriteBackTarget } from '../../../src/core/target/settings.ts';
import type { ProposedValues } from '../../../src/core/target/value/values.ts';
import {
  editFiles,
  type FileEditRequest,
  type ReadRepositoryFile,
  readOver,
} from '../../../src/sweeper/application/edit-files.ts';

const HELM: ProposedValues = {
  kind: 'helm',
  parameters: [{ name: 'image.tag', value: '1.10', role: 'tag', where: 'always' }],
};
const KUSTOMIZE: ProposedValues = {
  kind: 'kustomize',
  name: 'nginx',
  isNamed: false,
  newName: 'nginx',
  tag: '1.10',
  digest: null,
};

/** A repository of these files; what starts with `!` can't be read. Remembers what was asked for. */
function repository(files: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const read: ReadRepositoryFile = async (path) => {
    asked.push(path);
    const text = files[path];
    if (text === undefined) return { kind: 'absent' };
    return text.startsWith('!') ? { kind: 'refused', problem: `${path} ${text.slice(1)}` } : { kind: 'file', text };
  };
  return { asked, read };
}

function request(target: WriteBackTarget, values: readonly ProposedValues[], sourcePath = 'apps/web'): FileEditRequest {
  return {
    target,
    values,
    own: {},
    application: {
      sourcePath,
      applicationName: 'web',
      applicationNamespace: 'argocd',
      controllerNamespace: 'argocd',
    },
  };
}

const VALUES = 'image:\n  tag: "1.10"\n';
const PARAMETERS = 'helm:\n  parameters:\n  - name: image.tag\n    value: "1.10"\n    forceString: true\n';
const IMAGES = 'images:\n- name: nginx\n  newTag: "1.10"\n';

// [name, target, values, files, the file that is written, its text]
const good: readonly (readonly [
  string,
  WriteBackTarget,
  ProposedValues,
  Readonly<Record<string, string>>,
  string,
  string,
])[] = [
  ['a new file of overrides', { kind: 'argocd-source' }, HELM, {}, 'apps/web/.argocd-source-web.yaml', PARAMETERS],
  [
    'Helm values',
    { kind: 'helmvalues', path: null },
    HELM,
    { 'apps/web/values.yaml': 'image:\n  tag: "1.9"\n' },
    'apps/web/values.yaml',
    VALUES,
  ],
  ['Helm values at the root', { kind: 'helmvalues', path: '/envs/prod.yaml' }, HELM, {}, 'envs/prod.yaml', VALUES],
  ['Helm values beside the source', { kind: 'helmvalues', path: '../prod.yaml' }, HELM, {}, 'apps/prod.yaml', VALUES],
  [
    'a kustomization',
    { kind: 'kustomization', path: null },
    KUSTOMIZE,
    { 'apps/web/kustomization.yml': 'images:\n- name: nginx\n  newTag: "1"\n' },
    'apps/web/kustomization.yml',
    IMAGES,
  ],
  [
    'a kustomization at the root',
    { kind: 'kustomization', path: '/' },
    KUSTOMIZE,
    { Kustomization: '' },
    'Kustomization',
    IMAGES,
  ],
];

for (const [name, target, value, files, path, text] of good) {
  test(`${name} is written once, and then says it`, async () => {
    const edit = await editFiles(repository(files).read, request(target, [value]));
    assert.ok(edit.ok);
    assert.deepEqual(edit.files, [{ path, before: files[path] ?? null, after: text }]);
    assert.deepEqual(
      edit.changes.map(({ path: where, to }) => [where, to]),
      [[path, '1.10']],
    );
    const over = readOver(repository(files).read, new Map([[path, text]]));
    assert.deepEqual(await editFiles(over, request(target, [value])), { ok: true, files: [], changes: [] });
  });
}

// [name, target, values, files, refusal, problem]
const bad: readonly (readonly [
  string,
  WriteBackTarget,
  ProposedValues,
  Readonly<Record<string, string>>,
  string,
  RegExp,
])[] = [
  [
    'leads out of the repository',
    { kind: 'helmvalues', path: '../../../etc/x.yaml' },
    HELM,
    {},
    'BadPath',
    /leads out/,
  ],
  ['is git’s own', { kind: 'helmvalues', path: '/.git/config' }, HELM, {}, 'BadPath', /git's own/],
  [
    'has no kustomization',
    { kind: 'kustomization', path: null },
    KUSTOMIZE,
    {},
    'NoFile',
    /no kustomization in apps\/web/,
  ],
  [
    'has two kustomizations',
    { kind: 'kustomization', path: null },
    KUSTOMIZE,
    { 'apps/web/kustomization.yaml': '', 'apps/web/Kustomization': '' },
    'NotEditable',
    /both there/,
  ],
  [
    'is a link',
    { kind: 'helmvalues', path: null },
    HELM,
    { 'apps/web/values.yaml': '!is a link' },
    'Unreadable',
    /is a link/,
  ],
  [
    'is broken',
    { kind: 'helmvalues', path: null },
    HELM,
    { 'apps/web/values.yaml': 'a: [' },
    'NotEditable',
    /^apps\/web\/values\.yaml:1:\d+: /,
  ],
  [
    'holds other values',
    { kind: 'helmvalues', path: null },
    KUSTOMIZE,
    {},
    'NotEditable',
    /Kustomize's images can't go into Helm values/,
  ],
  [
    'holds other images',
    { kind: 'kustomization', path: '/' },
    HELM,
    { Kustomization: '' },
    'NotEditable',
    /can't go into a kustomization/,
  ],
];

for (const [name, target, value, files, reason, problem] of bad) {
  test(`nothing is written where the target ${name}`, async () => {
    const edit = await editFiles(repository(files).read, request(target, [value]));
    assert.ok(!edit.ok);
    assert.equal(edit.reason, reason);
    assert.match(edit.problem, problem);
  });
}

test('only paths inside of the repository are read', async () => {
  const { asked, read } = repository({});
  await editFiles(read, request({ kind: 'helmvalues', path: '../../..' }, [HELM]));
  await editFiles(read, request({ kind: 'argocd-source' }, [HELM], '../x'));
  await editFiles(read, request({ kind: 'kustomization', path: './a/../b/' }, [KUSTOMIZE], '/'));
  assert.deepEqual(asked, ['b/kustomization.yaml', 'b/kustomization.yml', 'b/Kustomization']);
});
