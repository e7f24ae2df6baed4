import assert from 'node:assert/strict';
import test from 'node:test';
import { denyingVerdict, type Verdict, type VerifyEntry } from '../../../src/core/signature/verification.ts';

const HOLDS: Verdict = { kind: 'verified', signer: 'key sha256:0123' };
const NOT_SIGNED: Verdict = { kind: 'unverified', reason: 'it has no signature' };
const NOT_KNOWN: Verdict = { kind: 'failed', code: 'Timeout', message: 'no answer in time' };

function came(...verdicts: [action: 'deny' | 'warn', verdict: Verdict][]) {
  return denyingVerdict({
    verdicts: verdicts.map(([action, verdict]) => ({ entry: { action } as VerifyEntry, verdict })),
    signatures: [],
  });
}

test('every entry that denies has to hold, and the first that does not decides', () => {
  assert.equal(came(['deny', HOLDS], ['deny', HOLDS]), null);
  assert.equal(came(['deny', HOLDS], ['deny', NOT_SIGNED], ['deny', NOT_KNOWN]), NOT_SIGNED);
  assert.equal(came(['deny', NOT_KNOWN]), NOT_KNOWN);
});

test('an entry that warns stops nothing', () => {
  assert.equal(came(['warn', NOT_SIGNED], ['deny', HOLDS]), null);
  assert.equal(came(), null);
});
