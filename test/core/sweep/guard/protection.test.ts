import assert from 'node:assert/strict';
import test from 'node:test';
import {
  applicationSubject,
  type GitPlace,
  heldByProtection,
  isReadAt,
  placesOf,
  protectedPlaces,
} from '../../../../src/core/sweep/guard/protection.ts';
import { application, type Manifest, own, read } from '../../../support/application.ts';
import { protectEntries } from '../../../support/planned-target.ts';

const annotations = own({ 'image-list': 'shop=ghcr.io/acme/shop:1' });
const LABELS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  argocd: { team: 'platform' },
  shop: { env: 'production' },
  test: { env: 'test' },
};

function held(protect: string, source: Manifest = {}, spec: Manifest = {}) {
  const object = application({ annotations, source }) as { readonly spec: Manifest };
  const target = read({ ...object, spec: { ...object.spec, ...spec } });
  const labels = (namespace: string) => LABELS[namespace] ?? null;
  return heldByProtection(applicationSubject(target), placesOf(target), protectEntries(protect), labels);
}

test('what a policy protects is refused, and the entry is named', () => {
  assert.deepEqual(held('- {kind: Deployment}\n  - {kind: Application, project: "def*"}'), {
    outcome: 'refused',
    reason: 'Protected',
    message: 'the policy\'s sweep.protect[1] protects it: {"kind":"Application","project":"def*"}',
  });
});

test('an entry protects where all of it holds', () => {
  const rows = [
    ['{kind: Application}', true],
    ['{kind: CronJob}', false],
    ['{project: default}', true],
    ['{project: other}', false],
    ['{kind: Application, project: other}', false],
    ['{namespaceLabels: {env: production}}', true],
    ['{namespaceLabels: {team: platform}}', true],
    ['{namespaceLabels: {env: test}}', false],
    ['{namespaceLabels: {env: production, team: platform}}', false],
    ['{repository: "https://git.example/deploy*"}', true],
    ['{repository: "https://git.example/other*"}', false],
    ['{branch: main}', true],
    ['{branch: "release/*"}', false],
    ['{path: shop}', true],
    ['{path: "shop/**"}', true],
    ['{path: "shops/**"}', false],
    ['{repository: "https://git.example/**", branch: main, path: "sh*"}', true],
    ['{repository: "https://git.example/**", branch: other, path: "sh*"}', false],
    ['{project: default, path: "other/**"}', false],
  ] as const;
  for (const [entry, isProtected] of rows) assert.equal(held(`- ${entry}`) !== null, isProtected, entry);
});

test('what is not known counts as protected', () => {
  const production = '- {namespaceLabels: {env: production}}';
  const destination = (fields: Manifest) => ({ destination: fields });
  const local = 'https://kubernetes.default.svc';
  for (const [spec, isProtected] of [
    [destination({ server: local, namespace: 'test' }), false],
    [destination({ name: 'in-cluster', namespace: 'test' }), false],
    [destination({ server: `${local}:443/`, namespace: 'test' }), false],
    [destination({ server: 'https://far.example', namespace: 'test' }), true],
    [destination({ name: 'far', namespace: 'test' }), true],
    [destination({ server: local, namespace: 'nowhere' }), true],
    [destination({ server: local }), true],
    [destination({}), true],
  ] as const) {
    assert.equal(held(production, {}, spec) !== null, isProtected, JSON.stringify(spec));
  }
  assert.notEqual(held('- {branch: main}', { targetRevision: 'HEAD' }), null);
  assert.notEqual(held('- {branch: main}', { targetRevision: undefined }), null);
});

test('a repository is the same however its URL is spelled', () => {
  const protect = '- {repository: "https://git.example/acme/deploy"}';
  for (const repoURL of [
    'https://git.example/acme/deploy',
    'https://git.example/acme/deploy.git',
    'https://git.example/acme/deploy/',
    'https://robot@git.example/acme/deploy',
    'git@git.example:acme/deploy.git',
    'ssh://git@git.example/acme/deploy.git',
    'https://GIT.example/acme/deploy',
  ]) {
    assert.notEqual(held(protect, { repoURL }), null, repoURL);
  }
  assert.equal(held(protect, { repoURL: 'https://git.example/acme/deploy-2' }), null);
});

test('one of several sources is enough', () => {
  const sources = [
    { repoURL: 'https://charts.example', chart: 'web' },
    { repoURL: 'https://git.example/values', ref: 'v' },
  ];
  assert.notEqual(held('- {repository: "https://git.example/values"}', {}, { source: undefined, sources }), null);
});

const REPOSITORY = 'https://git.example/deploy.git';

function placesOfProtected(protect: string, source: Manifest, spec: Manifest = {}): readonly GitPlace[] {
  const object = application({ source: { repoURL: REPOSITORY, targetRevision: 'main', ...source } }) as {
    readonly spec: Manifest;
  };
  const labels = (namespace: string) => LABELS[namespace] ?? null;
  return protectedPlaces({ ...object, spec: { ...object.spec, ...spec } }, protectEntries(protect), labels);
}

test('what a protected Application reads is known: its folder, and value files beside it', () => {
  const fileParameters = [{ name: 'config', path: '../config.json' }];
  const helm = { valueFiles: ['values.yaml', '../common.yaml', '/root.yaml'], fileParameters };
  const places = placesOfProtected('- {project: production}', { path: 'envs/live', helm }, { project: 'production' });
  const reads = (path: string, more: Partial<Omit<GitPlace, 'path'>> = {}) =>
    isReadAt(places, { repository: REPOSITORY, branch: 'main', path, ...more });
  const known = ['values.yaml', 'a/b.yaml', '.argocd-source-live.yaml'].map((file) => `envs/live/${file}`);
  for (const path of [...known, 'envs/common.yaml', 'envs/config.json', 'root.yaml']) assert.ok(reads(path), path);
  for (const path of ['envs/live2/values.yaml', 'envs/test/values.yaml', 'other.yaml']) {
    assert.ok(!reads(path), path);
  }
  assert.ok(reads('root.yaml', { repository: 'https://git.example/deploy', branch: 'refs/heads/main' }));
  for (const repository of [
    'git@git.example:deploy.git',
    'ssh://git@git.example:22/deploy',
    'https://bot@GIT.example/deploy',
  ]) {
    assert.ok(reads('root.yaml', { repository }), repository);
  }
  assert.ok(reads('root.yaml', { branch: null }));
  assert.ok(!reads('root.yaml', { branch: 'test' }));
  assert.ok(!reads('root.yaml', { repository: 'https://git.example/other.git' }));
});

test('what nothing protects is read by nobody in that sense', () => {
  assert.deepEqual(placesOfProtected('- {kind: CronJob}', { path: 'x' }), []);
  assert.deepEqual(placesOfProtected('- {project: production}', { path: 'x' }), []);
});
