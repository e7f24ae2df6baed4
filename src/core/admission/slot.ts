import type { Digest } from '../image/digest.ts';
import { byTag, effectiveTag, type ImageReference, parseReference } from '../image/reference.ts';
import { sameRepository } from '../workload/pins.ts';
import type { ImageSlot } from '../workload/slots.ts';
import type { PlanContext, RefreshVerdict } from './context.ts';
import { planDigest } from './digest-slot.ts';
import { leave, problem, type SlotOutcome, withWarning } from './outcome.ts';
import { planTag } from './tag-slot.ts';

/**
 * Plans one slot of an object that tagpin rewrites: what its image becomes, what the record says of it, and why.
 *
 * @param verdict what a refresh found for this slot; null where none asks for it.
 * @param memory what the slot's reference meant when a container of the object ran it before; null where none did.
 */
export function planSlot(
  slot: ImageSlot,
  verdict: RefreshVerdict | null,
  memory: Digest | null,
  context: PlanContext,
): SlotOutcome {
  const parsed = parseReference(slot.image);
  if (!parsed.ok) return leave(slot, 'malformed', null);
  const { reference } = parsed;
  const wanted = wantedTag(slot, reference, context);
  const planned =
    wanted === null
      ? planDigest(slot, reference, verdict, context)
      : planTag({ slot, reference: wanted, decision: context.judge(wanted), context }, verdict, memory);
  const commented =
    wanted !== null && reference.digest !== null
      ? withWarning(planned, problem(slot, `the new tag ${wanted.tag} counts; the digest behind it is the old tag's`))
      : planned;
  return verdict?.kind === 'stay' && verdict.warning !== null ? withWarning(commented, verdict.warning) : commented;
}

/**
 * The reference by tag that a submitted image asks for; null where it asks for a digest. `repo:new@digest` with the
 * recorded digest is an edit of the tag by somebody who left the digest where it was.
 */
export function wantedTag(slot: ImageSlot, reference: ImageReference, context: PlanContext): ImageReference | null {
  if (reference.digest === null) return reference;
  const entry = context.stored.entries.get(slot.key);
  const isNewTag =
    reference.tag !== null &&
    entry?.digest === reference.digest &&
    sameRepository(entry.reference, reference) &&
    effectiveTag(entry.reference) !== reference.tag &&
    context.stored.slots.get(slot.key)?.image !== slot.image;
  return isNewTag ? byTag(reference) : null;
}
