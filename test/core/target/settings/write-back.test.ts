import assert from 'node:assert/strict';
import test from 'node:test';
import { readWriteBack, writeBackPath } from '../../../../src/core/target/settings/write-back.ts';
import type { WriteBackTarget } from '../../../../src/core/target/settings.ts';

function readBack(settings: Readonly<Record<string, string>>) {
  return readWriteBack((key) => {
    const text = settings[key];
    return text === undefined ? null : { text, where: `tagpin.dev/${key}` };
  }, 'argocd');
}

const GIT = {
  kind: 'git',
  credentials: { kind: 'repocreds' },
  target: { kind: 'argocd-source' },
  repository: null,
  branch: { base: null, push: null },
  pullRequest: null,
};

// [what is written, how it is written back]
const good: readonly (readonly [Readonly<Record<string, string>>, object])[] = [
  [{}, { kind: 'argocd' }],
  [{ 'write-back-method': 'argocd' }, { kind: 'argocd' }],
  [{ 'write-back-method': 'git' }, GIT],
  [{ 'write-back-method': 'git:repocreds' }, GIT],
  [
    { 'write-back-method': 'git:secret:git-creds' },
    { ...GIT, credentials: { kind: 'secret', namespace: 'argocd', name: 'git-creds' } },
  ],
  [
    { 'write-back-method': 'git:secret:argocd/git-creds' },
    { ...GIT, credentials: { kind: 'secret', namespace: 'argocd', name: 'git-creds' } },
  ],
  [
    { 'write-back-method': 'git', 'git-repository': 'git@github.com:example/example.git' },
    { ...GIT, repository: 'git@github.com:example/example.git' },
  ],
  [
    { 'write-back-method': 'git', 'git-branch': 'main' },
    { ...GIT, branch: { base: 'main', push: null } },
  ],
  [
    { 'write-back-method': 'git', 'git-branch': 'base:target' },
    { ...GIT, branch: { base: 'base', push: 'target' } },
  ],
  [
    { 'write-back-method': 'git', 'git-branch': ':target' },
    { ...GIT, branch: { base: null, push: 'target' } },
  ],
  [
    { 'write-back-method': 'git', 'git-branch': 'main:image-updater{{range .Images}}-{{.Name}}-{{.NewTag}}{{end}}' },
    { ...GIT, branch: { base: 'main', push: 'image-updater{{range .Images}}-{{.Name}}-{{.NewTag}}{{end}}' } },
  ],
  [
    { 'write-back-method': 'git', 'write-back-target': 'kustomization' },
    { ...GIT, target: { kind: 'kustomization', path: null } },
  ],
  [
    { 'write-back-method': 'git', 'write-back-target': 'kustomization:../../base' },
    { ...GIT, target: { kind: 'kustomization', path: '../../base' } },
  ],
  [
    { 'write-back-method': 'git', 'write-back-target': 'helmvalues:/helm/config/test-values.yaml' },
    { ...GIT, target: { kind: 'helmvalues', path: '/helm/config/test-values.yaml' } },
  ],
  [
    { 'write-back-method': 'git', 'pull-request': 'gitea', 'pull-request-labels': 'images, automatic,' },
    { ...GIT, pullRequest: { provider: 'gitea', labels: ['images', 'automatic'] } },
  ],
];

for (const [settings, writeBack] of good) {
  test(`${JSON.stringify(settings)} is read`, () => {
    assert.deepEqual(readBack(settings), { writeBack, problems: [] });
  });
}

