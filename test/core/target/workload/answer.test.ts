import assert from 'node:assert/strict';
import test from 'node:test';
import { readStoredImage } from '../../../../src/core/target/workload/answer.ts';
import { digestOf } from '../../../support/planned-target.ts';
import { readTarget, type WantedPlan, workloadObject } from '../../../support/planned-workload.ts';

const [A, B] = [digestOf('a'), digestOf('b')];
const API = 'ghcr.io/acme/api:main';

/** What came of the first image of a workload, where this was stored. */
function answer(wanted: WantedPlan, stored: WantedPlan, refresh: string | null = null): string {
  const [image] = readTarget(workloadObject(wanted)).images;
  assert.ok(image !== undefined);
  const planned = { image, value: { tag: 'main', digest: B }, isAgain: false, at: 0, count: 1 };
  const result = readStoredImage('Deployment', workloadObject({ ...wanted, ...stored }), planned, refresh);
  return result.kind === 'other' ? `other ${result.found}` : result.kind;
}

test('a refresh is unseen while it stands there, and else what the image says counts', () => {
  const refreshed = { containers: { api: `ghcr.io/acme/api@${B}` } };
  assert.equal(answer({}, { annotations: { 'tagpin.dev/refresh': 'x' } }, 'x'), 'unseen');
  assert.equal(answer({}, refreshed, 'x'), 'written');
  assert.equal(answer({}, { ...refreshed, annotations: { 'tagpin.dev/refresh': 'y' } }, 'x'), 'written');
  assert.equal(answer({}, { containers: { api: `ghcr.io/acme/api@${A}` } }, 'x'), `other ghcr.io/acme/api@${A}`);
  assert.equal(answer({}, {}, 'x'), `other ${API}`);
});

test('an image, a variable and a restart are what is stored of them', () => {
  const image = { follow: [{ container: 'api', image: API, action: 'set-image' }] };
  assert.equal(answer(image, { containers: { api: `ghcr.io/acme/api@${B}` } }), 'written');
  assert.equal(answer(image, {}), `other ${API}`);
  const variable = { follow: [{ container: 'api', image: API, action: 'set-env', env: 'D' }] };
  const set = (value: string) => ({ containers: { api: { image: API, env: [{ name: 'D', value }] } } });
  assert.equal(answer(variable, set(B)), 'written');
  assert.equal(answer(variable, set(A)), `other ${A}`);
  assert.equal(answer(variable, {}), 'other ');
  const containers = { api: { image: API, imagePullPolicy: 'Always' } };
  const restart = { containers, follow: [{ container: 'api', action: 'restart' }] };
  const annotations = { 'kubectl.kubernetes.io/restartedAt': '1970-01-01T00:00:00.000Z' };
  const spec = { containers: [{ name: 'api', ...containers.api }] };
  assert.equal(answer(restart, { template: { metadata: { annotations }, spec } }), 'written');
  assert.equal(answer(restart, {}), 'other ');
});
