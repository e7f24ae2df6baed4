import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestWord } from '../../../src/core/policy/nearest.ts';

const WORDS = ['acr', 'action', 'format', 'onUnresolved', 'namespaces', 'namespaceLabels', 'tags', 'ghcr.io', 'pin'];

// [what is written, what was meant]
const rows: readonly (readonly [string, string | null])[] = [
  ['acton', 'action'],
  ['aciton', 'action'],
  ['Action', 'action'],
  ['fromat', 'format'],
  ['onunresolved', 'onUnresolved'],
  ['namespace', 'namespaces'],
  ['tag', 'tags'],
  ['ghcr', 'ghcr.io'],
  ['pni', 'pin'],
  ['x', null],
  ['', null],
  ['registry', null],
  ['k'.repeat(100_000), null],
];

for (const [text, meant] of rows) {
  test(`${JSON.stringify(text.slice(0, 20))} was meant to be ${meant ?? 'nothing that is known'}`, () => {
    assert.equal(nearestWord(text, WORDS), meant);
  });
}
