import assert from 'node:assert/strict';
import test from 'node:test';
import type { AdmissionRecord, ImageRecord } from '../../src/core/admission/record.ts';
import { createAuditLog } from '../../src/webhook/audit-log.ts';
import { digest } from '../support/admission.ts';

const image: ImageRecord = {
  container: 'containers/app',
  ref: 'nginx:1.27',
  digest: digest('a'),
  outcome: 'pinned',
  source: 'registry',
  rule: null,
};

const record: AdmissionRecord = {
  uid: 'u',
  user: 'alice',
  operation: 'CREATE',
  namespace: 'shop',
  kind: 'Deployment',
  name: 'web',
  decision: 'patched',
  images: [image],
};

function lineOf(given: AdmissionRecord, callers: 'verified' | 'claimed' = 'claimed') {
  const lines: [string, Readonly<Record<string, unknown>>][] = [];
  createAuditLog(callers, (message, facts) => lines.push([message, facts]))(given, 0.0012345);
  assert.equal(lines.length, 1);
  const [[message, facts] = assert.fail()] = lines;
  return { message, facts, images: facts['images'] as ImageRecord[] };
}

test('a decision is one line with the names of the design, and the time in milliseconds', () => {
  const { message, facts } = lineOf(record);
  assert.equal(message, 'admission');
  assert.deepEqual(facts, { ...record, ms: 1.235, caller: 'claimed' });
});

test('callers that showed a certificate are told from those that claim to be somebody', () => {
  assert.equal(lineOf(record, 'verified').facts['caller'], 'verified');
});

test('an object with very many images makes a line of bounded length that says so', () => {
  const { facts, images } = lineOf({ ...record, images: Array.from({ length: 5000 }, () => image) });
  assert.equal(images.length, 100);
  assert.equal(facts['omitted'], 4900);
});

const REFERENCES: readonly (readonly [string, string])[] = [
  ['nginx', 'nginx'],
  [`nginx:1@${digest('a')}`, `nginx:1@${digest('a')}`],
  ['https://robot:secret@ghcr.io/app:1', '[redacted]@ghcr.io/app:1'],
  ['robot:secret@ghcr.io/app:1', '[redacted]@ghcr.io/app:1'],
  [`robot:se@cret@ghcr.io/app@${digest('a')}`, `[redacted]@${digest('a')}`],
  ['robot:secret@\nghcr.io/app@x', '[redacted]@x'],
];

for (const [ref, shown] of REFERENCES) {
  test(`${JSON.stringify(ref.slice(0, 40))} is told as ${JSON.stringify(shown.slice(0, 40))}`, () => {
    assert.equal(lineOf({ ...record, images: [{ ...image, ref }] }).images[0]?.ref, shown);
  });
}
