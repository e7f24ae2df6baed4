import assert from 'node:assert/strict';
import test from 'node:test';
import type { AdmissionPlan } from '../../../src/core/admission/plan.ts';
import { warningLines } from '../../../src/core/admission/warnings.ts';

const plan = (...warnings: AdmissionPlan['warnings']): AdmissionPlan => ({
  slots: [],
  pins: null,
  label: false,
  reinvocation: false,
  warnings,
  questions: [],
});
const problem = (text: string) => ({ kind: 'problem', text }) as const;
const news = (text: string) => ({ kind: 'news', text }) as const;

test('problems come before news, and each line once', () => {
  assert.deepEqual(warningLines(plan(news('b'), problem('a'), news('b')), 'nothing'), ['a', 'b']);
});

test('five lines at most; the last one says how many more there are', () => {
  const lines = warningLines(plan(...Array.from({ length: 9 }, (_, index) => news(`line ${index}`))), 'nothing');
  assert.equal(lines.length, 5);
  assert.match(lines[4] ?? '', /5 more/);
});

test('120 characters at most, and on one line', () => {
  const [line = ''] = warningLines(plan(problem(`x\n${'y'.repeat(300)}`)), 'nothing');
  assert.equal(line.length, 120);
  assert.ok(!line.includes('\n'));
});

test('a record that was shortened is told', () => {
  assert.match(warningLines(plan(), 'history')[0] ?? '', /oldest earlier pins/);
  assert.match(warningLines(plan(), 'record')[0] ?? '', /the record was dropped/);
});
