import { type Digest, shortDigest } from '../../image/digest.ts';
import type { ImageReference } from '../../image/reference.ts';
import type { Decision } from '../../policy/decide.ts';
import type { PinEntry } from '../../workload/pins.ts';
import type { ImageSlot, SubmittedSlot } from '../../workload/slots.ts';
import type { Outcome, VerificationRecord } from '../record.ts';

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
  | 'denied'
  | 'skip' // the annotation's word
  | 'pull-policy'
  | 'controller' // an owner's business
  | 'job' // a Job's template never changes
  | 'malformed' // the API server's own validation says so
  | 'pending' // nobody was asked, since the request is refused anyway
  // unresolved: the registry's condition
  | `registry:${string}`;

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
  /** A rule or a `verify` entry denies the image, and the caller must not be stopped: the denial is only reported. */
  readonly reported: boolean;
  /** What the policy's `verify` entries came to; empty where none speaks of the image, and while they were not asked. */
  readonly verified: readonly VerificationRecord[];
}

/** The slot goes through as it was submitted, and no record speaks of it. */
export function leave(
  slot: SubmittedSlot,
  source: Source,
  decision: Decision | null,
  ...warnings: Warning[]
): SlotOutcome {
  const digest = slot.reference?.digest ?? null;
  const outcome = digest !== null ? 'kept' : source.startsWith('registry:') ? 'unresolved' : 'skipped';
  return { ...facts(slot, decision), image: slot.image, digest, entry: null, outcome, source, warnings };
}

/** What a slot gets, or has. */
export interface Settled {
  readonly image: string;
  readonly digest: Digest;
  readonly entry: PinEntry | null;
  readonly source: Source;
}

/** The slot gets, or has, this digest. */
export function settle(
  slot: ImageSlot,
  settled: Settled,
  decision: Decision | null,
  ...warnings: Warning[]
): SlotOutcome {
  const outcome = settled.source === 'own-pin' || settled.source === 'digest' ? 'kept' : 'pinned';
  return { ...facts(slot, decision), ...settled, outcome, warnings };
}

function facts(slot: ImageSlot, decision: Decision | null) {
  // Where a denial is enforced the outcome is a refusal, so what gets here was let through.
  const reported = decision?.action === 'deny';
  return { slot, rule: decision?.rule ?? null, denial: null, reported, verified: [] };
}

/** A rule refuses the slot's image. */
export function refuse(slot: SubmittedSlot, decision: Decision): SlotOutcome {
  const by = decision.rule === null ? "the policy's defaults" : `rule ${JSON.stringify(decision.rule)}`;
  const advice = decision.message ?? 'Use another image, or ask who keeps the ConfigMap tagpin-policy.';
  const message = `${place(slot)} is denied by ${by} of the tagpin policy. ${advice}`;
  return deny(slot, 'denied', decision, { code: 403, message });
}

/** The request is refused because of this slot. */
export function deny(slot: SubmittedSlot, source: Source, decision: Decision, denial: Denial): SlotOutcome {
  return { ...leave(slot, source, decision), denial, reported: false };
}

/** One more warning, before the others. */
export function withWarning(outcome: SlotOutcome, warning: Warning): SlotOutcome {
  return { ...outcome, warnings: [warning, ...outcome.warnings] };
}

/** `image "nginx:1.27" of container api`, for denials. */
export function place(slot: ImageSlot): string {
  const holder = slot.list === 'volumes' ? 'volume' : 'container';
  return `image ${JSON.stringify(slot.image.slice(0, 512))} of ${holder} ${slot.name.slice(0, 253)}`;
}

/** A line about a slot, and about a reference where one is given: `api: nginx:1.27 floats as before`. */
export function problem(slot: ImageSlot, text: string, reference?: ImageReference): Warning {
  return { kind: 'problem', text: line(slot, text, reference) };
}

export function news(slot: ImageSlot, text: string, reference?: ImageReference): Warning {
  return { kind: 'news', text: line(slot, text, reference) };
}

/** The API server's advice for one warning. */
export const LONGEST_WARNING = 120;

/** The text of a line is what the user has to read, so names give way to it, a reference from its front. */
function line(slot: ImageSlot, text: string, reference?: ImageReference): string {
  const names = LONGEST_WARNING - text.length - 3;
  if (reference === undefined) return `${shorten(slot.name, names)}: ${text}`;
  const own = Math.min(slot.name.length, Math.max(names - reference.text.length, Math.floor(names / 3)));
  return `${shorten(slot.name, own)}: ${shorten(reference.text, names - own)} ${text}`;
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `…${text.slice(text.length - Math.max(most - 1, 0))}`;
}

/** `pinned to sha256:0123456789ab`. */
export function pinnedNews(slot: ImageSlot, reference: ImageReference, digest: Digest): Warning {
  return news(slot, `pinned to ${shortDigest(digest)}`, reference);
}
