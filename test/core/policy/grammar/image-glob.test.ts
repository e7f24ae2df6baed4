import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseImageGlob } from '../../../../src/core/policy/grammar/image-glob.ts';

// [what is written, the canonical glob]
const good: readonly (readonly [string, string])[] = [
  ['ghcr.io/acme/**', 'ghcr.io/acme/**'],
  ['GHCR.io/acme/*', 'ghcr.io/acme/*'],
  ['ghcr.io:443/acme/*', 'ghcr.io/acme/*'],
  ['index.docker.io/acme/*', 'docker.io/acme/*'],
  ['docker.io/library/nginx', 'docker.io/library/nginx'],
  ['docker.io/nginx', 'docker.io/library/nginx'],
  ['docker.io/**', 'docker.io/**'],
  ['docker.io/*', 'docker.io/library/*'],
  ['localhost/a', 'localhost/a'],
  ['registry:5000/**', 'registry:5000/**'],
  ['[::1]:5000/**', '[::1]:5000/**'],
  ['*.dkr.ecr.*.amazonaws.com/**', '*.dkr.ecr.*.amazonaws.com/**'],
  ['*.GCR.io:443/a', '*.gcr.io/a'],
  ['**', '**'],
  ['**/nginx', '**/nginx'],
  ['ghcr.io/**', 'ghcr.io/**'],
  ['ghcr.io**', 'ghcr.io**'],
];

for (const [text, glob] of good) {
  test(`${text} means ${glob}`, () => {
    assert.deepEqual(parseImageGlob(text), { ok: true, glob });
  });
}

// [what is written, part of the problem]
const bad: readonly (readonly [string, RegExp])[] = [
  ['', /empty/],
  ['nginx', /write "docker\.io\/library\/nginx"/],
  ['*', /write "\*\*"/],
  ['acme/*', /"acme" is no registry; for Docker Hub write "docker\.io\/acme\/\*"/],
  ['library/nginx', /write "docker\.io\/library\/nginx"/],
  ['ghcr.io/acme/app:1.2', /names a tag or a digest/],
  ['nginx:1.27', /names a tag or a digest/],
  ['ghcr.io/acme/*:latest', /names a tag or a digest/],
  ['ghcr.io/a@sha256:abc', /names a tag or a digest/],
  ['ghcr.io/Acme/*', /lower case/],
  ['ghcr.io/', /no registry\/repository/],
  ['ghcr.io//a', /no registry\/repository/],
  ['ghcr.io/a/', /no registry\/repository/],
  ['ghcr..io/a', /no registry/],
  ['ghcr.io:70000/a', /no registry/],
  ['https://ghcr.io/a', /matches no image/],
  ['ghcr.io/***', /not a glob/],
  ['ghcr.io/{a,b}', /the wildcards are/],
  ['ghcr.io/a?', /the wildcards are/],
  ['ghcr.io/ a', /the wildcards are/],
  ['ghcr.io/[ab]', /no registry\/repository/],
];

for (const [text, problem] of bad) {
  test(`${JSON.stringify(text)} is refused`, () => {
    const parsed = parseImageGlob(text);
    assert.ok(!parsed.ok, JSON.stringify(parsed));
    assert.match(parsed.problem, problem);
  });
}
