import assert from 'node:assert/strict';
import test from 'node:test';
import type { AdmissionPlan } from '../../../src/core/admission/plan.ts';
import { deny, leave, type SlotOutcome } from '../../../src/core/admission/slot/outcome.ts';
import { type Unread, withUnread } from '../../../src/core/admission/unread.ts';
import { parseReference } from '../../../src/core/image/reference.ts';
import type { Resolution, ResolutionFailureCode } from '../../../src/core/image/resolution.ts';
import { readSlot } from '../../../src/core/workload/slots.ts';
import { digest } from '../../support/admission.ts';

const SECRET: Unread = { kind: 'Secret', namespace: 'shop', name: 'pull', why: 'forbidden' };
const ACCOUNT: Unread = { kind: 'ServiceAccount', namespace: 'shop', name: 'default', why: 'forbidden' };
const LINE = 'may not read Secret pull in shop: tagpin namespace enable shop';

function asked(image: string, answer: ResolutionFailureCode | 'resolved') {
  const parsed = parseReference(image);
  assert.ok(parsed.ok);
  const resolution: Resolution =
    answer === 'resolved'
      ? { kind: 'resolved', digest: digest('a'), mediaType: null, source: 'registry' }
      : { kind: 'failed', code: answer, message: 'no', lastKnown: null };
  return { reference: parsed.reference, resolution };
}

function planOf(...slots: SlotOutcome[]): AdmissionPlan {
  const rest = { pins: null, label: false, reinvocation: false, questions: [] };
  return { ...rest, slots, warnings: [{ kind: 'problem', text: 'another' }] };
}

const slot = readSlot({
  list: 'containers',
  name: 'app',
  key: 'containers/app',
  path: [],
  image: 'r.io/app:1',
  pullPolicy: null,
});
const decision = {
  action: 'pin',
  rule: null,
  message: null,
  format: 'digest',
  onUnresolved: 'deny',
  reason: '',
} as const;
const denied = (code: ResolutionFailureCode | 'denied') =>
  code === 'denied'
    ? deny(slot, 'denied', decision, { code: 403, message: 'image denied' })
    : deny(slot, `registry:${code}`, decision, { code: 403, message: 'image denied' });

const linesOf = (plan: AdmissionPlan) => plan.warnings.map(({ text }) => text);

test('a refusal by the registry is told with what could not be read, before all else', () => {
  for (const code of ['Unauthorized', 'Forbidden', 'NotFound'] as const) {
    const plan = withUnread(planOf(leave(slot, `registry:${code}`, null)), [asked('r.io/app:1', code)], [SECRET]);
    assert.deepEqual(linesOf(plan), [LINE, 'another'], code);
  }
});

test('nothing is told where nothing was unread, or where the registry did not refuse', () => {
  const plan = planOf(leave(slot, 'registry:Timeout', null));
  assert.equal(withUnread(plan, [asked('r.io/app:1', 'Unauthorized')], []), plan);
  assert.equal(withUnread(plan, [], [SECRET]), plan);
  for (const code of ['resolved', 'Timeout', 'Unreachable', 'RateLimited', 'NotAllowed', 'InvalidResponse'] as const) {
    assert.equal(withUnread(plan, [asked('r.io/app:1', code)], [SECRET]), plan, code);
  }
});

test('a tag that is missing where another of the repository was seen is no matter of credentials', () => {
  const plan = planOf();
  assert.equal(withUnread(plan, [asked('r.io/app:1', 'resolved'), asked('r.io/app:2', 'NotFound')], [SECRET]), plan);
  assert.notEqual(withUnread(plan, [asked('r.io/x:1', 'resolved'), asked('r.io/app:2', 'NotFound')], [SECRET]), plan);
});

test('a Secret is told before a ServiceAccount, and both before what only failed', () => {
  const refused = [asked('r.io/app:1', 'Forbidden')];
  const failed = { ...SECRET, why: 'failed' } as const;
  assert.equal(linesOf(withUnread(planOf(), refused, [ACCOUNT, SECRET]))[0], LINE);
  assert.equal(
    linesOf(withUnread(planOf(), refused, [failed, ACCOUNT]))[0],
    'may not read ServiceAccount default in shop: tagpin namespace enable shop',
  );
  assert.equal(
    linesOf(withUnread(planOf(), refused, [failed]))[0],
    'could not read Secret pull in shop: apply again to try again',
  );
});

test('a denial for that reason says it too, and no other', () => {
  const plan = withUnread(
    planOf(denied('NotFound'), denied('denied'), denied('Timeout')),
    [asked('r.io/app:1', 'NotFound')],
    [SECRET],
  );
  assert.deepEqual(
    plan.slots.map(({ denial }) => denial?.message),
    [`image denied; tagpin ${LINE}`, 'image denied', 'image denied'],
  );
});

test('with names of any length the line has 120 characters at most, and the whole command', () => {
  const namespace = 'n'.repeat(63);
  for (const kind of ['Secret', 'ServiceAccount'] as const) {
    for (const name of ['p', 'pull', 'p'.repeat(40), 'p'.repeat(253)]) {
      const unread = { kind, namespace, name, why: 'forbidden' } as const;
      const [line = ''] = linesOf(withUnread(planOf(), [asked('r.io/app:1', 'NotFound')], [unread]));
      assert.ok(line.length <= 120, line);
      assert.ok(line.endsWith(`: tagpin namespace enable ${namespace}`), line);
      assert.match(line, /^may not read (Secret|ServiceAccount) (p|…[pl]+:)/);
    }
  }
});
