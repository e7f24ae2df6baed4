import assert from 'node:assert/strict';
import test from 'node:test';
import { compareRefreshed, readRefreshAnswer, tellsOfFailure } from '../../../src/core/workload/refreshed.ts';
import { admit, type Case, deployment, digest, type Manifest, record } from '../../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];
const VALUE = '*;now';
const IMAGE = 'docker.io/library/nginx:1';

/** What the webhook makes of a refresh of a pinned Deployment. */
function refresh(
  registry: Case['registry'],
  value = VALUE,
  kind: (images: Record<string, string>, metadata: Manifest) => Manifest = deployment,
) {
  const pins = { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1', A]] }) };
  const oldObject = kind({ app: `nginx@${A}` }, { annotations: pins });
  const object = kind({ app: `nginx@${A}` }, { annotations: { ...pins, 'tagpin.dev/refresh': value } });
  return { oldObject, ...admit({ object, oldObject, ...(registry !== undefined && { registry }) }) };
}

test('an answer that was given is honoured, one that a registry did not give is open, and no webhook is unseen', () => {
  assert.equal(readRefreshAnswer(refresh({ [IMAGE]: B }).object, VALUE), 'honoured');
  assert.equal(readRefreshAnswer(refresh({ [IMAGE]: A }).object, VALUE), 'honoured');
  assert.equal(readRefreshAnswer(refresh({ [IMAGE]: 'NotFound' }).object, VALUE), 'honoured');
  assert.equal(readRefreshAnswer(refresh({ [IMAGE]: 'Unreachable' }).object, VALUE), 'open');
  assert.equal(readRefreshAnswer(deployment({}, { annotations: { 'tagpin.dev/refresh': VALUE } }), VALUE), 'unseen');
  assert.equal(readRefreshAnswer(null, VALUE), 'open');
});

test('the warnings of the webhook say what was not refreshed', () => {
  assert.ok(!tellsOfFailure(refresh({ [IMAGE]: B }).warnings));
  assert.ok(!tellsOfFailure(refresh({ [IMAGE]: A }).warnings));
  assert.ok(tellsOfFailure(refresh({ [IMAGE]: 'NotFound' }).warnings));
  assert.ok(tellsOfFailure(refresh({ [IMAGE]: 'Unreachable' }).warnings));
  assert.ok(tellsOfFailure(refresh({ [IMAGE]: B }, `app=${A};x`).warnings));
  assert.ok(tellsOfFailure(refresh({ [IMAGE]: B }, 'other;x').warnings));
});

test('images are compared by container, with what was asked for', () => {
  const { oldObject, object } = refresh({ [IMAGE]: B });
  assert.deepEqual(compareRefreshed('Deployment', oldObject, object), [
    { container: 'app', image: `nginx@${B}`, requested: 'nginx:1', before: A, after: B },
  ]);
  const floating = deployment({ app: 'nginx:1', 'volumes/data': 'data:1' });
  assert.deepEqual(compareRefreshed('Deployment', floating, floating), [
    { container: 'app', image: 'nginx:1', requested: 'nginx:1', before: null, after: null },
    { container: 'volumes/data', image: 'data:1', requested: 'data:1', before: null, after: null },
  ]);
});
