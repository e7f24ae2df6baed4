import type { Authority, TrustedAuthority } from './authority.ts';
import { isPublished, type RotationView } from './rotation.ts';

/** A certificate that can be served, and its key, which must never be printed. */
export interface ServingPair {
  /** PEM, with the chain behind it where there is one. */
  readonly certificate: string;
  readonly key: string;
  readonly expires: Date;
}

/** What is known of the serving certificate that a replica made itself. */
export interface Leaf {
  readonly authority: TrustedAuthority;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** When it was made. */
  readonly issued: Date;
  /** From 0 to 1: how early it is renewed, so that replicas do not do it together. */
  readonly spread: number;
}

/** Whether another serving certificate is wanted. */
export type ServingStep =
  | { readonly kind: 'keep' }
  | { readonly kind: 'issue'; readonly by: Authority; readonly notBefore: Date; readonly notAfter: Date };

const KEEP: ServingStep = { kind: 'keep' };

/** Renewed for less than this part of its life, a certificate near its authority's end would be renewed ever faster. */
const WORTH_WHILE = 1 / 20;

/** With this part of its life left, there is no more waiting for caBundles that do not come. */
const LAST_PART = 1 / 10;

/**
 * Decides about the serving certificate: made where there is none; renewed at a third of its life, up to a tenth earlier; made
 * anew by another authority when every caBundle has held that one for the propagation time, so that no API server that is
 * slow to hear meets what it does not know.
 *
 * @param readAt when the Secret was read that `view.stored` comes from. Nothing is signed for longer than `times.serving`
 * after that: who can't read the Secret does not know whether this authority still signs.
 */
export function servingStep(view: RotationView, leaf: Leaf | null, readAt: Date): ServingStep {
  const { stored, now, times } = view;
  if (stored === null) return KEEP;
  const by = stored.signing;
  const notAfter = earlier(new Date(readAt.getTime() + times.serving), by.notAfter);
  const notBefore = later(new Date(now.getTime() - 2 * times.skew), by.notBefore);
  if (notBefore >= notAfter || now >= notAfter) return KEEP;
  const issue: ServingStep = { kind: 'issue', by, notBefore, notAfter };
  if (leaf === null || now >= leaf.notAfter) return issue;
  // Our clock was ahead when it was made.
  if (now < leaf.notBefore && notBefore < leaf.notBefore) return issue;
  if (leaf.authority.id !== by.id) {
    const isHeard = isPublished(by, view) && view.liveFor >= times.propagation;
    return isHeard || hasLeft(leaf, LAST_PART, now) ? issue : KEEP;
  }
  const gain = notAfter.getTime() - leaf.notAfter.getTime();
  const isDue = hasLeft(leaf, 1 / 3 + leaf.spread / 10, now);
  return isDue && gain >= times.serving * WORTH_WHILE ? issue : KEEP;
}

/** Is only this part of its life left? */
function hasLeft({ issued, notAfter }: Leaf, part: number, now: Date): boolean {
  return notAfter.getTime() - now.getTime() <= (notAfter.getTime() - issued.getTime()) * part;
}

function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}
