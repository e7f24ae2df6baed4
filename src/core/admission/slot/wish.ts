import { byTag, effectiveTag, type ImageReference } from '../../image/reference.ts';
import { isPinOf, type Pin, sameReference } from '../../workload/pins.ts';
import type { SubmittedSlot } from '../../workload/slots.ts';
import { rememberedPin, standsInStored } from '../../workload/stored.ts';
import type { PlanContext } from '../context.ts';

/** What a submitted image asks for. */
export type Wish =
  /** What a tag means. */
  | { readonly kind: 'tag'; readonly reference: ImageReference }
  /** This digest, and the pin that it is believed to be; null where it was named by hand. */
  | { readonly kind: 'digest'; readonly reference: ImageReference; readonly pin: Pin | null }
  /** A registry has to say first whether the submitted record is right. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'malformed' };

/** Reads what a slot asks for, once for everything that is decided about it. */
export function readWish(slot: SubmittedSlot, context: PlanContext): Wish {
  const { reference } = slot;
  // A container without a name can't be told from others; the API server refuses it later.
  if (reference === null || slot.name === '') return { kind: 'malformed' };
  if (reference.digest === null) return { kind: 'tag', reference };
  const pin = believedPin(slot, reference, context);
  if (pin === 'pending') return { kind: 'pending' };
  const newTag = editedTag(slot, reference, pin, context);
  return newTag === null ? { kind: 'digest', reference, pin } : { kind: 'tag', reference: newTag };
}

/**
 * What a submitted digest is the pin of: the pair of the submitted record where it is believed (`rollout undo` of a
 * Deployment and a reinvocation bring one), otherwise that of the stored record, or what the slot ran before (`rollout undo`
 * of a StatefulSet or DaemonSet brings a template and no annotations). A pair is believed where it stands in the stored
 * record, or where the registry says the same now.
 */
function believedPin(slot: SubmittedSlot, reference: ImageReference, context: PlanContext): Pin | null | 'pending' {
  const own = context.stored.entries.get(slot.key);
  const isOwn = own !== undefined && isPinOf(own, reference);
  const memory = context.history === 0 ? null : rememberedPin(context.stored, slot.key, reference);
  const stored = isOwn ? own : memory;
  const claim = context.submitted.entries.get(slot.key);
  if (claim === undefined || !isPinOf(claim, reference)) return stored;
  if (stored !== null && sameReference(stored.reference, claim.reference)) return stored;
  if (standsInStored(context.stored, claim)) return claim;
  const answer = context.inquiry.ask({ reference: claim.reference, freshness: 'recordable' });
  if (answer === null) return 'pending';
  return (answer.kind === 'resolved' ? answer.digest : answer.lastKnown) === reference.digest ? claim : stored;
}

/**
 * `repo:new@digest` with the digest of the stored pin, which has another tag: somebody edited the tag, and left the digest
 * where it was. Null for all other references by digest.
 */
function editedTag(
  slot: SubmittedSlot,
  reference: ImageReference,
  pin: Pin | null,
  { stored }: PlanContext,
): ImageReference | null {
  const isStored = stored.slots.get(slot.key)?.image === slot.image;
  if (pin === null || pin !== stored.entries.get(slot.key) || reference.tag === null || isStored) return null;
  return effectiveTag(pin.reference) === reference.tag ? null : byTag(reference);
}
