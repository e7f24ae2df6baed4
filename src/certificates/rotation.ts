import type { Authority, TrustedAuthority } from './authority.ts';

/** How long things of ours last; in milliseconds. */
export interface CertificateTimes {
  /** An authority, from when it is made. */
  readonly authority: number;
  /** A serving certificate, from when the Secret was last read. */
  readonly serving: number;
  /** After this every API server has heard of a caBundle, though it was slow. */
  readonly propagation: number;
  /** Each clock, ours and the API servers', is right to within this. */
  readonly skew: number;
  /** Between two looks at Secret and configurations. */
  readonly poll: number;
}

export const CERTIFICATE_TIMES: CertificateTimes = {
  authority: 365 * 24 * 60 * 60_000,
  serving: 7 * 24 * 60 * 60_000,
  propagation: 5 * 60_000,
  skew: 60 * 60_000,
  poll: 10_000,
};

/** An authority that signs no more. */
export interface RetiredAuthority extends TrustedAuthority {
  readonly retired: Date;
  /** `leaving`: nothing that it signed can be in use; it is taken out of every caBundle, and then forgotten. */
  readonly state: 'trusted' | 'leaving';
}

/** The authorities of the Secret, which every replica goes by. */
export interface Authorities {
  readonly signing: Authority;
  /** The one that will sign next, from when it was made until it signs. */
  readonly next: Authority | null;
  /** Since when every caBundle has held the next one. */
  readonly nextPublished: Date | null;
  readonly previous: readonly RetiredAuthority[];
}

/** What a replica goes by. */
export interface RotationView {
  /** Null where there are none that can be used. */
  readonly stored: Authorities | null;
  /** The caBundle of each of our webhooks. Empty where there are no configurations. */
  readonly live: readonly (readonly TrustedAuthority[])[];
  /** For how long we have seen the configurations just so: milliseconds of a clock that nobody sets. */
  readonly liveFor: number;
  /** Who signed what is served here; null before the first. */
  readonly served: TrustedAuthority | null;
  readonly now: Date;
  readonly times: CertificateTimes;
}

/** What has to be done to the Secret next. */
export type AuthorityStep =
  | { readonly kind: 'none' }
  /** An authority that signs from now on must be made, since there is none that can. */
  | { readonly kind: 'create'; readonly previous: readonly RetiredAuthority[] }
  /** The next authority must be made. */
  | { readonly kind: 'prepare' }
  | {
      readonly kind: 'store';
      readonly authorities: Authorities;
      readonly why: 'adopted' | 'published' | 'promoted' | 'leaving' | 'forgotten';
    };

/** Of what somebody put into a caBundle so many are kept; more are no remains of anything. */
const MOST_PREVIOUS = 8;

/**
 * The one step that is due; after it, everything is looked at again. Rotation is `prepare`, then, when every caBundle has held
 * both for the propagation time, `promoted`, then, when nothing can be in use that the old one signed, `leaving`. Each replica
 * may do each step: only the first one's write is accepted.
 *
 * No clock is trusted alone: the times in the Secret are those of whoever wrote them, so the propagation time must also have
 * passed here while we looked on.
 */
export function nextStep(view: RotationView): AuthorityStep {
  const { stored, now, times } = view;
  if (stored === null || !isUsable(stored.signing, view)) {
    if (stored !== null && stored.next !== null && isUsable(stored.next, view)) return promote(stored, now);
    const signing = stored === null || hasEnded(stored.signing, now) ? [] : [retire(stored.signing, now)];
    const kept = [...(stored?.previous ?? []), ...signing];
    const known = new Set(kept.map(({ id }) => id));
    const strangers = strangersOf(view).filter(({ id }) => !known.has(id));
    return { kind: 'create', previous: [...kept, ...strangers.map((one) => retire(one, now))] };
  }
  const { signing, next, nextPublished, previous } = stored;
  const strangers = strangersOf(view);
  if (strangers.length > 0) {
    return store('adopted', { ...stored, previous: [...previous, ...strangers.map((one) => retire(one, now))] });
  }
  if (next === null || !isUsable(next, view)) {
    if (now >= thirdLeft(signing)) return { kind: 'prepare' };
  } else if (isPublished(next, view)) {
    // A time that is yet to come was written by a clock that is wrong.
    if (nextPublished === null || nextPublished.getTime() > now.getTime() + times.skew) {
      return store('published', { ...stored, nextPublished: now });
    }
    const isHeard = now.getTime() - nextPublished.getTime() >= times.propagation && view.liveFor >= times.propagation;
    if (isHeard) return promote(stored, now);
  }
  if (previous.some((one) => isDue(one, view))) {
    const state = 'leaving';
    return store(state, { ...stored, previous: previous.map((one) => (isDue(one, view) ? { ...one, state } : one)) });
  }
  const staying = previous.filter((one) => !isGone(one, view));
  return staying.length < previous.length ? store('forgotten', { ...stored, previous: staying }) : { kind: 'none' };
}