// [what is written, the key that is wrong, what is said of it]
const git = { 'write-back-method': 'git' };
const bad: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
  [{ 'write-back-method': 'gti' }, 'write-back-method', /"gti" is none of argocd, git, .*: did you mean git\?$/],
  [{ 'write-back-method': 'git:secret:other/x' }, 'write-back-method', /another namespace: copy .* git:secret:x$/],
  [{ 'write-back-method': 'git:secret:' }, 'write-back-method', /names no Secret/],
  [{ 'write-back-method': 'git:env:X' }, 'write-back-method', /is none of/],
  [{ ...git, 'git-branch': 'a:b:c' }, 'git-branch', /"a:b:c" has more than one colon/],
  [{ ...git, 'git-branch': '--upload-pack=x' }, 'git-branch', /starts with "-"/],
  [{ ...git, 'git-repository': '--upload-pack=x' }, 'git-repository', /no URL/],
  [{ ...git, 'write-back-target': 'helmvalue:x' }, 'write-back-target', /neither kustomization.* nor helmvalues/],
  [{ ...git, 'write-back-target': 'a/kustomization.yaml' }, 'write-back-target', /write kustomization:DIRECTORY/],
  [{ ...git, 'write-back-target': 'kustomization:a/kustomization.yml' }, 'write-back-target', /name its directory/],
  [{ ...git, 'write-back-target': 'helmvalues:' }, 'write-back-target', /names no path/],
  [{ ...git, 'write-back-target': 'helmvalues:a\nb' }, 'write-back-target', /characters that no path needs/],
  [{ ...git, 'pull-request': 'bitbucket' }, 'pull-request', /none of github, gitlab, gitea$/],
  [{ ...git, 'pull-request': 'github', 'git-branch': 'main:x' }, 'git-branch', /name the base alone/],
  [
    { ...git, 'pull-request': 'github', 'pull-request-labels': 'x'.repeat(256) },
    'pull-request-labels',
    /longer than 255/,
  ],
];

for (const [settings, key, expected] of bad) {
  test(`${JSON.stringify(settings)} stops the Application`, () => {
    const { writeBack, problems } = readBack(settings);
    assert.equal(writeBack, null);
    assert.deepEqual(
      problems.map(({ kind, image, key: at }) => ({ kind, image, key: at })),
      [{ kind: 'error', image: null, key: `tagpin.dev/${key}` }],
    );
    assert.match(problems[0]?.problem ?? '', expected);
  });
}

test('a branch without the method git is a hint', () => {
  const { writeBack, problems } = readBack({ 'git-branch': 'main' });
  assert.deepEqual(writeBack, { kind: 'argocd' });
  assert.match(problems[0]?.problem ?? '', /"main" does nothing without the method git/);
});

// [the target, the source's path, the path in the repository or what is wrong with it]
const paths: readonly (readonly [WriteBackTarget, string | null, string])[] = [
  [{ kind: 'argocd-source' }, 'apps/shop', 'apps/shop/.argocd-source-shop.yaml'],
  [{ kind: 'argocd-source' }, null, '.argocd-source-shop.yaml'],
  [{ kind: 'kustomization', path: null }, 'config/overlays/foo', 'config/overlays/foo'],
  [{ kind: 'kustomization', path: '../../base' }, 'config/overlays/foo', 'config/base'],
  [{ kind: 'kustomization', path: '/config/overlays/bar' }, 'x', 'config/overlays/bar'],
  [{ kind: 'kustomization', path: '/' }, 'x', ''],
  [{ kind: 'helmvalues', path: null }, './charts//shop/', 'charts/shop/values.yaml'],
  [{ kind: 'helmvalues', path: './values.yaml' }, 'charts/shop', 'charts/shop/values.yaml'],
  [{ kind: 'helmvalues', path: '/helm/values.yaml' }, 'charts/shop', 'helm/values.yaml'],
  [{ kind: 'helmvalues', path: '../../../etc/passwd' }, 'charts/shop', 'out of the repository'],
  [{ kind: 'helmvalues', path: '/../x.yaml' }, null, 'out of the repository'],
  [{ kind: 'helmvalues', path: '.git/hooks/pre-commit' }, null, "git's own"],
  [{ kind: 'argocd-source' }, '../outside', 'out of the repository'],
];

for (const [target, sourcePath, expected] of paths) {
  test(`${JSON.stringify(target)} of ${sourcePath ?? 'no path'} is ${expected || 'the root'}`, () => {
    const found = writeBackPath(target, {
      sourcePath,
      applicationName: 'shop',
      applicationNamespace: 'argocd',
      controllerNamespace: 'argocd',
    });
    if (found.ok) assert.equal(found.path, expected);
    else assert.ok(found.problem.includes(expected), found.problem);
  });
}

test('outside of the namespace of Argo CD the file has the namespace in its name', () => {
  const where = {
    sourcePath: 'a',
    applicationName: 'shop',
    applicationNamespace: 'team',
    controllerNamespace: 'argocd',
  };
  assert.deepEqual(writeBackPath({ kind: 'argocd-source' }, where), {
    ok: true,
    path: 'a/.argocd-source-team_shop.yaml',
  });
});
