import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../src/core/image/reference.ts';
import { parsePolicy } from '../../../src/core/policy/schema.ts';
import { entriesFor } from '../../../src/core/signature/entries.ts';
import type { VerifyEntry } from '../../../src/core/signature/verification.ts';

const ENTRIES = [
  { name: 'acme', images: ['ghcr.io/acme/**'] },
  { name: 'app', images: ['ghcr.io/acme/app', 'docker.io/library/nginx'] },
] as unknown as readonly VerifyEntry[];

function namesFor(image: string): readonly string[] {
  const parsed = parseReference(image);
  assert.ok(parsed.ok);
  return entriesFor(ENTRIES, parsed.reference).map(({ name }) => name);
}

test('all entries that speak of an image count, however it is written', () => {
  assert.deepEqual(namesFor('ghcr.io/acme/app:1'), ['acme', 'app']);
  assert.deepEqual(namesFor('ghcr.io/acme/tools/cli'), ['acme']);
  assert.deepEqual(namesFor('nginx'), ['app']);
  assert.deepEqual(namesFor('ghcr.io/other/app'), []);
});

test('a policy without entries has none for any image', () => {
  const parsed = parsePolicy('apiVersion: tagpin.dev/v1\nkind: TagPolicy\n');
  const image = parseReference('nginx');
  assert.ok(parsed.ok && image.ok);
  assert.deepEqual(entriesFor(parsed.policy.verify, image.reference), []);
});
