import assert from 'node:assert/strict';
import test from 'node:test';
import { leave, type Source } from '../../../../src/core/admission/slot/outcome.ts';
import { floatingFindings, verdictFindings, withFindings } from '../../../../src/core/admission/slot/verified-slot.ts';
import { byDigest, parseReference } from '../../../../src/core/image/reference.ts';
import { verifySchema } from '../../../../src/core/policy/sections/signatures.ts';
import type { Verdict } from '../../../../src/core/signature/verification.ts';
import { readSlot } from '../../../../src/core/workload/slots.ts';
import { digest } from '../../../support/admission.ts';
import { pemOf } from '../../../support/policy.ts';

const IMAGE = 'ghcr.io/acme/app:1';
const slot = readSlot({ list: 'volumes', name: 'data', key: 'volumes/data', path: [], image: IMAGE, pullPolicy: null });
const parsed = parseReference(IMAGE);
assert.ok(parsed.ok);
const { reference } = parsed;
const denying = verifySchema.parse({ name: 'ours', images: ['**'], keys: [pemOf('PUBLIC KEY')] });
const warning = { ...denying, name: 'mild', action: 'warn' as const };

const floating = (source: Source) =>
  floatingFindings(leave(slot, source, null), { reference, entries: [denying, warning] });
const judged = (verdict: Verdict, standing: 'new' | 'unchanged' = 'new') =>
  verdictFindings(leave(slot, 'digest', null), {
    reference: byDigest(reference, digest('a')),
    verdicts: [denying, warning].map((entry) => ({ entry, verdict })),
    standing,
  });

test('an image volume is named as one', () => {
  assert.match(
    floating('skip')[0]?.denial?.message ?? '',
    /^image "ghcr\.io\/acme\/app:1" of volume data has no digest that the verify entry "ours"/,
  );
});

test('only a registry that left the question open makes a missing digest something to try again', () => {
  const codes = (
    ['registry:Timeout', 'registry:RateLimited', 'registry:NotFound', 'registry:NotAllowed', 'ignore'] as const
  ).map((source) => floating(source)[0]?.denial?.code);
  assert.deepEqual(codes, [503, 503, 403, 403, 403]);
});

test('each entry has its own word: one denies, the other warns', () => {
  for (const findings of [floating('ignore'), judged({ kind: 'unverified', reason: 'no' })]) {
    const [first, second] = findings;
    assert.deepEqual([first?.denial === null, first?.warning], [false, null]);
    assert.deepEqual([second?.denial, second?.warning === null], [null, false]);
  }
});

test('nothing is said of what is verified, and nobody falls for want of an answer about what ran before', () => {
  const quiet = judged({ kind: 'verified', signer: 'a key' });
  assert.deepEqual(
    quiet.map(({ denial, warning: told }) => [denial, told]),
    [
      [null, null],
      [null, null],
    ],
  );
  const failed: Verdict = { kind: 'failed', code: 'Timeout', message: 'late' };
  assert.deepEqual(
    judged(failed).map(({ denial }) => denial?.code),
    [503, undefined],
  );
  assert.deepEqual(
    judged(failed, 'unchanged').map(({ denial }) => denial),
    [null, null],
  );
});

test('denials of entries are enforced, or reported where nobody may be stopped', () => {
  const findings = judged({ kind: 'unverified', reason: 'no' });
  const enforced = withFindings(leave(slot, 'digest', null), findings, 'enforced');
  assert.deepEqual([enforced.denial?.code, enforced.reported, enforced.verified.length], [403, false, 2]);
  const reported = withFindings(leave(slot, 'digest', null), findings, 'reported');
  assert.deepEqual([reported.denial, reported.reported, reported.verified.length], [null, true, 2]);
  const warned = withFindings(leave(slot, 'digest', null), findings.slice(1), 'reported');
  assert.equal(warned.reported, false, 'an entry that warns denies nothing that could be reported');
});

test('names in certificates are one line, and not endless', () => {
  const signer = `a\u001b[2Jb\n\u202ec${'d'.repeat(1000)}`;
  const detail = judged({ kind: 'verified', signer })[0]?.record.detail ?? '';
  assert.match(detail, /^a \[2Jb cd+…$/);
  assert.equal(detail.length, 300);
});
