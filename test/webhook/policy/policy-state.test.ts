import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePolicy } from '../../../src/core/policy/schema.ts';
import {
  ABSENCE_MILLISECONDS,
  type AcceptedPolicy,
  DEFAULT_TEXT,
  decidePolicy,
  type PolicyInForce,
  type PolicyOrigin,
  type SubmittedPolicy,
} from '../../../src/webhook/policy/policy-state.ts';

const HEAD = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n';
const ONE = `${HEAD}rules: [{name: one, action: deny}]\n`;
const TWO = `${HEAD}rules: [{name: two, action: deny}]\n`;
const BAD = `${HEAD}defaults:\n  action: pinn\n`;
const NAMES: Readonly<Record<string, string>> = { [ONE]: 'one', [TWO]: 'two', [DEFAULT_TEXT]: 'defaults' };

const present = (text: string | null): SubmittedPolicy => ({ kind: 'present', text });
const absent = (forMilliseconds: number): SubmittedPolicy => ({ kind: 'absent', forMilliseconds });
const NEWLY_ABSENT = absent(1000);
const LONG_ABSENT = absent(ABSENCE_MILLISECONDS);
const stored = (text: string): AcceptedPolicy => ({ kind: 'text', text });
const UNREAD: AcceptedPolicy = { kind: 'unread' };
const NONE: AcceptedPolicy = { kind: 'none' };

function holding(text: string, origin: PolicyOrigin): PolicyInForce {
  const parsed = parsePolicy(text);
  assert.ok(parsed.ok);
  return { policy: parsed.policy, text, origin };
}

interface Row {
  readonly what: string;
  readonly submitted: SubmittedPolicy;
  readonly accepted: AcceptedPolicy;
  /** Null for a process that just started. */
  readonly before: PolicyInForce | null;
  /** Which text, and where it comes from; null for none. */
  readonly inForce: readonly [string, PolicyOrigin] | null;
  readonly errors?: number;
  readonly next: string;
}

