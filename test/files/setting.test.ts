import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../src/core/image/reference.ts';
import { parseSetting, replacementOf } from '../../src/files/setting.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

// [setting, image that stands there, what comes in its place]
const good: readonly (readonly [string, string, string])[] = [
  ['nginx=1.27', 'nginx:1.26', 'nginx:1.27'],
  ['nginx=1.27', `docker.io/library/nginx:1.26@${DIGEST}`, 'docker.io/library/nginx:1.27'],
  [`nginx=${DIGEST}`, 'nginx:1.26', `nginx@${DIGEST}`],
  [`nginx=1.27@${DIGEST}`, 'nginx', `nginx:1.27@${DIGEST}`],
  ['nginx=nginx:1.27', 'docker.io/nginx:1.26', 'docker.io/nginx:1.27'],
  [`nginx=nginx@${DIGEST}`, 'nginx:1.26', `nginx@${DIGEST}`],
  ['nginx=docker.io/library/nginx', 'nginx:1.26', 'nginx'],
  ['nginx=nginx', 'nginx:1.26', 'nginx'],
  ['nginx=mainline', 'nginx:1.26', 'nginx:mainline'],
  ['nginx=quay.io/acme/nginx:1.27', 'nginx:1.26', 'quay.io/acme/nginx:1.27'],
  ['localhost:5000/a=2', 'localhost:5000/a:1', 'localhost:5000/a:2'],
];

for (const [setting, image, expected] of good) {
  test(`${setting} makes ${image} to ${expected}`, () => {
    const [parsed, current] = [parseSetting(setting), parseReference(image)];
    assert.ok(parsed.ok && current.ok);
    assert.equal(replacementOf(current.reference, parsed.setting.wanted), expected);
  });
}

test('a path of Helm values may have an equals sign, a reference has none', () => {
  const parsed = parseSetting('a=b.tag=1.10');
  assert.ok(parsed.ok);
  assert.deepEqual([parsed.setting.name, parsed.setting.value], ['a=b.tag', '1.10']);
});

for (const text of [
  'nginx',
  'nginx=',
  '=1.27',
  'nginx=1.27 ',
  'nginx=x\n  evil: 1',
  'nginx=acme/UPPER:1',
  'nginx=1.27@sha256:0a',
  'nginx=-x',
  'nginx=:1.27',
]) {
  test(`${JSON.stringify(text)} is no setting`, () => {
    assert.ok(!parseSetting(text).ok);
  });
}
