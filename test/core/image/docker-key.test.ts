import assert from 'node:assert/strict';
import test from 'node:test';
import { coversRepository, parseDockerKey } from '../../../src/core/image/docker-key.ts';
import { parseReference } from '../../../src/core/image/reference.ts';

function covers(key: string, image: string): boolean {
  const parsed = parseDockerKey(key);
  const reference = parseReference(image);
  assert.ok(parsed.ok, key);
  assert.ok(reference.ok, image);
  return coversRepository(parsed.key, reference.reference.registry, reference.reference.repository);
}

const KEYS: Readonly<Record<string, { readonly covers: readonly string[]; readonly not: readonly string[] }>> = {
  'https://index.docker.io/v1/': {
    covers: ['nginx', 'library/nginx:1', 'docker.io/team/app', 'index.docker.io/team/app'],
    not: ['ghcr.io/library/nginx', 'registry-1.docker.io/library/nginx'],
  },
  'docker.io': { covers: ['nginx'], not: ['docker.io.evil.com/nginx', 'docker.io:8443/nginx'] },
  'docker.io/team': { covers: ['team/app'], not: ['nginx'] },
  'ghcr.io': {
    covers: ['ghcr.io/a/b', 'GHCR.io/a/b', 'ghcr.io:443/a'],
    not: ['ghcr.io.evil.com/a', 'ghcr.io:5000/a', 'evil.com/ghcr.io', 'xghcr.io/a', 'sub.ghcr.io/a', 'ghcr/a'],
  },
  'https://ghcr.io': { covers: ['ghcr.io/a'], not: ['ghcr.com/a'] },
  'http://registry.internal:5000': { covers: ['registry.internal:5000/a'], not: ['registry.internal/a'] },
  'https://ghcr.io/v2/': { covers: ['ghcr.io/a'], not: ['docker.io/a'] },
  'GHCR.IO:443/': { covers: ['ghcr.io/a'], not: ['ghcr.io:444/a'] },
  // A beginning of the path, though not at a slash: so the kubelet has it, and the host is the same anyway.
  'ghcr.io/acme': { covers: ['ghcr.io/acme/app', 'ghcr.io/acme', 'ghcr.io/acme-two/app'], not: ['ghcr.io/other/acme'] },
  'ghcr.io/acme/': { covers: ['ghcr.io/acme/app'], not: ['ghcr.io/acme-two/app', 'ghcr.io/acme'] },
  '*.example.com': {
    covers: ['a.example.com/x', 'b.example.com/x/y'],
    not: ['example.com/x', 'a.b.example.com/x', 'a.example.com.evil.com/x', 'a.example.com:5000/x', 'aexample.com/x'],
  },
  '*.example.com:5000/team': { covers: ['a.example.com:5000/team/x'], not: ['a.example.com/team/x'] },
  'prod-*.*.example.com': {
    covers: ['prod-1.eu.example.com/x'],
    not: ['prod-1.example.com/x', 'dev.eu.example.com/x'],
  },
  '*.dkr.ecr.*.amazonaws.com': {
    covers: ['123456789012.dkr.ecr.eu-west-1.amazonaws.com/x'],
    not: ['123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn/x'],
  },
  '*.team.co.uk': { covers: ['a.team.co.uk/x'], not: ['a.other.co.uk/x'] },
  'localhost:5000': { covers: ['localhost:5000/x'], not: ['127.0.0.1:5000/x'] },
  '[::1]:5000': { covers: ['[::1]:5000/x'], not: ['[::1]/x'] },
  '10.0.0.1': { covers: ['10.0.0.1/x'], not: ['10.0.0.12/x'] },
};

for (const [key, expected] of Object.entries(KEYS)) {
  test(`the key ${key} covers what it names and nothing else`, () => {
    for (const image of expected.covers) assert.ok(covers(key, image), image);
    for (const image of expected.not) assert.ok(!covers(key, image), image);
  });
}

const WIDE = [
  '*',
  '*.com',
  '*.*',
  '*:5000',
  '*.io/team',
  'ghcr.*',
  'a.*.com',
  'a.*',
  '*.co.uk',
  '*.com.au',
  'a.*.co.uk',
  '10.0.0.*',
];

for (const key of WIDE) {
  test(`the key ${key} is refused, since it covers the hosts of others`, () => {
    const parsed = parseDockerKey(key);
    assert.deepEqual(parsed, { ok: false, problem: 'has a wildcard that covers the hosts of others' });
  });
}

for (const key of [
  '',
  '/',
  'https://',
  'user:secret@host',
  'https://user@host/x',
  'a b',
  'ftp://host',
  'host?x',
  'a..b',
  'host:99999',
  '**.example.com',
]) {
  test(`the key ${JSON.stringify(key)} is none`, () => {
    assert.deepEqual(parseDockerKey(key), { ok: false, problem: 'is not a host with an optional port and path' });
  });
}