const ROWS: readonly Row[] = [
  {
    what: 'a good text holds at once, before anybody knows what was accepted',
    submitted: present(ONE),
    accepted: UNREAD,
    before: null,
    inForce: ['one', 'configmap'],
    next: 'read accepted',
  },
  {
    what: 'a good text is accepted where nothing was',
    submitted: present(ONE),
    accepted: NONE,
    before: holding(ONE, 'configmap'),
    inForce: ['one', 'configmap'],
    next: 'store one',
  },
  {
    what: 'a good text is not stored where it is stored already',
    submitted: present(ONE),
    accepted: stored(ONE),
    before: null,
    inForce: ['one', 'configmap'],
    next: 'nothing',
  },
  {
    what: 'another good text takes the place of the one before',
    submitted: present(TWO),
    accepted: stored(ONE),
    before: holding(ONE, 'configmap'),
    inForce: ['two', 'configmap'],
    next: 'store two',
  },
  {
    what: 'a bad text changes nothing while a process runs',
    submitted: present(BAD),
    accepted: stored(ONE),
    before: holding(ONE, 'configmap'),
    inForce: ['one', 'accepted'],
    errors: 1,
    next: 'nothing',
  },
  {
    what: 'a bad text does not change the defaults either',
    submitted: present(BAD),
    accepted: stored(DEFAULT_TEXT),
    before: holding(DEFAULT_TEXT, 'defaults'),
    inForce: ['defaults', 'defaults'],
    errors: 1,
    next: 'nothing',
  },
  {
    what: 'a ConfigMap without a text is bad, not absent',
    submitted: present(null),
    accepted: stored(ONE),
    before: holding(ONE, 'configmap'),
    inForce: ['one', 'accepted'],
    errors: 1,
    next: 'nothing',
  },
  {
    what: 'a process that starts with a bad text asks what was accepted',
    submitted: present(BAD),
    accepted: UNREAD,
    before: null,
    inForce: null,
    errors: 1,
    next: 'read accepted',
  },
  {
    what: 'and goes on with that',
    submitted: present(BAD),
    accepted: stored(TWO),
    before: null,
    inForce: ['two', 'accepted'],
    errors: 1,
    next: 'nothing',
  },
  {
    what: 'and with the defaults where these were accepted, as those who run already do',
    submitted: present(BAD),
    accepted: stored(DEFAULT_TEXT),
    before: null,
    inForce: ['defaults', 'defaults'],
    errors: 1,
    next: 'nothing',
  },
  {
    what: 'with a bad text and nothing accepted nothing is in force',
    submitted: present(BAD),
    accepted: NONE,
    before: null,
    inForce: null,
    errors: 1,
    next: 'nothing',
  },
  {
    what: 'what was accepted by another version, and is bad to this one, does not count',
    submitted: present(BAD),
    accepted: stored(BAD),
    before: null,
    inForce: null,
    errors: 1,
    next: 'nothing',
  },
  {
    what: 'a mended text is in force again',
    submitted: present(ONE),
    accepted: stored(ONE),
    before: holding(ONE, 'accepted'),
    inForce: ['one', 'configmap'],
    next: 'nothing',
  },
  {
    what: 'a ConfigMap that was just deleted may come back: nothing changes yet',
    submitted: NEWLY_ABSENT,
    accepted: stored(ONE),
    before: holding(ONE, 'configmap'),
    inForce: ['one', 'accepted'],
    next: 'wait 2000',
  },
  {
    what: 'one that stays away means the defaults',
    submitted: LONG_ABSENT,
    accepted: stored(ONE),
    before: holding(ONE, 'accepted'),
    inForce: ['defaults', 'defaults'],
    next: 'store defaults',
  },
  {
    what: 'without a ConfigMap for long nobody waits for what was accepted',
    submitted: LONG_ABSENT,
    accepted: UNREAD,
    before: null,
    inForce: ['defaults', 'defaults'],
    next: 'read accepted',
  },
  {
    what: 'a process that starts where there never was one has the defaults at once',
    submitted: absent(0),
    accepted: NONE,
    before: null,
    inForce: ['defaults', 'defaults'],
    next: 'store defaults',
  },
  {
    what: 'and where there was none for long',
    submitted: absent(0),
    accepted: stored(DEFAULT_TEXT),
    before: null,
    inForce: ['defaults', 'defaults'],
    next: 'nothing',
  },
  {
    what: 'a process that starts while it is replaced goes on with what was accepted',
    submitted: absent(0),
    accepted: stored(ONE),
    before: null,
    inForce: ['one', 'accepted'],
    next: 'wait 3000',
  },
  {
    what: 'a process that starts without one first asks what was accepted',
    submitted: absent(0),
    accepted: UNREAD,
    before: null,
    inForce: null,
    next: 'read accepted',
  },
];

for (const { what, submitted, accepted, before, inForce, errors = 0, next } of ROWS) {
  test(what, () => {
    const decision = decidePolicy(submitted, accepted, before);
    const holds = decision.inForce;
    assert.deepEqual(holds === null ? null : [NAMES[holds.text], holds.origin], inForce);
    assert.equal(decision.errors.length, errors);
    assert.equal(shown(decision.next), next);
  });
}

test('the same text keeps the same policy, so that what is remembered by it stays', () => {
  const before = holding(ONE, 'accepted');
  assert.equal(decidePolicy(present(ONE), stored(ONE), before).inForce?.policy, before.policy);
});

test('the text of the defaults is a policy, and means them', () => {
  const parsed = parsePolicy(DEFAULT_TEXT);
  assert.ok(parsed.ok);
  assert.deepEqual(decidePolicy(LONG_ABSENT, NONE, null).inForce?.policy, parsed.policy);
});

function shown(next: ReturnType<typeof decidePolicy>['next']): string {
  switch (next.kind) {
    case 'wait':
      return `wait ${next.milliseconds}`;
    case 'store accepted':
      return `store ${NAMES[next.text]}`;
    case 'read accepted':
    case 'nothing':
      return next.kind;
  }
}
