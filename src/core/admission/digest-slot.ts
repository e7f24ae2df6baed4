import type { Digest } from '../image/digest.ts';
import { byDigest, type ImageReference } from '../image/reference.ts';
import { nextEntry, type Pin, sameReference, sameRepository } from '../workload/pins.ts';
import type { ImageSlot } from '../workload/slots.ts';
import { standsInStored } from '../workload/stored.ts';
import { isSkipped } from '../workload/targets.ts';
import type { PlanContext, RefreshVerdict } from './context.ts';
import { leave, refuse, type SlotOutcome, settle } from './outcome.ts';
import { moveTo } from './tag-slot.ts';

/** Plans a slot that asks for a digest: it is kept, and its entry with it where the entry is believed. */
export function planDigest(
  slot: ImageSlot,
  reference: ImageReference,
  verdict: RefreshVerdict | null,
  context: PlanContext,
): SlotOutcome {
  const { digest } = reference;
  if (digest === null) return leave(slot, 'malformed', null);
  const pin = believedPin(slot, reference, digest, context);
  const decision = context.judge(pin === null ? reference : byDigest(reference, digest));
  const denied = decision.action === 'deny';
  if (denied && !context.reportOnly) return refuse(slot, decision);
  if (isSkipped(context.skip, slot)) return leave(slot, denied ? 'denied' : 'skip', decision);
  if (verdict?.kind === 'move') return moveTo(slot, verdict, decision, context);
  const previous = context.stored.entries.get(slot.key) ?? null;
  const entry = pin === null ? null : nextEntry(previous, pin, context.history);
  const source = denied ? 'denied' : entry === null ? 'digest' : 'own-pin';
  return { ...settle(slot, { image: slot.image, digest, entry, source, decision }), outcome: 'kept' };
}

/**
 * What a submitted digest is the pin of: the pair of the submitted record where it is believed (`rollout undo` and a
 * reinvocation bring one), otherwise that of the stored record. A pair is believed where it stands in the stored record, or
 * where the registry says the same now.
 */
export function believedPin(
  slot: ImageSlot,
  reference: ImageReference,
  digest: Digest,
  context: PlanContext,
): Pin | null {
  const own = context.stored.entries.get(slot.key);
  const stored = own?.digest === digest && sameRepository(own.reference, reference) ? own : null;
  const claim = context.submitted.entries.get(slot.key);
  if (claim?.digest !== digest || !sameRepository(claim.reference, reference)) return stored;
  if (stored !== null && sameReference(stored.reference, claim.reference)) return stored;
  if (standsInStored(context.stored, claim)) return claim;
  const answer = context.inquiry.ask({ reference: claim.reference, freshness: 'recordable' });
  if (answer === null) return stored;
  return (answer.kind === 'resolved' ? answer.digest : answer.lastKnown) === digest ? claim : stored;
}
