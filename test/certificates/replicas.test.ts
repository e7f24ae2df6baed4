/** Replicas interleaved at every step, with clocks that are off: what they serve is trusted at every moment. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { CertificateTimes } from '../../src/certificates/rotation.ts';
import { chanceOf, fakeAuthority, Replica, World } from '../support/certificate-replicas.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** The proportions of the real times, but for a shorter life, so that a run sees several rotations. */
const TIMES: CertificateTimes = {
  authority: 120 * MINUTE,
  serving: 10 * MINUTE,
  propagation: MINUTE,
  skew: 30 * SECOND,
  poll: 10 * SECOND,
};
/** Between two things that a replica does; a round takes some of these. */
const LONGEST_STEP = 2 * SECOND;
/** After somebody has blanked or changed something, everybody has looked and put it right by then. */
const REPAIRED = 3 * TIMES.poll;

type Accident = (world: World) => 'harmless' | 'untrusted';

/** What somebody may do to us. `untrusted`: no replica can help that requests fail until it is put right. */
const ACCIDENTS: Readonly<Record<string, Accident>> = {
  'the Secret is deleted': (world) => {
    world.secret = null;
    return 'harmless';
  },
  'the Secret is garbage': (world) => {
    world.write(null, world.secret?.version ?? null);
    return 'harmless';
  },
  'the Secret holds somebody else’s authority': (world) => {
    const signing = fakeAuthority(world.time - MINUTE, world.time + TIMES.authority);
    world.write({ signing, next: null, nextPublished: null, previous: [] }, world.secret?.version ?? null);
    return 'harmless';
  },
  'the Secret holds an authority that has ended': (world) => {
    const signing = fakeAuthority(world.time - TIMES.authority, world.time - MINUTE);
    world.write({ signing, next: null, nextPublished: null, previous: [] }, world.secret?.version ?? null);
    return 'harmless';
  },
  'the caBundle is blanked': (world) => {
    world.publish([], world.version);
    return 'untrusted';
  },
  'the caBundle is another': (world) => {
    world.publish([fakeAuthority(world.time - MINUTE, world.time + TIMES.authority)], world.version);
    return 'untrusted';
  },
  'the caBundle is blanked and the Secret deleted': (world) => {
    world.secret = null;
    world.publish([], world.version);
    return 'untrusted';
  },
  'the caBundle gets a stranger': (world) => {
    world.publish([...world.bundle, fakeAuthority(0, world.time + TIMES.authority)], world.version);
    return 'harmless';
  },
};

interface Run {
  readonly seed: number;
  readonly minutes: number;
  readonly accidents: readonly (keyof typeof ACCIDENTS)[];
  /** Do replicas restart, or lose sight of the API server? */
  readonly trouble: boolean;
}

function run({ seed, minutes, accidents, trouble }: Run): World {
  const chance = chanceOf(seed);
  const world = new World();
  const offset = (): number => Math.round((chance() * 2 - 1) * TIMES.skew);
  const apiOffset = offset();
  const start = (): Replica => new Replica(world, TIMES, offset(), chance);
  const slots = [0, 1, 2].map((at) => ({
    replica: start(),
    round: null as Generator<void> | null,
    next: world.time + at,
  }));
  const end = world.time + minutes * MINUTE;
  let untrustedUntil = 0;
  let quietUntil = 0;
  while (world.time < end) {
    slots.sort((a, b) => a.next - b.next);
    const [slot] = slots;
    assert.ok(slot);
    world.time = Math.max(world.time, slot.next);
    slot.round ??= slot.replica.round();
    const isOver = slot.round.next().done === true;
    if (isOver) slot.round = null;
    slot.next = world.time + chance() * LONGEST_STEP + (isOver ? TIMES.poll * (0.75 + chance() / 2) : 0);

    const accident = accidents[Math.floor(chance() * accidents.length)];
    // Whoever takes every authority away before API servers can have heard of it gets what he asks for.
    if (accident !== undefined && world.time > quietUntil && chance() < 1 / 1000) {
      quietUntil = world.time + 2 * TIMES.propagation;
      if (ACCIDENTS[accident]?.(world) === 'untrusted') untrustedUntil = world.time + REPAIRED;
    }
    if (trouble && chance() < 1 / 2000) {
      slot.replica = start();
      slot.round = null;
    }
    if (trouble && chance() < 1 / 2000) slot.replica.cutUntil = world.time + chance() * TIMES.serving * 0.5;

    if (world.time < untrustedUntil) {
      // Bundles of this time are nobody's yardstick.
      world.past = [];
      continue;
    }
    for (const { replica } of slots)
      replica.assertTrusted(apiOffset, `seed ${seed}, minute ${(minutes * MINUTE - (end - world.time)) / MINUTE}`);
    if (world.past.length > 100) world.past = world.past.slice(-50);
  }
  return world;
}

test('authorities rotate, and every API server trusts every replica at every moment', () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const { counts, bundle } = run({ seed, minutes: 24 * 60, accidents: [], trouble: false });
    // Every 80 minutes one, and not one more: whoever loses the race for a write throws his away.
    assert.ok(counts.made >= 17 && counts.made <= 19, `seed ${seed}: ${counts.made} made`);
    assert.ok(counts.promoted >= counts.made - 2 && counts.forgotten >= counts.made - 3, JSON.stringify(counts));
    assert.ok(bundle.length <= 3);
  }
});

test('replicas that restart, or do not reach the API server for a while, are trusted all the same', () => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const { counts } = run({ seed, minutes: 12 * 60, accidents: [], trouble: true });
    assert.ok(counts.made >= 8 && counts.made <= 10, `seed ${seed}: ${counts.made} made`);
  }
});

for (const name of Object.keys(ACCIDENTS)) {
  test(`${name}: no replica is distrusted for it longer than a look takes`, () => {
    for (let seed = 1; seed <= 3; seed += 1) run({ seed, minutes: 8 * 60, accidents: [name], trouble: false });
  });
}

test('all accidents together', () => {
  for (let seed = 100; seed < 106; seed += 1) {
    run({ seed, minutes: 8 * 60, accidents: Object.keys(ACCIDENTS), trouble: true });
  }
});
