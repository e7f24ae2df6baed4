import { type Digest, shortDigest } from '../image/digest.ts';
import { canonicalText, type ImageReference, type PinFormat } from '../image/reference.ts';
import { isPinOf, LONGEST_REFRESH, sameReference } from '../workload/pins.ts';
import type { SubmittedSlot } from '../workload/slots.ts';
import { isSkipped, parseRefresh, type RefreshTarget } from '../workload/targets.ts';
import type { PlanContext, RefreshVerdict } from './context.ts';
import { problem, type Warning } from './slot/outcome.ts';
import { isNoAnswer, REASONS } from './slot/tag-slot.ts';
import type { Wish } from './slot/wish.ts';

/** What a refresh comes to. */
export interface RefreshPlan {
  /** By slot key; slots that no target names have none. */
  readonly verdicts: ReadonlyMap<string, RefreshVerdict>;
  /** What references were moved to, by their canonical text. */
  readonly moved: ReadonlyMap<string, Digest>;
  /** The value to remember, so that it is honoured once; null where it was honoured before, or is to be tried again. */
  readonly honoured: string | null;
  /** What can't be said of one slot. */
  readonly warnings: readonly Warning[];
}

export const NO_REFRESH: RefreshPlan = { verdicts: new Map(), moved: new Map(), honoured: null, warnings: [] };

/** A slot and what it asks for. */
export interface WishedSlot {
  readonly slot: SubmittedSlot;
  readonly wish: Wish;
}

/** A slot that a refresh names, and what is to be resolved for it. */
interface Candidate {
  readonly slot: SubmittedSlot;
  readonly reference: ImageReference;
  readonly format: PinFormat;
  readonly expected: Digest | null;
}

/**
 * Plans a refresh, the annotation's value in an UPDATE: asks past the cache for what the named slots were pinned from, and
 * for what floats. It never denies: where it can't move a slot, the slot stays and a warning says why.
 */
export function planRefresh(value: string, slots: readonly WishedSlot[], context: PlanContext): RefreshPlan {
  if (context.stored.refreshed.includes(value) || context.submitted.refreshed.includes(value)) return NO_REFRESH;
  if (value.length > LONGEST_REFRESH) return nothing(null, `the value has more than ${LONGEST_REFRESH} characters`);
  const parsed = parseRefresh(
    value,
    slots.map(({ slot }) => slot),
  );
  if (!parsed.ok) return nothing(value, parsed.problem);
  const named = namedSlots(parsed.targets, slots, context);
  if (named.length === 0) return nothing(value, 'no image floats');

  const verdicts = new Map<string, RefreshVerdict>();
  const moved = new Map<string, Digest>();
  const candidates: Candidate[] = [];
  for (const { slot, wish, expected, isNamed } of named) {
    const candidate = readCandidate({ slot, wish }, expected, context);
    if (!('why' in candidate)) candidates.push(candidate);
    else if (candidate.why === null) verdicts.set(slot.key, { kind: 'pending' });
    else {
      const isTold = isNamed || candidate.isSurprising;
      verdicts.set(slot.key, {
        kind: 'stay',
        warning: isTold ? problem(slot, `not refreshed: ${candidate.why}`) : null,
      });
    }
  }
  let isAnswered = true;
  for (const [reference, group] of Map.groupBy(candidates, (each) => canonicalText(each.reference))) {
    const found = askGroup(group, context);
    isAnswered &&= found.isAnswered;
    if (found.digest !== null) moved.set(reference, found.digest);
    for (const { slot, reference: own, format } of group) verdicts.set(slot.key, found.verdict(slot, own, format));
  }
  return { verdicts, moved, honoured: isAnswered ? value : null, warnings: [] };
}

/** What all named slots of one reference come to: they move together, or none does. */
interface Found {
  readonly isAnswered: boolean;
  readonly digest: Digest | null;
  readonly verdict: (slot: SubmittedSlot, reference: ImageReference, format: PinFormat) => RefreshVerdict;
}

