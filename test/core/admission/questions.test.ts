import assert from 'node:assert/strict';
import test from 'node:test';
import { createInquiry, type Question, questionKey } from '../../../src/core/admission/questions.ts';
import { parseReference } from '../../../src/core/image/reference.ts';
import { digest } from '../../support/admission.ts';

function question(text: string, freshness: Question['freshness'] = 'recordable'): Question {
  const parsed = parseReference(text);
  assert.ok(parsed.ok);
  return { reference: parsed.reference, freshness };
}

test('a question without an answer is open, once however often and however spelt it is asked', () => {
  const inquiry = createInquiry(new Map());
  assert.equal(inquiry.ask(question('nginx')), null);
  assert.equal(inquiry.ask(question('docker.io/library/nginx:latest')), null);
  assert.equal(inquiry.ask(question('nginx', 'past-cache')), null);
  assert.equal(inquiry.open.length, 2);
});

test('an answer closes it', () => {
  const answer = { kind: 'resolved', digest: digest('a'), mediaType: null, source: 'cache' } as const;
  const inquiry = createInquiry(new Map([[questionKey(question('nginx')), answer]]));
  assert.equal(inquiry.ask(question('nginx')), answer);
  assert.deepEqual(inquiry.open, []);
});

test('the hundred-and-first question is answered without asking', () => {
  const inquiry = createInquiry(new Map());
  for (let index = 0; index < 100; index += 1) assert.equal(inquiry.ask(question(`i${index}`)), null);
  const refused = inquiry.ask(question('one-more'));
  assert.equal(refused?.kind === 'failed' && refused.code, 'NotAllowed');
  assert.equal(inquiry.ask(question('i0')), null, 'what was asked already still is');
  assert.equal(inquiry.open.length, 100);
});
