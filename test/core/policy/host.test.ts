import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileHostGlob, type ParsedHost, parseHost, parseHostGlob } from '../../../src/core/policy/host.ts';

function hostOf(parsed: ParsedHost): string | null {
  return parsed.ok ? parsed.host : null;
}

// [what is written, canonical form]; null is no host
const hosts: readonly (readonly [string, string | null])[] = [
  ['ghcr.io', 'ghcr.io'],
  ['GHCR.io:443', 'ghcr.io'],
  ['docker.io', 'docker.io'],
  ['index.docker.io', 'docker.io'],
  ['Index.Docker.io:0443', 'docker.io'],
  ['registry-1.docker.io', 'registry-1.docker.io'],
  ['auth', 'auth'],
  ['auth:5000', 'auth:5000'],
  ['localhost', 'localhost'],
  ['10.0.0.1:5000', '10.0.0.1:5000'],
  ['[::1]', '[::1]'],
  ['[2001:DB8::1]:5000', '[2001:db8::1]:5000'],
  ['', null],
  ['::1', null],
  ['[::1', null],
  ['ghcr.io:', null],
  ['ghcr.io:70000', null],
  ['ghcr.io:x', null],
  ['ghcr.io.', null],
  ['ghcr..io', null],
  ['-a.io', null],
  ['a b', null],
  ['user@ghcr.io', null],
  ['*.ghcr.io', null],
];

for (const [text, host] of hosts) {
  test(`${JSON.stringify(text)} is ${host === null ? 'no host' : `the host ${host}`}`, () => {
    assert.equal(hostOf(parseHost(text)), host);
  });
}

test('a scheme and a path are named', () => {
  assert.match(JSON.stringify(parseHost('https://ghcr.io')), /has a scheme/);
  assert.match(JSON.stringify(parseHost('ghcr.io/acme')), /has a path/);
});

// [glob, canonical form]; null is no glob
const globs: readonly (readonly [string, string | null])[] = [
  ['*.DKR.ecr.*.amazonaws.com', '*.dkr.ecr.*.amazonaws.com'],
  ['*.corp:443', '*.corp'],
  ['*.corp:05000', '*.corp:5000'],
  ['index.docker.io', 'docker.io'],
  ['*', '*'],
  ['10.0.*.*', '10.0.*.*'],
  ['**', null],
  ['**.corp', null],
  ['*.corp:*', null],
  ['*..corp', null],
  ['*.corp/x', null],
  ['https://*.corp', null],
  ['[*]', null],
];

for (const [text, glob] of globs) {
  test(`${JSON.stringify(text)} is ${glob === null ? 'no glob of hosts' : `the glob ${glob}`}`, () => {
    assert.equal(hostOf(parseHostGlob(text)), glob);
  });
}

// [glob, registry, does it match?]
const matches: readonly (readonly [string, string, boolean])[] = [
  ['ghcr.io', 'ghcr.io', true],
  ['ghcr.io', 'ghcr.io:5000', false],
  ['ghcr.io', 'ghcr.io.evil.com', false],
  ['*.io', 'ghcr.io', true],
  ['*.io', 'a.ghcr.io', false],
  ['*.io', 'ghcr.io:5000', false],
  ['*.corp:5000', 'r.corp:5000', true],
  ['*.corp:5000', 'r.corp', false],
  ['*.corp:5000', 'r.corp:50000', false],
  ['*.dkr.ecr.*.amazonaws.com', '123.dkr.ecr.eu-west-1.amazonaws.com', true],
  ['*.dkr.ecr.*.amazonaws.com', '123.dkr.ecr.eu-west-1.evil.amazonaws.com', false],
  ['*.dkr.ecr.*.amazonaws.com', '123.dkr.ecr.eu-west-1.amazonaws.com.evil', false],
  ['re*.corp', 'registry.corp', true],
  ['re*.corp', 'r.corp', false],
  ['*', 'localhost', true],
  ['*', 'ghcr.io', false],
  ['[::1]:5000', '[::1]:5000', true],
  ['[::1]', '[::1]:5000', false],
];

for (const [glob, registry, expected] of matches) {
  test(`${glob} ${expected ? 'matches' : 'does not match'} ${registry}`, () => {
    assert.equal(compileHostGlob(glob)(registry), expected);
  });
}
