import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LintedKind, lintKeys } from '../../../../src/core/lint/objects/keys.ts';

type Texts = Readonly<Record<string, string>>;

function found(kind: LintedKind, annotations: Texts, labels: Texts = {}): readonly string[] {
  return lintKeys(kind, { metadata: { annotations, labels } }).map(
    ({ code, where, message }) => `${code} ${where}: ${message}`,
  );
}

const annotated: readonly (readonly [LintedKind, string, RegExp | null])[] = [
  ['Deployment', 'tagpin.dev/follow', null],
  ['Deployment', 'tagpin.dev/adopt-from', null],
  ['Job', 'tagpin.dev/pins', null],
  ['Namespace', 'tagpin.dev/pause', null],
  ['OCIRepository', 'tagpin.dev/min-age', null],
  ['Application', 'tagpin.dev/web.anything', null],
  ['Deployment', 'acme.io/follow', null],
  ['Deployment', 'follow', null],
  ['Deployment', 'tagpin.dev/folow', /^UnknownKey tagpin\.dev\/folow: .* did you mean follow\?$/],
  ['Deployment', 'tagpin.dev/adopt', /did you mean adopt-from\?$/],
  ['Deployment', 'tagpin.dev/whatever', /^UnknownKey .* these are: pins, refresh, skip, follow/],
  ['Deployment', 'tagpin.dev/image-list', /^Misplaced .* does nothing on a Deployment: it is for Application$/],
  [
    'Job',
    'tagpin.dev/follow',
    /^Misplaced .* does nothing on a Job: it is for CronJob, DaemonSet, Deployment, StatefulSet, an OCIRepository$/,
  ],
  ['Namespace', 'tagpin.dev/follow', /^Misplaced .* does nothing on a Namespace: it is for/],
  ['Namespace', 'tagpin.dev/inject', /^Misplaced .* does nothing as an annotation: write it as a label$/],
  ['Deployment', 'tagpin.dev/inject', /label the Namespace$/],
  ['Deployment', 'tagpn.dev/follow', /^UnknownKey .* did you mean tagpin\.dev\/follow\?$/],
  ['Application', 'tagpin.de/image-list', /did you mean tagpin\.dev\/image-list\?$/],
];

for (const [kind, key, expected] of annotated) {
  test(`the annotation ${key} on a ${kind} is ${expected === null ? 'fine' : 'told'}`, () => {
    const messages = found(kind, { [key]: 'x' });
    assert.equal(messages.length, expected === null ? 0 : 1, messages.join('\n'));
    if (expected !== null) assert.match(messages[0] ?? '', expected);
  });
}

const labelled: readonly (readonly [LintedKind, string, string, RegExp | null])[] = [
  ['Namespace', 'tagpin.dev/inject', 'enabled', null],
  ['Namespace', 'tagpin.dev/inject', 'disabled', null],
  ['Namespace', 'tagpin.dev/inject', 'Enabled', /^BadValue .* "Enabled" opts nothing in: write enabled$/],
  ['Namespace', 'tagpin.dev/inject', 'true', /^BadValue/],
  ['Namespace', 'tagpin.dev/pause', 'true', null],
  ['Namespace', 'tagpin.dev/injct', 'enabled', /did you mean inject\?$/],
  ['Pod', 'tagpin.dev/pinned', 'true', null],
  ['Deployment', 'tagpin.dev/inject', 'enabled', /does nothing on a Deployment: label its Namespace$/],
  ['Deployment', 'tagpin.dev/pause', 'true', /^Misplaced .* does nothing as a label: write it as an annotation$/],
  ['Application', 'tagpin.dev/image-list', 'a', /^Misplaced .* write it as an annotation$/],
];

for (const [kind, key, value, expected] of labelled) {
  test(`the label ${key}=${value} on a ${kind} is ${expected === null ? 'fine' : 'told'}`, () => {
    const messages = found(kind, {}, { [key]: value });
    assert.equal(messages.length, expected === null ? 0 : 1, messages.join('\n'));
    if (expected !== null) assert.match(messages[0] ?? '', expected);
  });
}

test('what stands on the Pod template does nothing, but for the Jobs of a CronJob', () => {
  const metadata = { annotations: { 'tagpin.dev/skip': '*', 'acme.io/x': 'y' } };
  const [finding, ...more] = lintKeys('Deployment', { spec: { template: { metadata } } });
  assert.deepEqual(more, []);
  assert.equal(
    finding?.message,
    'does nothing on the Pod template: write it into the metadata of the Deployment itself',
  );
  assert.deepEqual(lintKeys('CronJob', { spec: { jobTemplate: { metadata } } }), []);
  assert.equal(lintKeys('CronJob', { spec: { jobTemplate: { spec: { template: { metadata } } } } }).length, 1);
});

test('what is empty, is no text or is no object says nothing', () => {
  for (const object of [null, 'x', {}, { metadata: { annotations: 'x', labels: [] } }]) {
    assert.deepEqual(lintKeys('Deployment', object), []);
  }
  assert.deepEqual(found('Deployment', { 'tagpin.dev/whatever': ' ' }), []);
});
