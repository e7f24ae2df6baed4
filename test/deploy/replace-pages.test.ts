import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { assertWellKept, readPage } from '../support/page.ts';

const PAGES = readdirSync(join(import.meta.dirname, '../../deploy')).filter((name) => /^replace-.*\.md$/.test(name));

test('gitops.md lists every page about what tagpin takes the place of', () => {
  const { text } = readPage('gitops.md');
  assert.ok(PAGES.length >= 3);
  for (const name of PAGES) assert.ok(text.includes(`](${name})`), name);
});

for (const name of PAGES) {
  test(`${name} is short, and its links lead somewhere`, () => assertWellKept(readPage(name)));
}
