import assert from 'node:assert/strict';
import test from 'node:test';
import type { TrustedAuthority } from '../../src/certificates/authority.ts';
import {
  type Authorities,
  type AuthorityStep,
  bundleOf,
  CERTIFICATE_TIMES,
  nextStep,
  type RetiredAuthority,
  type RotationView,
  withAuthority,
} from '../../src/certificates/rotation.ts';
import { type Leaf, servingStep } from '../../src/certificates/serving.ts';
import { fakeAuthority } from '../support/certificate-replicas.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = new Date('2026-11-21T12:00:00Z');
const times = CERTIFICATE_TIMES;

const at = (milliseconds: number): Date => new Date(NOW.getTime() + milliseconds);
/** Made so long ago, for a year. */
const made = (name: string, ago: number) =>
  fakeAuthority(at(-ago - 2 * HOUR).getTime(), at(365 * DAY - ago).getTime(), name);

const young = made('young', 10 * DAY);
const old = made('old', 250 * DAY);
const ended = made('ended', 366 * DAY);
const fromTheFuture = made('future', -4 * HOUR);
const next = made('next', HOUR);
const stranger = made('stranger', 10 * DAY);

function retired(
  authority: TrustedAuthority,
  ago: number,
  state: RetiredAuthority['state'] = 'trusted',
): RetiredAuthority {
  const { id, certificate, notBefore, notAfter } = authority;
  return { id, certificate, notBefore, notAfter, retired: at(-ago), state };
}

function view(stored: Partial<Authorities> | null, more: Partial<RotationView> = {}): RotationView {
  const signing = stored?.signing ?? young;
  const authorities = stored && { signing, next: null, nextPublished: null, previous: [], ...stored };
  return { stored: authorities, live: [[signing], [signing]], liveFor: DAY, served: null, now: NOW, times, ...more };
}

/** What a step is, and whose authorities are in it, in the order signing, next, previous. */
function show(step: AuthorityStep): string {
  const names = (previous: readonly RetiredAuthority[]) => previous.map(({ id, state }) => `${id}:${state}`);
  if (step.kind === 'create') return ['create', ...names(step.previous)].join(' ');
  if (step.kind !== 'store') return step.kind;
  const { signing, next: following, nextPublished, previous } = step.authorities;
  const published = nextPublished === null ? '' : `@${(nextPublished.getTime() - NOW.getTime()) / HOUR}`;
  return [
    step.why,
    signing.id,
    ...(following === null ? [] : [`${following.id}${published}`]),
    ...names(previous),
  ].join(' ');
}

const both = [
  [old, next],
  [next, old],
];
const published = { signing: old, next, nextPublished: at(-HOUR) };
const keptFor = times.serving + 4 * times.skew;

