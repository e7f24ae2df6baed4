import { byUnits } from '../workload/pins.ts';
import { makePatch, type Patch } from './patch.ts';
import type { AdmissionPlan } from './plan.ts';
import type { AdmissionRecord } from './record.ts';
import type { AdmissionRequest } from './request.ts';
import type { Denial, SlotOutcome } from './slot/outcome.ts';
import { warningLines } from './warnings.ts';

/** An AdmissionReview of `admission.k8s.io/v1` with a response. */
export interface AdmissionReview {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    /** Both or neither: the API server refuses an answer with only one of them. */
    readonly patchType?: 'JSONPatch';
    /** Base64 of the operations. */
    readonly patch?: string;
    readonly warnings?: readonly string[];
    readonly auditAnnotations?: Readonly<Record<string, string>>;
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  };
}

export interface Answer {
  readonly review: AdmissionReview;
  readonly record: AdmissionRecord;
}

const NO_PATCH: Patch = { operations: [], shortened: 'nothing' };

/**
 * Puts a finished plan into an answer.
 *
 * @param quiet no warnings: the caller is one of Kubernetes' own controllers, which read none.
 */
export function answer(request: AdmissionRequest, plan: AdmissionPlan, quiet: 'quiet' | 'warn'): Answer {
  const denial = denialOf(plan);
  const patch = denial === null && request.object !== null ? makePatch(request.object, plan) : NO_PATCH;
  const decision = denial !== null ? 'denied' : patch.operations.length > 0 ? 'patched' : 'allowed';
  const warnings = quiet === 'quiet' || denial !== null ? [] : warningLines(plan, patch.shortened);
  const annotations = auditAnnotations(plan, decision);
  const review: AdmissionReview = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid: request.uid,
      allowed: denial === null,
      ...(patch.operations.length > 0 && { patchType: 'JSONPatch', patch: base64(JSON.stringify(patch.operations)) }),
      ...(warnings.length > 0 && { warnings }),
      ...(Object.keys(annotations).length > 0 && { auditAnnotations: annotations }),
      ...(denial !== null && { status: statusOf(denial) }),
    },
  };
  return { review, record: recordOf(request, plan, decision) };
}

/** An answer to what is no review that could be read, or that could not be answered. */
export function refusal(uid: string, code: number, reason: string, message: string): AdmissionReview {
  const status = { code, reason, message };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: false, status } };
}

/** All refusals in one message; what a policy forbids goes before what only failed. */
function denialOf(plan: AdmissionPlan): Denial | null {
  const denials = plan.slots.flatMap((slot) => slot.denial ?? []);
  const [first] = denials;
  if (first === undefined) return null;
  const messages = [...new Set(denials.map((denial) => denial.message))];
  const more = messages.length > MOST_MESSAGES ? ` (and ${messages.length - MOST_MESSAGES} more)` : '';
  const code = denials.some((denial) => denial.code === 403) ? 403 : first.code;
  return { code, message: `${messages.slice(0, MOST_MESSAGES).join(' ')}${more}` };
}

const MOST_MESSAGES = 3;

function statusOf(denial: Denial) {
  return {
    code: denial.code,
    reason: denial.code === 403 ? 'Forbidden' : 'ServiceUnavailable',
    message: denial.message,
  };
}

/**
 * What the API server's audit log keeps. A key once set is not set again, so a later round of the same request says only
 * what it added, under a key of its own.
 */
function auditAnnotations(plan: AdmissionPlan, decision: AdmissionRecord['decision']): Record<string, string> {
  const verified = slotTexts(plan, verdictText);
  if (plan.reinvocation && decision !== 'denied') {
    const isNew = ({ outcome }: SlotOutcome): boolean => outcome === 'pinned';
    const added = slotTexts(plan, (slot) => (isNew(slot) ? pinText(slot) : null));
    const addedVerdicts = slotTexts(plan, (slot) => (isNew(slot) ? verdictText(slot) : null));
    if (added !== null)
      return { 'pins-added': added, ...(addedVerdicts !== null && { 'verified-added': addedVerdicts }) };
    // Said again with the same value it is no change; and what brought its record along, as a restore does, says it once.
    const all = slotTexts(plan, pinText);
    return { ...(all !== null && { pins: all }), ...(verified !== null && { verified }) };
  }
  const pins = decision === 'denied' ? null : slotTexts(plan, pinText);
  const deciding = decision === 'denied' ? plan.slots.filter((slot) => slot.denial !== null) : plan.slots;
  const rules = [...new Set(deciding.flatMap((slot) => slot.rule ?? []))].toSorted(byUnits);
  return {
    decision,
    ...(pins !== null && { pins }),
    ...(rules.length > 0 && { 'policy-rule': rules.join(',') }),
    ...(verified !== null && { verified }),
  };
}

/** The digest of an image that is pinned, or kept as a pin; null for others. */
function pinText({ digest, entry, outcome, denial }: SlotOutcome): string | null {
  return denial !== null || (entry === null && outcome !== 'pinned') ? null : digest;
}

/** `ours=verified,scanned=failed`; null where no entry was asked. */
function verdictText({ verified }: SlotOutcome): string | null {
  return verified.length === 0 ? null : verified.map(({ entry, result }) => `${entry}=${result}`).join(',');
}

/** References and what is to be said of them as compact, sorted JSON; null where that is nothing. */
function slotTexts(plan: AdmissionPlan, textOf: (outcome: SlotOutcome) => string | null): string | null {
  const texts = new Map<string, string>();
  for (const outcome of plan.slots) {
    const text = textOf(outcome);
    if (text === null) continue;
    const { slot, entry } = outcome;
    const reference = entry?.reference.text ?? slot.image;
    const other = texts.get(reference);
    texts.set(other === undefined || other === text ? reference : `${reference} (${slot.key})`, text);
  }
  if (texts.size === 0) return null;
  const fields = [...texts].toSorted(([a], [b]) => byUnits(a, b));
  return `{${fields.map(([reference, text]) => `${JSON.stringify(reference)}:${JSON.stringify(text)}`).join(',')}}`;
}

/** Audit lines are bounded: whoever writes the object chooses these texts. */
const LONGEST_TEXT = 512;

function recordOf(
  request: AdmissionRequest,
  plan: AdmissionPlan,
  decision: AdmissionRecord['decision'],
): AdmissionRecord {
  return {
    uid: request.uid,
    user: request.user.slice(0, LONGEST_TEXT),
    operation: request.operation.slice(0, LONGEST_TEXT),
    namespace: request.namespace.slice(0, LONGEST_TEXT),
    kind: request.kindName.slice(0, LONGEST_TEXT),
    name: request.name.slice(0, LONGEST_TEXT),
    decision,
    images: plan.slots.map(({ slot, digest, outcome, source, rule, reported, verified }) => ({
      container: slot.key.slice(0, LONGEST_TEXT),
      ref: slot.image.slice(0, LONGEST_TEXT),
      digest,
      outcome,
      source,
      rule,
      ...(reported && { reported }),
      ...(verified.length > 0 && { verified }),
    })),
  };
}

/** Base64 of JSON in ASCII: other characters are written as escapes, since `btoa` takes bytes. */
function base64(json: string): string {
  return btoa(json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));
}
