import { type Digest, shortDigest } from '../image/digest.ts';
import { canonicalText, type ImageReference, type PinFormat, parseReference } from '../image/reference.ts';
import { LONGEST_REFRESH, sameReference } from '../workload/pins.ts';
import type { ImageSlot } from '../workload/slots.ts';
import { isSkipped, parseRefresh, type RefreshTarget } from '../workload/targets.ts';
import type { PlanContext, RefreshVerdict } from './context.ts';
import { problem, type Warning } from './outcome.ts';
import { wantedTag } from './slot.ts';
import { isNoAnswer, REASONS } from './tag-slot.ts';

/** What a refresh comes to. */
export interface RefreshPlan {
  /** By slot key; slots that no target names have none. */
  readonly verdicts: ReadonlyMap<string, RefreshVerdict>;
  /** The value to remember, so that it is honoured once; null where it was honoured before, or is to be tried again. */
  readonly honoured: string | null;
  /** What can't be said of one slot. */
  readonly warnings: readonly Warning[];
}

export const NO_REFRESH: RefreshPlan = { verdicts: new Map(), honoured: null, warnings: [] };

/** A slot that a refresh names, and what is to be resolved for it. */
interface Candidate {
  readonly slot: ImageSlot;
  readonly reference: ImageReference;
  readonly format: PinFormat;
  readonly expected: Digest | null;
}

/**
 * Plans a refresh, the annotation's value in an UPDATE: asks past the cache for what the named slots were pinned from, and
 * for what floats. It never denies: where it can't move a slot, the slot stays and a warning says why.
 */
export function planRefresh(value: string | null, slots: readonly ImageSlot[], context: PlanContext): RefreshPlan {
  if (value === null || context.stored.refreshed.includes(value) || context.submitted.refreshed.includes(value)) {
    return NO_REFRESH;
  }
  if (value.length > LONGEST_REFRESH) {
    return {
      ...NO_REFRESH,
      warnings: [general(`nothing refreshed: the value has more than ${LONGEST_REFRESH} characters`)],
    };
  }
  const parsed = parseRefresh(value, slots);
  if (!parsed.ok) {
    return { ...NO_REFRESH, honoured: value, warnings: [general(`nothing refreshed: ${parsed.problem}`)] };
  }
  const verdicts = new Map<string, RefreshVerdict>();
  const candidates: Candidate[] = [];
  for (const [slot, { expected, named }] of listedSlots(parsed.targets, slots, context)) {
    const candidate = readCandidate(slot, expected, context);
    if (typeof candidate === 'string') {
      // `*` means what can be refreshed; only who names a slot wants to hear why it can't.
      verdicts.set(slot.key, { kind: 'stay', warning: named ? problem(slot, `not refreshed: ${candidate}`) : null });
    } else {
      candidates.push(candidate);
    }
  }
  const warnings: Warning[] = [];
  if (verdicts.size + candidates.length === 0) warnings.push(general('nothing refreshed: no image floats'));
  let answered = true;
  for (const group of Map.groupBy(candidates, (each) => canonicalText(each.reference)).values()) {
    const result = planGroup(group, context);
    answered &&= result.answered;
    for (const { slot } of group) verdicts.set(slot.key, result.verdict(slot));
    const forgotten = leftBehind(group, slots, verdicts, context);
    if (forgotten !== null)
      warnings.push(problem(forgotten, 'not refreshed, though another container of its reference was'));
  }
  return { verdicts, honoured: answered ? value : null, warnings };
}

