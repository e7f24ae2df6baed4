import { type Digest, shortDigest } from '../image/digest.ts';
import { type ImageReference, parseReference } from '../image/reference.ts';
import type { Decision } from '../policy/decide.ts';
import type { PinEntry } from '../workload/pins.ts';
import type { ImageSlot } from '../workload/slots.ts';
import type { Outcome } from './record.ts';

/** Where a slot's image comes from, or why it is left as it is. Audit lines, metrics and tests share these words. */
export type Source =
  // pinned
  | 'registry'
  | 'cache'
  | 'last-known' // the registry gave no answer
  | 'memory' // what this container ran under the reference before
  | 'other-pin' // another container of the object has the reference
  | 'refresh'
  // kept
  | 'own-pin'
  | 'digest' // named by the user
  // skipped
  | 'unchanged' // it floated before the request
  | 'ignore' // a rule's word
  | 'warn'
  | 'denied' // a rule's word, reported only
  | 'skip' // the annotation's word
  | 'pull-policy'
  | 'controller' // an owner's business
  | 'job' // a Job's template never changes
  | 'malformed' // the API server's own validation says so
  // unresolved: the registry's condition
  | `registry:${string}`
  | 'pending';

/** Why a request is refused; `code` is the HTTP status in the answer. */
export interface Denial {
  readonly code: 403 | 503;
  readonly message: string;
}

/** A line for the user; problems are shown before news. */
export interface Warning {
  readonly kind: 'problem' | 'news';
  readonly text: string;
}

/** What becomes of one slot. */
export interface SlotOutcome {
  readonly slot: ImageSlot;
  /** The image in the answer. */
  readonly image: string;
  /** The digest in that image; null where it floats. */
  readonly digest: Digest | null;
  /** What the record says of the slot; null where it is not pinned by tagpin. */
  readonly entry: PinEntry | null;
  readonly outcome: Outcome;
  readonly source: Source;
  /** The policy's rule that decided; null where its defaults did, or none was asked. */
  readonly rule: string | null;
  readonly warnings: readonly Warning[];
  readonly denial: Denial | null;
}

/** The slot goes through as it was submitted, and no record speaks of it. */
export function leave(slot: ImageSlot, source: Source, decision: Decision | null, ...warnings: Warning[]): SlotOutcome {
  const parsed = parseReference(slot.image);
  const digest = parsed.ok ? parsed.reference.digest : null;
  const outcome =
    digest !== null ? 'kept' : source === 'pending' || source.startsWith('registry:') ? 'unresolved' : 'skipped';
  const rule = decision?.rule ?? null;
  return { slot, image: slot.image, digest, entry: null, outcome, source, rule, warnings, denial: null };
}

/** The slot gets, or has, this digest. */
export function settle(
  slot: ImageSlot,
  result: { image: string; digest: Digest; entry: PinEntry | null; source: Source; decision: Decision | null },
  ...warnings: Warning[]
): SlotOutcome {
  const { image, digest, entry, source } = result;
  const outcome = source === 'own-pin' || source === 'digest' ? 'kept' : 'pinned';
  return { slot, image, digest, entry, outcome, source, rule: result.decision?.rule ?? null, warnings, denial: null };
}

/** A rule refuses the slot's image. */
export function refuse(slot: ImageSlot, decision: Decision): SlotOutcome {
  const by = decision.rule === null ? "the policy's defaults" : `rule ${JSON.stringify(decision.rule)}`;
  const advice = decision.message ?? 'Use another image, or ask who keeps the ConfigMap tagpin-policy.';
  return deny(slot, 'denied', decision, {
    code: 403,
    message: `${place(slot)} is denied by ${by} of the tagpin policy. ${advice}`,
  });
}

/** The request is refused because of this slot. */
export function deny(slot: ImageSlot, source: Source, decision: Decision, denial: Denial): SlotOutcome {
  return { ...leave(slot, source, decision), denial };
}

/** One more warning, before the others. */
export function withWarning(outcome: SlotOutcome, warning: Warning): SlotOutcome {
  return { ...outcome, warnings: [warning, ...outcome.warnings] };
}

/** `image "nginx:1.27" of container api`, for denials. */
export function place(slot: ImageSlot): string {
  return `image ${JSON.stringify(slot.image.slice(0, 512))} of ${slot.list === 'volumes' ? 'volume' : 'container'} ${slot.name.slice(0, 253)}`;
}

export function problem(slot: ImageSlot, text: string): Warning {
  return { kind: 'problem', text: `${slot.name}: ${text}` };
}

export function news(slot: ImageSlot, text: string): Warning {
  return { kind: 'news', text: `${slot.name}: ${text}` };
}

/** `nginx:1.27 pinned to sha256:0123456789ab`. */
export function pinnedNews(slot: ImageSlot, reference: ImageReference, digest: Digest): Warning {
  return news(slot, `${reference.text} pinned to ${shortDigest(digest)}`);
}
