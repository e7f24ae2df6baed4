import assert from 'node:assert/strict';
import type { Authority, TrustedAuthority } from '../../src/certificates/authority.ts';
import {
  type Authorities,
  bundleOf,
  type CertificateTimes,
  nextStep,
  type RotationView,
  withAuthority,
} from '../../src/certificates/rotation.ts';
import { type Leaf, servingStep } from '../../src/certificates/serving.ts';

/** A number from 0 up to 1. */
export type Chance = () => number;

/** The same numbers for the same seed (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

let made = 0;

/** An authority without a key, in no time. */
export function fakeAuthority(notBefore: number, notAfter: number, name = `authority ${(made += 1)}`): Authority {
  const dates = { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
  return { id: name, certificate: name, key: 'key', ...dates };
}

/** What an API server keeps, and what its memory of the caBundle may still be; `time` is the true one. */
export class World {
  time = 1_000_000_000_000;
  secret: { readonly version: number; readonly authorities: Authorities | null } | null = null;
  bundle: readonly TrustedAuthority[] = [];
  /** Of the configuration. */
  version = 1;
  /** The bundles before this one, and until when they were there. */
  past: { readonly until: number; readonly bundle: readonly TrustedAuthority[] }[] = [];
  readonly counts = { made: 0, conflicts: 0, promoted: 0, forgotten: 0 };
  #versions = 0;

  write(authorities: Authorities | null, over: number | null): boolean {
    if ((this.secret?.version ?? null) !== over) {
      this.counts.conflicts += 1;
      return false;
    }
    this.#versions += 1;
    this.secret = { version: this.#versions, authorities };
    return true;
  }

  publish(bundle: readonly TrustedAuthority[], over: number): boolean {
    if (this.version !== over) {
      this.counts.conflicts += 1;
      return false;
    }
    this.past.push({ until: this.time, bundle: this.bundle });
    this.bundle = bundle;
    this.version += 1;
    return true;
  }
}

/** A replica, whose clock is off by so much; its rounds are those of upkeep.ts, with a pause before each thing that it does. */
export class Replica {
  readonly #world: World;
  readonly #times: CertificateTimes;
  readonly #offset: number;
  readonly #chance: Chance;
  leaf: Leaf | null = null;
  /** Since when an API server trusts it; null before. */
  readySince: number | null = null;
  /** It can't reach the API server before this. */
  cutUntil = 0;
  #stored: Authorities | null = null;
  #readAt = new Date(0);
  #live: { readonly bundle: readonly TrustedAuthority[]; readonly version: number; readonly since: number } | null =
    null;

  constructor(world: World, times: CertificateTimes, offset: number, chance: Chance) {
    this.#world = world;
    this.#times = times;
    this.#offset = offset;
    this.#chance = chance;
  }

  *round(): Generator<void> {
    const world = this.#world;
    for (let turn = 0; turn < 8; turn += 1) {
      const readAt = this.#now();
      yield;
      const isCut = world.time < this.cutUntil;
      const secret = world.secret;
      if (!isCut) {
        this.#stored = secret?.authorities ?? null;
        this.#readAt = readAt;
        yield;
        if (this.#live?.version !== world.version) {
          this.#live = { bundle: world.bundle, version: world.version, since: world.time };
        }
        yield;
        if (yield* this.#changeSecret(secret?.version ?? null)) continue;
      }
      const hasChanged = !isCut && (yield* this.#repair());
      yield;
      this.#serve();
      if (!hasChanged) return;
    }
  }

  *#changeSecret(version: number | null): Generator<void, boolean> {
    const world = this.#world;
    const step = nextStep(this.#view());
    if (step.kind === 'none') return false;
    let authorities: Authorities;
    if (step.kind === 'store') {
      ({ authorities } = step);
    } else {
      const now = this.#now().getTime();
      authorities = withAuthority(
        step,
        this.#stored,
        fakeAuthority(now - 2 * this.#times.skew, now + this.#times.authority),
      );
    }
    yield;
    if (!world.write(authorities, version)) return true;
    if (step.kind !== 'store') world.counts.made += 1;
    else if (step.why === 'promoted') world.counts.promoted += 1;
    else if (step.why === 'forgotten') world.counts.forgotten += 1;
    return true;
  }

  *#repair(): Generator<void, boolean> {
    const live = this.#live;
    const wanted = bundleOf(this.#view());
    if (live === null || wanted.length === 0 || same(wanted, live.bundle)) return false;
    yield;
    this.#world.publish(wanted, live.version);
    return true;
  }

  #serve(): void {
    const step = servingStep(this.#view(), this.leaf, this.#readAt);
    if (step.kind === 'keep') return;
    const { by, notBefore, notAfter } = step;
    this.leaf = { authority: by, notBefore, notAfter, issued: this.#now(), spread: this.#chance() };
  }

  #now(): Date {
    return new Date(this.#world.time + this.#offset);
  }

  #view(): RotationView {
    const now = this.#now();
    return {
      stored: this.#stored,
      live: this.#live === null ? [] : [this.#live.bundle],
      liveFor: this.#live === null ? 0 : this.#world.time - this.#live.since,
      served: this.leaf !== null && now < this.leaf.notAfter ? this.leaf.authority : null,
      now,
      times: this.#times,
    };
  }

  /**
   * Asserts that API servers trust what is served: the one that knows everything, and the one that has heard nothing for the
   * propagation time. A replica counts once it was trusted: before that it is not ready.
   *
   * @param apiOffset by which the API servers' clocks are off.
   */
  assertTrusted(apiOffset: number, what: string): void {
    const { time, bundle, past } = this.#world;
    const { leaf } = this;
    if (leaf === null) return;
    const { authority } = leaf;
    const isIn = (trusted: readonly TrustedAuthority[]): boolean => trusted.some(({ id }) => id === authority.id);
    if (this.readySince === null) {
      if (!isIn(bundle)) return;
      this.readySince = time;
    }
    const since = Math.max(this.readySince, time - this.#times.propagation);
    const bundles = [bundle, ...past.filter(({ until }) => until > since).map((one) => one.bundle)];
    for (const one of bundles) {
      assert.ok(isIn(one), `${what}: ${authority.id} is not in ${one.map(({ id }) => id).join(', ')}`);
    }
    const now = time + apiOffset;
    for (const { notBefore, notAfter } of [leaf, authority]) {
      assert.ok(notBefore.getTime() <= now && now < notAfter.getTime(), `${what}: ${authority.id} is not valid now`);
    }
  }
}

function same(a: readonly TrustedAuthority[], b: readonly TrustedAuthority[]): boolean {
  return a.length === b.length && a.every(({ id }) => b.some((one) => one.id === id));
}
