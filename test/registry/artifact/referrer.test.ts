import assert from 'node:assert/strict';
import test from 'node:test';
import { parseArtifact, parseReferrers } from '../../../src/registry/artifact/referrer.ts';
import { digestOf } from '../../support/manifests.ts';

const DIGEST = digestOf('x');
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const INDEXES: readonly (readonly [string, Buffer, unknown])[] = [
  ['no JSON', Buffer.from('<html>'), null],
  ['null', json(null), null],
  ['without a list', json({ schemaVersion: 2 }), null],
  ['with a list that is none', json({ manifests: {} }), null],
  ['with null, as Go writes it', json({ manifests: null }), []],
  ['with nothing', json({ manifests: [] }), []],
  ['with what is no descriptor', json({ manifests: [null, 7, [], {}, { digest: 'sha256:short' }, { digest: 7 }] }), []],
  [
    'with a bare digest',
    json({ manifests: [{ digest: DIGEST }] }),
    [{ digest: DIGEST, artifactType: null, annotations: {} }],
  ],
  [
    'with everything',
    json({ manifests: [{ digest: DIGEST, artifactType: 'a/b', annotations: { key: 'value', number: 7 }, size: 1 }] }),
    [{ digest: DIGEST, artifactType: 'a/b', annotations: { key: 'value' } }],
  ],
  [
    'with long annotations',
    json({
      manifests: [{ digest: DIGEST, annotations: { long: 'x'.repeat(257), ['k'.repeat(257)]: 'x', short: 'x' } }],
    }),
    [{ digest: DIGEST, artifactType: null, annotations: { short: 'x' } }],
  ],
];

test('of many annotations of a referrer ten are kept', () => {
  const annotations = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`key-${index}`, 'x']));
  const [one] = parseReferrers(json({ manifests: [{ digest: DIGEST, annotations }] })) ?? [];
  assert.equal(Object.keys(one?.annotations ?? {}).length, 10);
});

for (const [what, body, expected] of INDEXES) {
  test(`an index ${what} is read as it is`, () => {
    assert.deepEqual(parseReferrers(body), expected);
  });
}

const LAYER = { digest: DIGEST, mediaType: 'a/b' };
const READ = { ...LAYER, size: null, annotations: {} };

const MANIFESTS: readonly (readonly [string, Buffer, unknown])[] = [
  ['no JSON', Buffer.from('manifest'), null],
  ['without layers', json({ schemaVersion: 2 }), null],
  ['that could be an index too', json({ layers: [], manifests: [] }), null],
  ['with no layer', json({ layers: [] }), { artifactType: null, layers: [], isCut: false }],
  [
    'with its own type',
    json({ artifactType: 'c/d', config: { mediaType: 'e/f' }, layers: [LAYER] }),
    { artifactType: 'c/d', layers: [READ], isCut: false },
  ],
  [
    'with a configuration',
    json({ artifactType: '', config: { mediaType: 'e/f' }, layers: [] }),
    { artifactType: 'e/f', layers: [], isCut: false },
  ],
  [
    'with what is no layer',
    json({ layers: [null, 'x', { digest: DIGEST }, { mediaType: 'a/b' }] }),
    { artifactType: null, layers: [], isCut: false },
  ],
  [
    'with a size and annotations',
    json({ layers: [{ ...LAYER, size: 9, annotations: { k: 'v', n: null } }] }),
    { artifactType: null, layers: [{ ...LAYER, size: 9, annotations: { k: 'v' } }], isCut: false },
  ],
];

for (const [what, body, expected] of MANIFESTS) {
  test(`a manifest ${what} is read as it is`, () => {
    assert.deepEqual(parseArtifact(body), expected);
  });
}

test('of many layers fifty are read, and it is said that there are more', () => {
  const artifact = parseArtifact(json({ layers: Array.from({ length: 60 }, () => LAYER) }));
  assert.deepEqual([artifact?.layers.length, artifact?.isCut], [50, true]);
});
