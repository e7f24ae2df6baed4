import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { comparePrereleases, compareVersions, parseVersion, type Version } from '../../../src/core/version/version.ts';
import { ASCENDING, EQUAL, OTHER_VERSIONS, REFUSED_VERSIONS, VERSIONS } from '../../cases/masterminds.ts';

function version(text: string): Version {
  return parseVersion(text) ?? assert.fail(`${text} is a version`);
}

for (const text of [...VERSIONS, ...OTHER_VERSIONS]) {
  test(`${text} is a version`, () => {
    assert.equal(version(text).text, text);
  });
}

for (const text of [...REFUSED_VERSIONS, '1'.repeat(257)]) {
  test(`${JSON.stringify(text.slice(0, 40))} is no version`, () => {
    assert.equal(parseVersion(text), null);
  });
}

test('a version has its numbers and its pre-release', () => {
  assert.deepEqual(version('v01.2-rc.1+b'), {
    text: 'v01.2-rc.1+b',
    major: 1n,
    minor: 2n,
    patch: 0n,
    prerelease: ['rc', '1'],
  });
});

for (const [index, text] of ASCENDING.entries()) {
  const next = ASCENDING[index + 1];
  if (next === undefined) continue;
  test(`${text} comes before ${next}`, () => {
    assert.equal(compareVersions(version(text), version(next)), -1);
    assert.equal(compareVersions(version(next), version(text)), 1);
  });
}

for (const [a, b] of EQUAL) {
  test(`${a} and ${b} are equal in precedence`, () => {
    assert.equal(compareVersions(version(a), version(b)), 0);
  });
}

test('a release comes after every pre-release', () => {
  assert.equal(comparePrereleases([], ['rc']), 1);
  assert.equal(comparePrereleases(['rc'], []), -1);
  assert.equal(comparePrereleases([], []), 0);
});

test('the order is total: sorting in any way gives one result', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...ASCENDING]), (texts) => {
      const sorted = texts.map(version).toSorted(compareVersions);
      const expected = ASCENDING.filter((text) => texts.includes(text));
      assert.deepEqual(
        sorted.map(({ text }) => text),
        expected,
      );
    }),
    { seed: 1, numRuns: 200 },
  );
});
