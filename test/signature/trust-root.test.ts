import assert from 'node:assert/strict';
import test from 'node:test';
import { publicTrustRoot, readTrustRoot } from '../../src/signature/trust-root.ts';
import { privateSigstore } from '../support/signed-image.ts';

test('the public trust root is there without asking anybody, and knows the logs of both versions', () => {
  const { material } = publicTrustRoot();
  assert.deepEqual(
    material.tlogs.map(({ baseURL }) => baseURL),
    ['https://rekor.sigstore.dev', 'https://log2025-1.rekor.sigstore.dev'],
  );
  assert.ok(material.certificateAuthorities.length > 0 && material.ctlogs.length > 0);
  assert.ok(material.timestampAuthorities.length > 0);
  assert.equal(publicTrustRoot(), publicTrustRoot());
});

test('a private trust root is read, and told from others', () => {
  const [one, other] = [readTrustRoot(privateSigstore().root), readTrustRoot(privateSigstore().root)];
  assert.ok(one.ok && other.ok);
  assert.equal(one.root.material.tlogs[0]?.baseURL, 'https://rekor.test');
  assert.notEqual(one.root.fingerprint, other.root.fingerprint);
});

const { root } = privateSigstore();
const TEXTS: readonly (readonly [string, string, RegExp])[] = [
  ['no JSON', 'root', /no trusted_root/],
  ['null', 'null', /no trusted_root|names no authority/],
  ['something else', '{"auths":{}}', /names no authority/],
  ['a root with a key that is none', root.replace(/"rawBytes":"[^"]+"/, '"rawBytes":"AAAA"'), /no trusted_root/],
  ['too large', ' '.repeat(1024 * 1024 + 1), /larger than 1 MiB/],
];

for (const [what, text, problem] of TEXTS) {
  test(`${what} is no trust root`, () => {
    const read = readTrustRoot(text);
    assert.ok(!read.ok && problem.test(read.problem), JSON.stringify(read));
  });
}
