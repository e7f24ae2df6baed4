import { type Digest, shortDigest } from '../../image/digest.ts';
import { byDigest, type ImageReference, pinnedText } from '../../image/reference.ts';
import type { ResolutionFailureCode } from '../../image/resolution.ts';
import type { Decision } from '../../policy/decide.ts';
import { nextEntry, samePin, sameReference } from '../../workload/pins.ts';
import type { SubmittedSlot } from '../../workload/slots.ts';
import { pinElsewhere } from '../../workload/stored.ts';
import { isSkipped } from '../../workload/targets.ts';
import type { PlanContext, RefreshVerdict, SlotFacts } from '../context.ts';
import {
  deny,
  leave,
  news,
  pinnedNews,
  place,
  problem,
  refuse,
  type SlotOutcome,
  type Source,
  settle,
  type Warning,
} from './outcome.ts';

/** A slot that asks for a tag, and what the policy says of it. */
export interface TagSlot {
  readonly slot: SubmittedSlot;
  readonly reference: ImageReference;
  readonly decision: Decision;
  readonly context: PlanContext;
}

/** Plans a slot that asks for a tag: the steps of the design's page on pins, in its order. */
export function planTag(tag: TagSlot, { verdict, moved, memory }: SlotFacts): SlotOutcome {
  const { slot, reference, decision, context } = tag;
  if (decision.action === 'deny' && !context.reportOnly) return refuse(slot, decision);
  if (isSkipped(context.skip, slot)) return leave(slot, 'skip', decision);
  if (verdict?.kind === 'move') return moveTo(slot, verdict, decision, context);
  if (verdict?.kind === 'pending') return leave(slot, 'pending', decision);

  const stored = context.stored.slots.get(slot.key)?.image;
  const entry = context.stored.entries.get(slot.key);
  if (stored !== undefined && entry !== undefined && sameReference(entry.reference, reference)) {
    return settle(slot, { image: stored, digest: entry.digest, entry, source: 'own-pin' }, decision);
  }
  if (stored === slot.image) return leftByRule(tag) ?? planUnchanged(tag, verdict);
  const elsewhere = moved ?? pinElsewhere(context.stored, reference)?.digest ?? null;
  if (elsewhere !== null) return pinTo(tag, elsewhere, 'other-pin');
  return leftByRule(tag) ?? planMemory(tag, memory) ?? planRegistry(tag);
}

/** What a refresh found: the stored bytes where the pin is still the same. */
export function moveTo(
  slot: SubmittedSlot,
  verdict: RefreshVerdict & { readonly kind: 'move' },
  decision: Decision,
  context: PlanContext,
): SlotOutcome {
  const { reference, digest, format } = verdict;
  const previous = context.stored.entries.get(slot.key) ?? null;
  const stored = context.stored.slots.get(slot.key)?.image;
  const isSame = previous !== null && samePin(previous, { reference, digest });
  const image = isSame && stored !== undefined ? stored : pinnedText(reference, digest, format);
  const entry = nextEntry(previous, { reference, digest }, context.history);
  const told = isSame
    ? news(slot, `still means ${shortDigest(digest)}`, reference)
    : pinnedNews(slot, reference, digest);
  return settle(slot, { image, digest, entry, source: 'refresh' }, decision, told);
}

/** Opting a namespace in never rolls anything out. Whom a refresh failed has been told more already. */
function planUnchanged({ slot, reference, decision }: TagSlot, verdict: RefreshVerdict | null): SlotOutcome {
  const floats = problem(slot, 'floats as before; annotate tagpin.dev/refresh=floating to pin it', reference);
  return verdict === null ? leave(slot, 'unchanged', decision, floats) : leave(slot, 'unchanged', decision);
}

