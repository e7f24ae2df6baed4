import { byDigest } from '../../image/reference.ts';
import { nextEntry, sameReference } from '../../workload/pins.ts';
import type { SubmittedSlot } from '../../workload/slots.ts';
import { isSkipped } from '../../workload/targets.ts';
import type { PlanContext, RefreshVerdict, SlotFacts } from '../context.ts';
import { leave, problem, refuse, type SlotOutcome, settle, withWarning } from './outcome.ts';
import { moveTo, planTag } from './tag-slot.ts';
import type { Wish } from './wish.ts';

/** Plans one slot of an object that tagpin rewrites: what its image becomes, what the record says of it, and why. */
export function planSlot(slot: SubmittedSlot, wish: Wish, facts: SlotFacts, context: PlanContext): SlotOutcome {
  const { verdict } = facts;
  switch (wish.kind) {
    case 'malformed':
    case 'pending':
      return leave(slot, wish.kind, null);
    case 'digest':
      return withVerdict(planDigest(slot, wish, facts, context), verdict);
    case 'tag': {
      const tag = { slot, reference: wish.reference, decision: context.judge(wish.reference), context };
      const planned = withVerdict(planTag(tag, facts), verdict);
      const isEdited = slot.reference?.digest !== null;
      if (!isEdited || planned.entry === null || !sameReference(planned.entry.reference, wish.reference))
        return planned;
      return withWarning(
        planned,
        problem(slot, `the new tag ${wish.reference.tag} counts, not the old tag's digest behind it`),
      );
    }
  }
}

/** A slot that asks for a digest: it is kept, and its entry with it where the entry is believed. */
function planDigest(
  slot: SubmittedSlot,
  { reference, pin }: Wish & { readonly kind: 'digest' },
  { verdict }: SlotFacts,
  context: PlanContext,
): SlotOutcome {
  const { digest } = reference;
  if (digest === null) throw new Error('a wish for a digest has one');
  const decision = context.judge(pin === null ? reference : byDigest(reference, digest));
  if (decision.action === 'deny' && !context.reportOnly) return refuse(slot, decision);
  if (isSkipped(context.skip, slot)) return leave(slot, 'skip', decision);
  if (verdict?.kind === 'move') return moveTo(slot, verdict, decision, context);
  if (verdict?.kind === 'pending') return leave(slot, 'pending', decision);
  const previous = context.stored.entries.get(slot.key) ?? null;
  const entry = pin === null ? null : nextEntry(previous, pin, context.history);
  return settle(slot, { image: slot.image, digest, entry, source: entry === null ? 'digest' : 'own-pin' }, decision);
}

function withVerdict(planned: SlotOutcome, verdict: RefreshVerdict | null): SlotOutcome {
  return verdict?.kind === 'stay' && verdict.warning !== null ? withWarning(planned, verdict.warning) : planned;
}
