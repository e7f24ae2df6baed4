import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTrackedImage } from '../../../src/core/target/tracked-image.ts';

const ROWS: readonly (readonly [string, string, string | null])[] = [
  ['nginx', 'docker.io/library/nginx', null],
  ['nginx:', 'docker.io/library/nginx', null],
  ['nginx:1.27', 'docker.io/library/nginx', '1.27'],
  ['nginx:^1.2', 'docker.io/library/nginx', '^1.2'],
  ['ghcr.io/acme/app:>=1.0.0 <2', 'ghcr.io/acme/app', '>=1.0.0 <2'],
  ['localhost:5000/app', 'localhost:5000/app', null],
  ['localhost:5000/app:main', 'localhost:5000/app', 'main'],
  ['[::1]:5000/app:~1', '[::1]:5000/app', '~1'],
];

for (const [text, repository, constraint] of ROWS) {
  test(`${text} follows ${constraint ?? 'anything'} of ${repository}`, () => {
    const parsed = parseTrackedImage(text);
    assert.ok(parsed.ok);
    const { image } = parsed;
    assert.equal(`${image.repository.registry}/${image.repository.repository}`, repository);
    assert.equal(image.constraint, constraint);
    assert.equal(image.repository.tag, null);
  });
}

test('what is no image is told', () => {
  for (const [text, problem] of [
    ['', /is empty/],
    ['a//b:1', /./],
    [`nginx@sha256:${'0'.repeat(64)}`, /a digest is not followed/],
    ['a b:1', /./],
  ] as const) {
    const parsed = parseTrackedImage(text);
    assert.ok(!parsed.ok, text);
    assert.match(parsed.problem, problem);
  }
});
