import { byDigest, parseReference } from '../image/reference.ts';
import { sameReference } from '../workload/pins.ts';
import type { ImageSlot } from '../workload/slots.ts';
import type { PlanContext } from './context.ts';
import { leave, refuse, type SlotOutcome, settle } from './outcome.ts';

/** A slot of an object that a controller owns: rules judge it, nothing rewrites it. */
export function planOwned(slot: ImageSlot, context: PlanContext): SlotOutcome {
  const parsed = parseReference(slot.image);
  if (!parsed.ok) return leave(slot, 'malformed', null);
  const decision = context.judge(parsed.reference);
  if (decision.action !== 'deny') return leave(slot, 'controller', decision);
  return context.reportOnly ? leave(slot, 'denied', decision) : refuse(slot, decision);
}

/**
 * A slot of a stored Job, whose template never changes: the recorded reference becomes the stored image again, since the
 * API server would refuse anything else, and any other image passes on to be refused there.
 */
export function planJobUpdate(slot: ImageSlot, context: PlanContext): SlotOutcome {
  const parsed = parseReference(slot.image);
  if (!parsed.ok) return leave(slot, 'malformed', null);
  const { reference } = parsed;
  const stored = context.stored.slots.get(slot.key)?.image;
  const entry = context.stored.entries.get(slot.key) ?? null;
  const isStoredDigest = entry !== null && reference.digest === entry.digest;
  const decision = context.judge(isStoredDigest ? byDigest(reference, entry.digest) : reference);
  if (decision.action === 'deny' && !context.reportOnly) return refuse(slot, decision);
  if (entry !== null && stored !== undefined && (isStoredDigest || sameReference(entry.reference, reference))) {
    const image = isStoredDigest ? slot.image : stored;
    return settle(slot, { image, digest: entry.digest, entry, source: 'own-pin', decision });
  }
  return leave(slot, 'job', decision);
}