/** All named slots of one reference move together, or none does. */
function planGroup(group: readonly Candidate[], context: PlanContext) {
  const [first] = group;
  if (first === undefined) throw new Error('a group has at least one member');
  const answer = context.inquiry.ask({ reference: first.reference, freshness: 'past-cache' });
  const stay = (text: string) => (slot: ImageSlot) => ({ kind: 'stay', warning: problem(slot, text) }) as const;
  if (answer === null) return { answered: false, verdict: () => ({ kind: 'stay', warning: null }) as const };
  if (answer.kind === 'failed') {
    return { answered: !isNoAnswer(answer.code), verdict: stay(`not refreshed: ${REASONS[answer.code]}`) };
  }
  const other = group.find((each) => each.expected !== null && each.expected !== answer.digest);
  if (other !== undefined) {
    const told = `not refreshed: ${other.reference.text} is ${shortDigest(answer.digest)}, not the expected digest`;
    return { answered: true, verdict: stay(told) };
  }
  const formats = new Map(group.map((each) => [each.slot.key, each]));
  const verdict = (slot: ImageSlot): RefreshVerdict => {
    const { reference, format } = formats.get(slot.key) ?? first;
    return { kind: 'move', reference, digest: answer.digest, format };
  };
  return { answered: true, verdict };
}

/** The slots that the targets name, each once; a target with an expected digest wins over one without. */
function listedSlots(targets: readonly RefreshTarget[], slots: readonly ImageSlot[], context: PlanContext) {
  const listed = new Map<ImageSlot, { expected: Digest | null; named: boolean }>();
  for (const target of targets) {
    switch (target.kind) {
      case 'all':
        for (const slot of slots) listed.set(slot, listed.get(slot) ?? { expected: null, named: false });
        break;
      case 'floating':
        for (const slot of slots.filter((each) => floats(each, context))) {
          listed.set(slot, listed.get(slot) ?? { expected: null, named: false });
        }
        break;
      case 'slot':
        listed.set(target.slot, {
          expected: target.expected ?? listed.get(target.slot)?.expected ?? null,
          named: true,
        });
        break;
    }
  }
  return listed;
}

/** A tag that no pin of its own stands behind. */
function floats(slot: ImageSlot, context: PlanContext): boolean {
  const parsed = parseReference(slot.image);
  const wanted = parsed.ok ? wantedTag(slot, parsed.reference, context) : null;
  const entry = context.stored.entries.get(slot.key);
  return wanted !== null && (entry === undefined || !sameReference(entry.reference, wanted));
}

/** What a named slot is resolved from, or why it can't be refreshed. */
function readCandidate(slot: ImageSlot, expected: Digest | null, context: PlanContext): Candidate | string {
  const parsed = parseReference(slot.image);
  if (!parsed.ok) return 'its image is malformed';
  if (isSkipped(context.skip, slot)) return 'tagpin.dev/skip names it';
  if (slot.pullPolicy === 'Never') return 'its pull policy is Never';
  const entry = context.stored.entries.get(slot.key);
  const wanted = wantedTag(slot, parsed.reference, context);
  if (wanted === null && context.stored.references.get(slot.key)?.digest !== parsed.reference.digest) {
    return 'its digest changed in the same request';
  }
  const reference =
    wanted === null || (entry !== undefined && sameReference(entry.reference, wanted)) ? entry?.reference : wanted;
  if (reference === undefined) return 'its digest was set by hand, no tag is recorded';
  const decision = context.judge(reference);
  if (decision.action !== 'pin') return `the policy says ${decision.action} for ${reference.text}`;
  return { slot, reference, format: decision.format, expected };
}

/** A slot of the group's reference that keeps its own pin, since nobody named it. */
function leftBehind(
  group: readonly Candidate[],
  slots: readonly ImageSlot[],
  verdicts: ReadonlyMap<string, RefreshVerdict>,
  context: PlanContext,
): ImageSlot | null {
  const reference = group[0]?.reference;
  const isBehind = (slot: ImageSlot) => {
    const entry = context.stored.entries.get(slot.key);
    return (
      reference !== undefined &&
      !verdicts.has(slot.key) &&
      entry !== undefined &&
      sameReference(entry.reference, reference)
    );
  };
  return slots.find(isBehind) ?? null;
}

function general(text: string): Warning {
  return { kind: 'problem', text: `tagpin.dev/refresh: ${text}` };
}