const STEPS: readonly [string, RotationView, string][] = [
  ['nothing is due', view({}), 'none'],
  ['a third is not yet left', view({ signing: made('a', 242 * DAY) }), 'none'],
  ['a third is left', view({ signing: made('a', 244 * DAY) }), 'prepare'],
  ['whatever the caBundles hold', view({ signing: old }, { live: [] }), 'prepare'],

  ['there is no Secret', view(null, { live: [] }), 'create'],
  [
    'there is none, and somebody is trusted',
    view(null, { live: [[stranger], [stranger, ended]] }),
    'create stranger:trusted',
  ],
  ['there is none, and we serve', view(null, { live: [[]], served: stranger }), 'create stranger:trusted'],
  ['who signs has ended', view({ signing: ended }, { live: [[]] }), 'create'],
  [
    'who signs has ended, and one before is trusted',
    view({ signing: ended, previous: [retired(young, DAY)] }),
    'create young:trusted',
  ],
  ['who signs has ended, and the next is there', view({ signing: ended, next }), 'promoted next'],
  ['who signs is from the future', view({ signing: fromTheFuture }), 'create future:trusted'],
  ['a clock is an hour behind', view({}, { now: at(-10 * DAY - 3 * HOUR) }), 'none'],
  ['a clock is an hour ahead', view({}, { now: at(HOUR) }), 'none'],

  ['the next is in no caBundle', view({ signing: old, next }), 'none'],
  ['the next is in one of two', view({ signing: old, next }, { live: [[old, next], [old]] }), 'none'],
  ['the next is in all', view({ signing: old, next }, { live: both }), 'published old next@0'],
  ['there are no configurations', view({ signing: old, next }, { live: [] }), 'none'],
  ['it was in all just now', view({ ...published, nextPublished: at(-4 * MINUTE) }, { live: both }), 'none'],
  ['it was in all long ago', view(published, { live: both }), 'promoted next old:trusted'],
  ['but we have just come', view(published, { live: both, liveFor: 4 * MINUTE }), 'none'],
  ['but somebody has taken it out', view(published, { live: [[old]] }), 'none'],
  [
    'it was in all in an hour, says a clock that was ahead',
    view({ ...published, nextPublished: at(HOUR) }, { live: both }),
    'none',
  ],
  [
    'it was in all in a year',
    view({ ...published, nextPublished: at(365 * DAY) }, { live: both }),
    'published old next@0',
  ],
  [
    'the next has ended',
    view({ signing: old, next: ended, nextPublished: at(-DAY) }, { live: [[old, ended]] }),
    'prepare',
  ],

  ['one before may still be in use', view({ previous: [retired(old, keptFor - 1)] }), 'none'],
  ['one before is in use no more', view({ previous: [retired(old, keptFor)] }), 'leaving young old:leaving'],
  [
    'one that leaves is still there',
    view({ previous: [retired(old, keptFor, 'leaving')] }, { live: [[young], [old]] }),
    'none',
  ],
  [
    'one that left is not there',
    view({ previous: [retired(old, keptFor, 'leaving'), retired(next, DAY)] }),
    'forgotten young next:trusted',
  ],
  ['one before has ended', view({ previous: [retired(ended, DAY)] }), 'forgotten young'],

  ['a stranger is trusted', view({}, { live: [[young, stranger], [young]] }), 'adopted young stranger:trusted'],
  ['we serve what a stranger signed', view({}, { served: stranger }), 'adopted young stranger:trusted'],
  ['a stranger that has ended', view({}, { live: [[young, ended]] }), 'none'],
];

test('each state has its one step', () => {
  for (const [name, given, expected] of STEPS) assert.equal(show(nextStep(given)), expected, name);
});

test('somebody who fills a caBundle with strangers does not fill the Secret', () => {
  const crowd = Array.from({ length: 50 }, (_, index) => made(`stranger ${index}`, DAY));
  const step = nextStep(view({ previous: [retired(old, DAY)] }, { live: [[young, ...crowd]] }));
  assert.equal(step.kind === 'store' && step.authorities.previous.length, 8);
  const full = view({ previous: crowd.slice(0, 8).map((one) => retired(one, DAY)) }, { live: [[young, ...crowd]] });
  assert.equal(nextStep(full).kind, 'none');
  assert.deepEqual(bundleOf(full).length, 9);
  // What is served here is trusted whatever else is.
  assert.equal(bundleOf({ ...full, served: stranger }).at(-1)?.id, stranger.id);
});

test('a new authority takes its place', () => {
  const stored = view({ signing: old, previous: [retired(stranger, DAY)] }).stored;
  assert.deepEqual(withAuthority({ kind: 'prepare' }, stored, next), { ...stored, next, nextPublished: null });
  const previous = [retired(old, 0)];
  const fresh = { signing: next, next: null, nextPublished: null, previous };
  assert.deepEqual(withAuthority({ kind: 'create', previous }, stored, next), fresh);
});

