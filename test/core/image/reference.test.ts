import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseDigest } from '../../../src/core/image/digest.ts';
import {
  byDigest,
  byTag,
  canonicalText,
  effectiveTag,
  type ImageReference,
  parseReference,
  pinnedText,
  withTag,
} from '../../../src/core/image/reference.ts';

const A = 'a'.repeat(64);
const DIGEST = parseDigest(`sha256:${A}`) ?? assert.fail();

function parsed(text: string): ImageReference {
  const result = parseReference(text);
  assert.ok(result.ok, `${text}: ${result.ok ? '' : result.problem}`);
  return result.reference;
}

// [what is written, canonical form]
const good: readonly (readonly [string, string])[] = [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['acme/app', 'docker.io/acme/app:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['index.docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['Docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['docker.io:443/library/nginx', 'docker.io/library/nginx:latest'],
  ['docker.io:443/nginx', 'docker.io/library/nginx:latest'],
  ['registry-1.docker.io/library/nginx', 'registry-1.docker.io/library/nginx:latest'],
  ['GHCR.io/acme/app:V1', 'ghcr.io/acme/app:V1'],
  ['UPPER/foo', 'upper/foo:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000', 'docker.io/library/localhost:5000'],
  ['localhost:5000/app:1', 'localhost:5000/app:1'],
  ['registry:05000/app', 'registry:5000/app:latest'],
  ['ghcr.io:443/acme/app', 'ghcr.io/acme/app:latest'],
  ['ghcr.io:0443/acme/app', 'ghcr.io/acme/app:latest'],
  ['[::1]:5000/a/b:c', '[::1]:5000/a/b:c'],
  ['[2001:DB8::1]/a', '[2001:db8::1]/a:latest'],
  ['10.0.0.1/a', '10.0.0.1/a:latest'],
  ['a--b/c__d/e.f', 'docker.io/a--b/c__d/e.f:latest'],
  [`nginx@sha256:${A}`, `docker.io/library/nginx@sha256:${A}`],
  [`nginx:1@sha256:${A}`, `docker.io/library/nginx:1@sha256:${A}`],
  [`x/y@sha512:${A}${A}`, `docker.io/x/y@sha512:${A}${A}`],
  // Runtimes take it too: refusing to read it would let it past the rules that judge repositories.
  [`x/y@sha384:${'a'.repeat(96)}`, `docker.io/x/y@sha384:${'a'.repeat(96)}`],
  [`${A}:tag`, `docker.io/library/${A}:tag`],
  [`${A}/x`, `docker.io/${A}/x:latest`],
  [`nginx:${'t'.repeat(128)}`, `docker.io/library/nginx:${'t'.repeat(128)}`],
  [`h.io/${'r'.repeat(255)}`, `h.io/${'r'.repeat(255)}:latest`],
];

for (const [text, canonical] of good) {
  test(`${text.slice(0, 60)} means ${canonical.slice(0, 60)}`, () => {
    assert.equal(canonicalText(parsed(text)), canonical);
    assert.equal(parsed(text).text, text);
  });
}

// [what is written, part of the problem]
const bad: readonly (readonly [string, string])[] = [
  ['', 'empty'],
  [' nginx', 'white space'],
  ['nginx\n', 'white space'],
  [A, 'image ID'],
  ['nginx:', 'tag'],
  ['nginx:-x', 'tag'],
  [`nginx:${'t'.repeat(129)}`, 'tag'],
  ['nginx:a:b', 'tag'],
  ['nginx@', 'digest'],
  ['nginx@sha256:abc', 'digest'],
  [`nginx@sha256:${'A'.repeat(64)}`, 'digest'],
  [`nginx@sha256:${A}/../x`, 'digest'],
  [`nginx@sha1:${'a'.repeat(40)}`, 'digest'],
  [`nginx@md5:${'a'.repeat(32)}`, 'digest'],
  ['foo/BAR', 'upper-case'],
  ['NGINX', 'upper-case'],
  ['foo..bar', 'repository'],
  ['foo//bar', 'repository'],
  ['a___b', 'repository'],
  ['-a', 'repository'],
  ['a/../b', 'repository'],
  ['a/%2e%2e/b', 'repository'],
  ['ünïcode', 'repository'],
  ['ghcr.io./x/y', 'host'],
  ['foo..bar.io/x', 'host'],
  ['user@host/x', 'digest'],
  ['https://ghcr.io/x', 'host'],
  ['::1/x', 'host'],
  ['[::ffff:1.2.3.4]/x', 'host'],
  ['[fe80::1%eth0]/x', 'host'],
  ['h.io:65536/x', 'host'],
  [`h.io/${'r'.repeat(256)}`, 'longer'],
  [`${'h'.repeat(300)}.io/x`, 'host'],
  ['ghcr.io/', 'repository'],
];

for (const [text, problem] of bad) {
  test(`${JSON.stringify(text.slice(0, 60))} is refused: ${problem}`, () => {
    const result = parseReference(text);
    assert.ok(!result.ok);
    assert.match(result.problem, new RegExp(problem));
  });
}

test('a pinned image keeps the spelling of the user', () => {
  assert.equal(pinnedText(parsed('nginx:1.27'), DIGEST, 'digest'), `nginx@${DIGEST}`);
  assert.equal(pinnedText(parsed('Docker.io/nginx'), DIGEST, 'digest'), `Docker.io/nginx@${DIGEST}`);
  assert.equal(pinnedText(parsed('nginx:1.27'), DIGEST, 'tag+digest'), `nginx:1.27@${DIGEST}`);
  assert.equal(pinnedText(parsed('nginx'), DIGEST, 'tag+digest'), `nginx:latest@${DIGEST}`);
});

test('a reference can be asked by its digest and by its tag', () => {
  const both = parsed(`r.io/a:1@${DIGEST}`);
  assert.equal(byTag(both)?.text, 'r.io/a:1');
  assert.equal(byTag(parsed(`r.io/a@${DIGEST}`)), null);
  assert.equal(byDigest(parsed('r.io/a:1'), DIGEST).text, `r.io/a@${DIGEST}`);
  assert.equal(effectiveTag(parsed(`r.io/a@${DIGEST}`)), null);
});

test('a canonical form is its own canonical form, and no text throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[a-zA-Z0-9./:@_[\]-]{1,40}$/)),
      (text) => {
        const result = parseReference(text);
        if (!result.ok) return;
        const canonical = canonicalText(result.reference);
        assert.equal(canonicalText(parsed(canonical)), canonical);
      },
    ),
    { seed: 1, numRuns: 2000 },
  );
});

test('a repository under a tag keeps its spelling', () => {
  const tagged = withTag(parsed('nginx@sha256:' + 'a'.repeat(64)), '1.27');
  assert.deepEqual([tagged.text, canonicalText(tagged)], ['nginx:1.27', 'docker.io/library/nginx:1.27']);
});
