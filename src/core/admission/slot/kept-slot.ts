import { byDigest } from '../../image/reference.ts';
import { isPinOf, sameReference } from '../../workload/pins.ts';
import type { SubmittedSlot } from '../../workload/slots.ts';
import type { PlanContext } from '../context.ts';
import { leave, refuse, type SlotOutcome, settle } from './outcome.ts';

/** A slot of an object that a controller owns: rules judge it, nothing rewrites it. */
export function planOwned(slot: SubmittedSlot, context: PlanContext): SlotOutcome {
  const { reference } = slot;
  if (reference === null) return leave(slot, 'malformed', null);
  const entry = context.stored.entries.get(slot.key);
  const isPin = entry !== undefined && isPinOf(entry, reference);
  const decision = context.judge(isPin ? byDigest(reference, entry.digest) : reference);
  if (decision.action === 'deny' && !context.reportOnly) return refuse(slot, decision);
  return leave(slot, 'controller', decision);
}

/**
 * A slot of a stored Job, whose template never changes: the recorded reference becomes the stored image again, since the
 * API server would refuse anything else, and any other image passes on to be refused there.
 */
export function planJobUpdate(slot: SubmittedSlot, context: PlanContext): SlotOutcome {
  const { reference } = slot;
  if (reference === null) return leave(slot, 'malformed', null);
  const stored = context.stored.slots.get(slot.key)?.image;
  const entry = context.stored.entries.get(slot.key);
  const isPin = entry !== undefined && isPinOf(entry, reference);
  const decision = context.judge(isPin ? byDigest(reference, entry.digest) : reference);
  if (decision.action === 'deny' && !context.reportOnly) return refuse(slot, decision);
  if (entry === undefined || stored === undefined) return leave(slot, 'job', decision);
  if (!isPin && !sameReference(entry.reference, reference)) return leave(slot, 'job', decision);
  return settle(slot, { image: isPin ? slot.image : stored, digest: entry.digest, entry, source: 'own-pin' }, decision);
}
