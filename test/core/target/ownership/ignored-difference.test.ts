import assert from 'node:assert/strict';
import test from 'node:test';
import { coversPointer } from '../../../../src/core/target/ownership/ignored-difference.ts';

const PARAMETERS = ['spec', 'source', 'helm', 'parameters'];
const SECOND = ['spec', 'sources', '1', 'helm', 'parameters'];

// [the pointer or expression, the path, does it reach there]
const rows: readonly (readonly [string, readonly string[], boolean])[] = [
  ['/spec/source/helm/parameters', PARAMETERS, true],
  ['/spec/source/helm', PARAMETERS, true],
  ['/spec/source', PARAMETERS, true],
  ['/spec/source/helm/parameters/0/value', PARAMETERS, true],
  ['/spec/source/targetRevision', PARAMETERS, false],
  ['/spec/sources', SECOND, true],
  ['/spec/sources/1/helm/parameters', SECOND, true],
  ['/spec/sources/0/helm/parameters', SECOND, false],
  ['/spec/syncPolicy', PARAMETERS, false],
  ['', PARAMETERS, false],
  ['spec/source', PARAMETERS, false],
  ['.spec.source.helm.parameters', PARAMETERS, true],
  ['.spec.source.helm.parameters[]?', PARAMETERS, true],
  ['.spec.source.helm.parameters[] | select(.name == "image.tag")', PARAMETERS, true],
  ['.spec.source.helm.parameters[] | select(.name == "image.tag").value', PARAMETERS, true],
  ['.spec.source.helm.values', PARAMETERS, false],
  ['.spec["source"].helm', PARAMETERS, true],
  ['.spec.sources[].helm.parameters', SECOND, true],
  ['.spec.sources[1].helm.parameters', SECOND, true],
  ['.spec.sources[0].helm.parameters', SECOND, false],
  ['.spec.sources[] | select(.repoURL == "https://git.example.com/org/repo1").targetRevision', SECOND, false],
  ['.spec.sources[] | select(.repoURL | contains("x")).helm.parameters', SECOND, true],
  ['.spec.sources[] | select(.ref == "a") | .helm', SECOND, true],
  ['.spec.sources[] | .helm', SECOND, true],
  ['.spec.source | del(.helm)', PARAMETERS, false],
  ['', SECOND, false],
];

for (const [text, path, expected] of rows) {
  test(`${text || 'nothing'} ${expected ? 'reaches' : 'does not reach'} ${path.join('.')}`, () => {
    const entry =
      text.startsWith('/') || text === 'spec/source' ? { jsonPointers: [text] } : { jqPathExpressions: [text] };
    assert.equal(coversPointer(entry, path), expected);
  });
}

test('an entry without either reaches nothing', () => assert.equal(coversPointer({}, PARAMETERS), false));