test('a caBundle holds whoever signs, will sign, or signed what may be in use', () => {
  const rows: readonly [string, RotationView, readonly TrustedAuthority[]][] = [
    ['one signs', view({}), [young]],
    ['nobody is known', view(null), []],
    ['another will', view({ signing: old, next }), [old, next]],
    ['another did', view({ previous: [retired(old, DAY)] }), [young, old]],
    ['another leaves', view({ previous: [retired(old, DAY, 'leaving')] }, { live: [[young, old]] }), [young]],
    ['another has ended', view({ previous: [retired(ended, DAY)] }, { live: [[young, ended]] }), [young]],
    ['another signed what is served here', view({}, { served: stranger }), [young, stranger]],
    ['a stranger is trusted by one webhook', view({}, { live: [[young], [young, stranger]] }), [young, stranger]],
    ['all were taken out', view({ previous: [retired(old, DAY)] }, { live: [[], []], served: young }), [young, old]],
  ];
  for (const [name, given, expected] of rows) {
    assert.deepEqual(
      bundleOf(given).map(({ id }) => id),
      expected.map(({ id }) => id),
      name,
    );
  }
});

/** Made so long ago, for a week. */
function leaf(ago: number, more: Partial<Leaf> = {}): Leaf {
  const notBefore = at(-ago - 2 * HOUR);
  return { authority: young, notBefore, notAfter: at(7 * DAY - ago), issued: at(-ago), spread: 0, ...more };
}

const switching = view({ signing: next, previous: [retired(young, 0)] }, { live: [[next, young]] });
const endingSoon = fakeAuthority(at(-300 * DAY).getTime(), at(HOUR).getTime(), 'ending');
const LEAVES: readonly [string, RotationView, Leaf | null, string | null, Date?][] = [
  ['none yet', view({}), null, 'young -2..168'],
  ['none yet, and its authority is in no caBundle', view({}, { live: [] }), null, 'young -2..168'],
  ['none yet, and no authority', view(null), null, null],
  ['none yet, and the Secret was read two days ago', view({}), null, 'young -2..120', at(-2 * DAY)],
  ['none yet, and the Secret was read a week ago', view({}), null, null, at(-7 * DAY)],
  ['none yet, and the authority ends soon', view({ signing: endingSoon }), null, 'ending -2..1'],
  ['a young one', view({}), leaf(4 * DAY), null],
  ['a third of its life is left', view({}), leaf(4.7 * DAY), 'young -2..168'],
  ['renewed a tenth earlier', view({}), leaf(4 * DAY, { spread: 1 }), 'young -2..168'],
  ['a third is left, and nobody knows who signs', view({}), leaf(4.7 * DAY), 'young -2..120', at(-2 * DAY)],
  ['a third is left, and there is nothing to gain', view({}), leaf(4.7 * DAY), null, at(-4.7 * DAY)],
  [
    'its authority ends, too',
    view({ signing: endingSoon }),
    leaf(6 * DAY, { authority: endingSoon, notAfter: at(HOUR) }),
    null,
  ],
  ['it has ended', view({}), leaf(8 * DAY), 'young -2..168'],
  ['it was made by a clock that was ahead', view({}), leaf(-4 * HOUR), 'young -2..168'],
  ['another signs now', switching, leaf(DAY), 'next -2..168'],
  ['another signs, and was in the caBundles for minutes', { ...switching, liveFor: 4 * MINUTE }, leaf(DAY), null],
  ['another signs, and is in no caBundle', { ...switching, live: [[young]] }, leaf(DAY), null],
  ['another signs, in no caBundle, and a third is left', { ...switching, live: [[young]] }, leaf(5 * DAY), null],
  [
    'another signs, in no caBundle, and hardly anything is left',
    { ...switching, live: [] },
    leaf(6.4 * DAY),
    'next -2..168',
  ],
];

test('a serving certificate is made, renewed and exchanged when it is due', () => {
  for (const [name, given, served, expected, readAt = NOW] of LEAVES) {
    const step = servingStep(given, served, readAt);
    const hours = (date: Date): number => (date.getTime() - NOW.getTime()) / HOUR;
    const shown = step.kind === 'keep' ? null : `${step.by.id} ${hours(step.notBefore)}..${hours(step.notAfter)}`;
    assert.equal(shown, expected, name);
  }
});
