import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followedByApplication, lintApplication } from '../../../../src/core/lint/objects/application.ts';
import { digest, type Manifest } from '../../../support/admission.ts';
import { policyOf } from '../../../support/policy.ts';

const A = digest('a');
const FACTS = { sweep: policyOf('').sweep, imageUpdaters: null };

interface Wanted {
  readonly namespace?: string;
  readonly parameters?: readonly Manifest[];
  readonly sourceType?: string;
  readonly status?: Manifest;
}

/** @param keys those below `tagpin.dev/` */
function application(keys: Readonly<Record<string, string>>, wanted: Wanted = {}): Manifest {
  const { namespace = 'argocd', parameters = [], sourceType = 'Helm', status = {} } = wanted;
  const annotations = Object.fromEntries(Object.entries(keys).map(([key, value]) => [`tagpin.dev/${key}`, value]));
  const helm = sourceType === 'Helm' ? { helm: { parameters } } : {};
  return {
    metadata: { namespace, name: 'shop', uid: 'u', annotations },
    spec: { project: 'default', source: { repoURL: 'https://git.example/x.git', path: 'shop', ...helm } },
    status: { sourceType, ...status },
  };
}

function texts(object: unknown, facts: Parameters<typeof lintApplication>[1] = FACTS): readonly string[] {
  return lintApplication(object, facts).map(({ code, where, message }) => `${code} ${where}: ${message}`);
}

const LIST = { 'image-list': 'web=ghcr.io/acme/web:main' };
const DIGEST = { ...LIST, 'web.update-strategy': 'digest', 'web.helm.image-tag': 'image.tag' };

test('an Application that follows nothing, or is set up well, is not spoken of', () => {
  assert.deepEqual(texts(application({})), []);
  assert.deepEqual(texts(application(DIGEST)), []);
  assert.deepEqual(texts('nonsense'), []);
});

const rows: readonly (readonly [string, Manifest, RegExp])[] = [
  [
    'a key with a typo',
    application({ ...DIGEST, 'web.helm.image-tg': 'x' }),
    /^NoEffect tagpin\.dev\/web\.helm\.image-tg: .*did you mean helm\.image-tag\?$/,
  ],
  ['a list with a typo', application({ 'image-lst': 'nginx' }), /did you mean image-list\?$/],
  [
    'an alias that no image has',
    application({ ...DIGEST, 'wbe.force-update': 'true' }),
    /no image of the list has the alias "wbe": did you mean web\?$/,
  ],
  ['settings without a list', application({ 'web.update-strategy': 'digest' }), /does nothing without a list/],
  [
    'follow',
    application({ ...DIGEST, follow: 'semver' }),
    /does nothing here: an Application follows what image-list names$/,
  ],
  [
    'a strategy that there is not',
    application({ ...DIGEST, 'web.update-strategy': 'digset' }),
    /^BadValue tagpin\.dev\/web\.update-strategy: web: .*did you mean digest\?$/,
  ],
  ['a branch without git', application({ ...DIGEST, 'git-branch': 'main' }), /does nothing without the method git/],
  [
    'sources without parameters',
    application(DIGEST, { sourceType: 'Directory' }),
    /^NoEffect tagpin\.dev\/image-list: web: /,
  ],
  [
    'a namespace that is not swept',
    application(DIGEST, { namespace: 'team' }),
    /^Unseen tagpin\.dev\/image-list: .*add team to the policy/,
  ],
];

for (const [what, object, expected] of rows) {
  test(`an Application with ${what} is told so`, () => {
    const messages = texts(object);
    assert.equal(messages.length, 1, messages.join('\n'));
    assert.match(messages[0] ?? '', expected);
  });
}

test('where the policy may not be read nothing is said of where it looks', () => {
  assert.deepEqual(texts(application(DIGEST, { namespace: 'team' }), { ...FACTS, sweep: null }), []);
});

test('what Argo CD has not looked at yet is no reason to speak', () => {
  const object = { ...application(DIGEST), status: {} };
  assert.deepEqual(texts({ ...object, spec: { source: { repoURL: 'https://git.example/x.git', path: 'x' } } }), []);
});

test('a digest behind a ":" is told by what runs, and only then', () => {
  const parameters = [{ name: 'image.tag', value: A }];
  const keys = { ...DIGEST, 'web.format': 'digest' };
  const runs = (image: string): Manifest => application(keys, { parameters, status: { summary: { images: [image] } } });
  assert.match(
    texts(runs(`ghcr.io/acme/web:${A}`))[0] ?? '',
    /^BadValue tagpin\.dev\/web\.format: the chart puts ":" before the digest/,
  );
  assert.deepEqual(texts(runs(`ghcr.io/acme/web@${A}`)), []);
});

test('a "@" in a label is told by what the sync said', () => {
  const parameters = [{ name: 'image.tag', value: `main@${A}` }];
  const said = (message: string): Manifest =>
    application(DIGEST, { parameters, status: { operationState: { syncResult: { resources: [{ message }] } } } });
  const refused = `Deployment.apps "web" is invalid: metadata.labels: Invalid value: "main@${A}": a valid label must be`;
  assert.match(
    texts(said(refused))[0] ?? '',
    /can't hold "@": write tag, or a parameter of its own as web\.helm\.image-digest$/,
  );
  assert.deepEqual(texts(said('metadata.labels: Invalid value: "other"')), []);
  assert.deepEqual(texts(said('deployment.apps/web configured')), []);
});

test('what is followed can be had', () => {
  assert.equal(followedByApplication(application(DIGEST), FACTS)?.images.length, 1);
  assert.equal(followedByApplication(application({}), FACTS), null);
});
