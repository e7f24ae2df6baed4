import assert from 'node:assert/strict';
import test from 'node:test';
import { digestAlgorithm, parseDigest, shortDigest } from '../../../src/core/image/digest.ts';

const hex = (length: number) => 'a1'.repeat(length / 2);

for (const [algorithm, length] of [
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
] as const) {
  test(`${algorithm} with ${length} digits is a digest`, () => {
    const digest = parseDigest(`${algorithm}:${hex(length)}`) ?? assert.fail();
    assert.equal(digestAlgorithm(digest), algorithm);
    assert.equal(shortDigest(digest), `${algorithm}:a1a1a1a1a1a1`);
  });
}

const bad = [
  '',
  'sha256',
  'sha256:',
  hex(64),
  `sha256:${hex(62)}`,
  `sha256:${hex(66)}`,
  `sha256:${hex(64).toUpperCase()}`,
  `SHA256:${hex(64)}`,
  `sha256:${hex(62)}zz`,
  `sha512:${hex(64)}`,
  `md5:${hex(32)}`,
  `__proto__:${hex(64)}`,
  `sha256:../../${hex(58)}`,
  `sha256:${hex(64)}\n`,
  ` sha256:${hex(64)}`,
];

for (const text of bad) {
  test(`${JSON.stringify(text.slice(0, 40))} is no digest`, () => assert.equal(parseDigest(text), null));
}
