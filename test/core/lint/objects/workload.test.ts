import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followedBy, lintUnseenWorkload, lintWorkload } from '../../../../src/core/lint/objects/workload.ts';
import { deployment, job, type Manifest } from '../../../support/admission.ts';

const SEEN = { webhook: 'looking', allowSkip: true } as const;

function annotated(annotations: Manifest, metadata: Manifest = {}): Manifest {
  return deployment({ app: 'nginx:1' }, { namespace: 'shop', name: 'web', uid: 'u', annotations, ...metadata });
}

function texts(
  findings: readonly { readonly code: string; readonly where: string; readonly message: string }[],
): readonly string[] {
  return findings.map(({ code, where, message }) => `${code} ${where}: ${message}`);
}

const rows: readonly (readonly [string, Manifest, readonly RegExp[]])[] = [
  [
    'what is right',
    { 'tagpin.dev/follow': '- container: app', 'tagpin.dev/skip': 'other, app' },
    [/"other" is none of its containers: there is app$/, /skip names app: remove one/],
  ],
  ['nothing', {}, []],
  ['a typo in the key', { 'tagpin.dev/folow': '- container: app' }, [/^UnknownKey/]],
  [
    'a list that is none',
    { 'tagpin.dev/follow': 'semver' },
    [/^BadValue tagpin\.dev\/follow: "semver" is for an OCIRepository/],
  ],
  ['a container that is not there', { 'tagpin.dev/follow': '- container: ap' }, [/did you mean app\?$/]],
  [
    'an action that needs more',
    { 'tagpin.dev/follow': '- {container: app, action: set-env}' },
    [/action: set-env needs/],
  ],
  ['all containers skipped', { 'tagpin.dev/skip': '*' }, []],
  [
    'a refresh that nobody took away',
    { 'tagpin.dev/refresh': '*;1' },
    [/^Unseen tagpin\.dev\/refresh: no webhook saw it/],
  ],
];

for (const [what, annotations, expected] of rows) {
  test(`a workload with ${what} has ${expected.length} things that can not act`, () => {
    const messages = texts(lintWorkload('Deployment', annotated(annotations), SEEN));
    assert.equal(messages.length, expected.length, messages.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(messages[index] ?? '', pattern);
  });
}

test('skip does nothing where the policy does not honour it, and nothing is said where that is not known', () => {
  const object = annotated({ 'tagpin.dev/skip': 'app' });
  assert.match(
    texts(lintWorkload('Deployment', object, { ...SEEN, allowSkip: false }))[0] ?? '',
    /allowSkip is false$/,
  );
  assert.deepEqual(lintWorkload('Deployment', object, { ...SEEN, allowSkip: null }), []);
});

test('a field that somebody applies is not written', () => {
  const annotations = { 'tagpin.dev/follow': '- {container: app, action: set-image, image: "nginx:1"}' };
  const fieldsV1 = {
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"app"}': { 'f:image': {} } } } } },
  };
  const object = annotated(annotations, { managedFields: [{ manager: 'helm', operation: 'Apply', fieldsV1 }] });
  assert.match(texts(lintWorkload('Deployment', object, SEEN))[0] ?? '', /^NoEffect .* app: helm applies the field/);
});

test('in a namespace that has not opted in a refresh is seen by nobody, and the rest is still told', () => {
  const object = annotated({
    'tagpin.dev/follow': '- container: app\n- {image: "a/b:1", action: restart}\n- acton: x',
  });
  const messages = texts(lintUnseenWorkload('Deployment', object));
  assert.equal(messages.length, 2, messages.join('\n'));
  assert.match(messages[0] ?? '', /did you mean action\?/);
  assert.match(
    messages.at(-1) ?? '',
    /^Unseen tagpin\.dev\/follow: app: action refresh can't act, its namespace has not opted in/,
  );
  const other = annotated({ 'tagpin.dev/follow': '- {image: "nginx:1", action: restart}' });
  assert.deepEqual(lintUnseenWorkload('Deployment', other), []);
  const refresh = texts(lintUnseenWorkload('Deployment', annotated({ 'tagpin.dev/refresh': '*' })));
  assert.match(refresh[0] ?? '', /no webhook saw it: its namespace has not opted in$/);
});

test('what a controller made says what its owner says', () => {
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'c', uid: 'u', controller: true }];
  const object = job({ app: 'nginx:1' }, { annotations: { 'tagpin.dev/folow': 'x' }, ownerReferences });
  assert.deepEqual(lintWorkload('Job', object, SEEN), []);
  assert.deepEqual(lintUnseenWorkload('Job', object), []);
});

test('what is followed can be had', () => {
  const object = annotated({ 'tagpin.dev/follow': '- container: app' });
  assert.deepEqual(
    followedBy('Deployment', object)?.images.map(({ followed }) => followed.text),
    ['nginx:1'],
  );
  assert.equal(followedBy('Deployment', annotated({})), null);
  assert.equal(followedBy('Job', object), null);
});
