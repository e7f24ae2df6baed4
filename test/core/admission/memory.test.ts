import assert from 'node:assert/strict';
import test from 'node:test';
import { admit, deployment, digest, record } from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const NGINX = 'docker.io/library/nginx:1.27';

/** A stored Deployment with this image and record, and what `kubectl apply` sends for it. */
const pinned = (pins: string, image: string) =>
  deployment({ app: image }, { annotations: { 'tagpin.dev/pins': pins } });
const applied = (image: string, pins: string) => pinned(pins, image);

const moved = record({
  'containers/app': [
    ['nginx:1.28', B],
    ['nginx:1.27', A],
  ],
});

test('memory: a reference that the container ran before means what it ran then, and says so', () => {
  const registry = { [NGINX]: C, [`docker.io/library/nginx@${A}`]: A };
  const result = admit({ object: applied('nginx:1.27', moved), oldObject: pinned(moved, `nginx@${B}`), registry });
  assert.equal(result.images['app'], `nginx@${A}`);
  assert.equal(
    result.pins,
    record({
      'containers/app': [
        ['nginx:1.27', A],
        ['nginx:1.28', B],
      ],
    }),
  );
  assert.deepEqual(result.asked, [`docker.io/library/nginx@${A}`]);
  assert.match(result.warnings[0] ?? '', /as it ran before; tagpin\.dev\/refresh asks anew/);
});

test('memory: a digest that is gone is resolved anew', () => {
  const result = admit({
    object: applied('nginx:1.27', moved),
    oldObject: pinned(moved, `nginx@${B}`),
    registry: { [NGINX]: C },
  });
  assert.equal(result.images['app'], `nginx@${C}`);
  assert.deepEqual(result.asked, [`docker.io/library/nginx@${A}`, NGINX]);
});

for (const code of ['Unreachable', 'Timeout', 'RateLimited', 'InvalidResponse', 'Unauthorized'] as const) {
  test(`memory: a check that ends in ${code} is no reason to run anything else`, () => {
    const registry = { [NGINX]: C, [`docker.io/library/nginx@${A}`]: code };
    const result = admit({ object: applied('nginx:1.27', moved), oldObject: pinned(moved, `nginx@${B}`), registry });
    assert.equal(result.images['app'], `nginx@${A}`);
  });
}

test('memory: the same reference may recur with another digest, and the newest counts', () => {
  const pins = record({
    'containers/app': [
      ['nginx:1.28', C],
      ['nginx:1.27', B],
      ['nginx:1.27', A],
    ],
  });
  const registry = { [`docker.io/library/nginx@${B}`]: B };
  const result = admit({ object: applied('nginx:1.27', pins), oldObject: pinned(pins, `nginx@${C}`), registry });
  assert.equal(result.images['app'], `nginx@${B}`);
});

test('memory: history 0 turns it off, and remembers nothing', () => {
  const policy = 'defaults: {history: 0}';
  const result = admit({
    object: applied('nginx:1.27', moved),
    oldObject: pinned(moved, `nginx@${B}`),
    registry: { [NGINX]: C },
    policy,
  });
  assert.equal(result.images['app'], `nginx@${C}`);
  assert.equal(result.pins, record({ 'containers/app': [['nginx:1.27', C]] }));
});

test("memory: today's rules judge it; one that denies denies, one that ignores leaves the tag", () => {
  const rule = (action: string) => `rules: [{name: old, match: {tags: ["1.27"]}, action: ${action}}]`;
  const object = applied('nginx:1.27', moved);
  const oldObject = pinned(moved, `nginx@${B}`);
  assert.equal(admit({ object, oldObject, policy: rule('deny') }).allowed, false);
  assert.equal(admit({ object, oldObject, policy: rule('ignore') }).images['app'], 'nginx:1.27');
});

test('memory: a container without a memory of its own follows one that has it, so that one reference has one digest', () => {
  const object = deployment({ app: 'nginx:1.27', aside: 'nginx:1.27' });
  const registry = { [NGINX]: C, [`docker.io/library/nginx@${A}`]: A };
  const result = admit({ object, oldObject: pinned(moved, `nginx@${B}`), registry });
  assert.deepEqual(result.images, { app: `nginx@${A}`, aside: `nginx@${A}` });
});