/** What every caBundle should hold: whoever signs, will sign, or signed what may still be served. */
export function bundleOf(view: RotationView): readonly TrustedAuthority[] {
  const { stored, served, now } = view;
  if (stored === null) return [];
  const { signing, next, previous } = stored;
  const wanted = [
    signing,
    ...(next === null ? [] : [next]),
    ...previous.filter(({ state }) => state === 'trusted'),
    ...(served === null ? [] : [served]),
    ...strangersOf(view),
  ];
  const known = new Map(wanted.filter((one) => !hasEnded(one, now)).map((one) => [one.id, one]));
  return [...known.values()];
}

/** Stored after a new authority was made for `create` or `prepare`. */
export function withAuthority(
  step: Extract<AuthorityStep, { kind: 'create' | 'prepare' }>,
  stored: Authorities | null,
  made: Authority,
): Authorities {
  if (step.kind === 'create' || stored === null) {
    const previous = step.kind === 'create' ? step.previous : [];
    return { signing: made, next: null, nextPublished: null, previous };
  }
  return { ...stored, next: made, nextPublished: null };
}

/** Is it in every caBundle of ours? */
export function isPublished({ id }: TrustedAuthority, { live }: RotationView): boolean {
  return live.length > 0 && live.every((bundle) => bundle.some((one) => one.id === id));
}

function promote({ signing, next, previous }: Authorities, now: Date): AuthorityStep {
  if (next === null) return { kind: 'none' };
  const retired = hasEnded(signing, now) ? previous : [...previous, retire(signing, now)];
  return store('promoted', { signing: next, next: null, nextPublished: null, previous: retired });
}

/**
 * Authorities in a caBundle, or behind what is served here, that the Secret does not know: the Secret was lost, or the webhook
 * was under somebody else's. Another replica may serve what they signed, so they stay as long as those that we retire.
 */
function strangersOf({ stored, live, served, now }: RotationView): readonly TrustedAuthority[] {
  const known = new Set([stored?.signing, stored?.next, ...(stored?.previous ?? [])].map((one) => one?.id));
  const seen = [...(served === null ? [] : [served]), ...live.flat()];
  const strangers = new Map(
    seen.filter((one) => !known.has(one.id) && !hasEnded(one, now)).map((one) => [one.id, one]),
  );
  return [...strangers.values()].slice(0, Math.max(0, MOST_PREVIOUS - (stored?.previous.length ?? 0)));
}

/**
 * A replica signs with what it read from the Secret last, until `serving` after it read it by its own clock: so nothing is in
 * use after that, and after what the clocks of signer, writer, reader and API server may differ.
 */
function isDue({ state, retired }: RetiredAuthority, { now, times }: RotationView): boolean {
  return state === 'trusted' && now.getTime() >= retired.getTime() + times.serving + 4 * times.skew;
}

function isGone(one: RetiredAuthority, { live, now }: RotationView): boolean {
  return (one.state === 'leaving' || hasEnded(one, now)) && !live.flat().some(({ id }) => id === one.id);
}

/** One from the future was made by a clock that is wrong; ours may be, too, but by `skew` at most. */
function isUsable(authority: TrustedAuthority, { now, times }: RotationView): boolean {
  return !hasEnded(authority, now) && authority.notBefore.getTime() <= now.getTime() + times.skew;
}

function hasEnded({ notAfter }: TrustedAuthority, now: Date): boolean {
  return now >= notAfter;
}

function thirdLeft({ notBefore, notAfter }: TrustedAuthority): Date {
  return new Date(notAfter.getTime() - (notAfter.getTime() - notBefore.getTime()) / 3);
}

function retire({ id, certificate, notBefore, notAfter }: TrustedAuthority, retired: Date): RetiredAuthority {
  return { id, certificate, notBefore, notAfter, retired, state: 'trusted' };
}

function store(why: Extract<AuthorityStep, { kind: 'store' }>['why'], authorities: Authorities): AuthorityStep {
  return { kind: 'store', authorities, why };
}