function askGroup(group: readonly Candidate[], context: PlanContext): Found {
  const [first] = group;
  if (first === undefined) throw new Error('a group has at least one member');
  const answer = context.inquiry.ask({ reference: first.reference, freshness: 'past-cache' });
  if (answer === null) return { isAnswered: false, digest: null, verdict: () => ({ kind: 'pending' }) };
  if (answer.kind === 'failed') return stay(!isNoAnswer(answer.code), REASONS[answer.code]);
  const { digest } = answer;
  if (group.some(({ expected }) => expected !== null && expected !== digest)) {
    return stay(true, `its tag means ${shortDigest(digest)}, not the expected digest`);
  }
  return {
    isAnswered: true,
    digest,
    verdict: (_slot, reference, format) => ({ kind: 'move', reference, digest, format }),
  };
}

function stay(isAnswered: boolean, why: string): Found {
  const verdict = (slot: SubmittedSlot): RefreshVerdict => ({
    kind: 'stay',
    warning: problem(slot, `not refreshed: ${why}`),
  });
  return { isAnswered, digest: null, verdict };
}

interface NamedSlot extends WishedSlot {
  readonly expected: Digest | null;
  /** By its name, not by `*` or `floating`, which mean what can be refreshed. */
  readonly isNamed: boolean;
}

/** The slots that the targets name, each once. */
function namedSlots(
  targets: readonly RefreshTarget<SubmittedSlot>[],
  slots: readonly WishedSlot[],
  context: PlanContext,
): readonly NamedSlot[] {
  return slots.flatMap(({ slot, wish }): readonly NamedSlot[] => {
    const own = targets.filter((target) => target.kind === 'slot' && target.slot === slot);
    const expected = own
      .map((target) => (target.kind === 'slot' ? target.expected : null))
      .find((each) => each !== null);
    const isMeant = targets.some(
      ({ kind }) => kind === 'all' || (kind === 'floating' && floats({ slot, wish }, context)),
    );
    if (own.length === 0 && !isMeant) return [];
    return [{ slot, wish, expected: expected ?? null, isNamed: own.length > 0 }];
  });
}

/** A tag that no pin of its own stands behind. */
function floats({ slot, wish }: WishedSlot, context: PlanContext): boolean {
  const entry = context.stored.entries.get(slot.key);
  return wish.kind === 'tag' && (entry === undefined || !sameReference(entry.reference, wish.reference));
}

/** Why a named slot can't be refreshed; `why` is null while that is not known yet. */
interface Refusal {
  readonly why: string | null;
  /** To be told also to who named all. */
  readonly isSurprising: boolean;
}

/** What a named slot is resolved from, or why it can't be refreshed. */
function readCandidate({ slot, wish }: WishedSlot, expected: Digest | null, context: PlanContext): Candidate | Refusal {
  const no = (why: string | null, isSurprising = false): Refusal => ({ why, isSurprising });
  if (wish.kind === 'pending') return no(null);
  if (wish.kind === 'malformed') return no('its image is malformed');
  if (isSkipped(context.skip, slot)) return no('tagpin.dev/skip names it');
  if (slot.pullPolicy === 'Never') return no('its pull policy is Never');
  const entry = context.stored.entries.get(slot.key);
  let reference = entry?.reference;
  if (wish.kind === 'tag') {
    if (entry === undefined || !sameReference(entry.reference, wish.reference)) reference = wish.reference;
  } else if (entry !== undefined && !isPinOf(entry, wish.reference)) {
    return no('its digest changed in the same request', true);
  }
  if (reference === undefined) return no('its digest was set by hand, no tag is recorded');
  const decision = context.judge(reference);
  if (decision.action !== 'pin') return no(`the policy says ${decision.action} for ${reference.text}`);
  return { slot, reference, format: decision.format, expected };
}

function nothing(honoured: string | null, why: string): RefreshPlan {
  return {
    ...NO_REFRESH,
    honoured,
    warnings: [{ kind: 'problem', text: `tagpin.dev/refresh: nothing refreshed: ${why}` }],
  };
}