/** Why a tag that is no pin yet is left to float; null where it is to be pinned. */
function leftByRule({ slot, reference, decision }: TagSlot): SlotOutcome | null {
  switch (decision.action) {
    case 'deny':
      return leave(slot, 'denied', decision);
    case 'ignore':
      return leave(slot, 'ignore', decision);
    case 'warn': {
      const by = decision.rule === null ? 'the policy' : `rule ${decision.rule}`;
      const why = decision.message === null ? by : `${by}: ${decision.message}`;
      return leave(slot, 'warn', decision, problem(slot, `left as it is by ${why}`, reference));
    }
    case 'pin': {
      if (slot.pullPolicy !== 'Never') return null;
      const why = problem(slot, 'left as it is, since its pull policy is Never', reference);
      return leave(slot, 'pull-policy', decision, why);
    }
  }
}

/** What ran before runs again; a missing answer is no reason to run anything else, only a digest that is gone is. */
function planMemory(tag: TagSlot, memory: Digest | null): SlotOutcome | null {
  const { slot, reference, decision, context } = tag;
  if (memory === null) return null;
  const check = context.inquiry.ask({ reference: byDigest(reference, memory), freshness: 'recordable' });
  if (check === null) return leave(slot, 'pending', decision);
  if (check.kind === 'failed' && check.code === 'NotFound') return null;
  const told = `means ${shortDigest(memory)} again, as it ran before; tagpin.dev/refresh asks anew`;
  return pinTo(tag, memory, 'memory', problem(slot, told, reference));
}

function planRegistry(tag: TagSlot): SlotOutcome {
  const { slot, reference, decision, context } = tag;
  const answer = context.inquiry.ask({ reference, freshness: 'recordable' });
  if (answer === null) return leave(slot, 'pending', decision);
  if (answer.kind === 'resolved') return pinTo(tag, answer.digest, answer.source);
  const lastKnown = decision.onUnresolved === 'lastKnown' && isNoAnswer(answer.code) ? answer.lastKnown : null;
  if (lastKnown !== null) {
    const told = `pinned to ${shortDigest(lastKnown)}, last seen: ${REASONS[answer.code]}`;
    return pinTo(tag, lastKnown, 'last-known', problem(slot, told, reference));
  }
  const source: Source = `registry:${answer.code}`;
  // A digest behind the tag says that something ran; only what never did is refused for want of an answer.
  const isNew = slot.reference?.digest === null;
  if (decision.onUnresolved === 'deny' && context.mayRefuseUnresolved && isNew) {
    const code = isNoAnswer(answer.code) ? 503 : 403;
    return deny(slot, source, decision, { code, message: `${place(slot)} can't be pinned: ${answer.message}` });
  }
  return leave(slot, source, decision, problem(slot, `left as it is: ${REASONS[answer.code]}`, reference));
}

function pinTo(tag: TagSlot, digest: Digest, source: Source, warning?: Warning): SlotOutcome {
  const { slot, reference, decision, context } = tag;
  const previous = context.stored.entries.get(slot.key) ?? null;
  const entry = nextEntry(previous, { reference, digest }, context.history);
  const image = pinnedText(reference, digest, decision.format);
  return settle(slot, { image, digest, entry, source }, decision, warning ?? pinnedNews(slot, reference, digest));
}

/** Did the registry leave the question open, so that asking again later may help? */
export function isNoAnswer(code: ResolutionFailureCode): boolean {
  return NO_ANSWER.has(code);
}

const NO_ANSWER: ReadonlySet<ResolutionFailureCode> = new Set([
  'Unreachable',
  'Timeout',
  'RateLimited',
  'InvalidResponse',
]);

/** Short enough for a warning of 120 characters beside an image. */
export const REASONS: Readonly<Record<ResolutionFailureCode, string>> = {
  NotFound: 'the registry has no such image (NotFound)',
  Unauthorized: 'the registry wants other credentials (Unauthorized)',
  Forbidden: 'the registry forbids it (Forbidden)',
  RateLimited: 'the registry limits requests (RateLimited)',
  Unreachable: "the registry can't be reached (Unreachable)",
  Timeout: 'the registry gave no answer in time (Timeout)',
  NotAllowed: 'tagpin may not ask for it (NotAllowed)',
  InvalidResponse: "the registry's answer is no manifest (InvalidResponse)",
  NoMatchingPlatform: 'no such platform (NoMatchingPlatform)',
};
