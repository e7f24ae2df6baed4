import type { Digest } from '../image/digest.ts';
import { canonicalText, parseReference } from '../image/reference.ts';
import { valueAt } from '../workload/json.ts';
import { templatePath, type WorkloadKind } from '../workload/kinds.ts';
import { type PinEntry, type Pins, sameReference } from '../workload/pins.ts';
import { type ImageSlot, imageSlots } from '../workload/slots.ts';
import { standing } from '../workload/standing.ts';
import { remembered, standsInStored } from '../workload/stored.ts';
import { annotationOf, PINNED_LABEL, REFRESH_ANNOTATION, SKIP_ANNOTATION } from '../workload/targets.ts';
import { type PlanContext, type PlanFacts, readContext } from './context.ts';
import { planJobUpdate, planOwned } from './kept-slot.ts';
import type { SlotOutcome, Warning } from './outcome.ts';
import type { Question } from './questions.ts';
import { NO_REFRESH, planRefresh } from './refresh.ts';
import { nextRefreshed } from './refreshed.ts';
import type { AdmissionRequest } from './request.ts';
import { planSlot, wantedTag } from './slot.ts';

/** What a request is answered with, before it is put into JSON. It holds once `questions` is empty. */
export interface AdmissionPlan {
  readonly slots: readonly SlotOutcome[];
  /** The record that the object has afterwards; null where its annotations are left alone. */
  readonly pins: Pins | null;
  /** Is the label `tagpin.dev/pinned` asked for? */
  readonly label: boolean;
  /** Did an earlier round of this same request pin already? */
  readonly reinvocation: boolean;
  readonly warnings: readonly Warning[];
  /** What registries have to be asked; the plan is made again with their answers. */
  readonly questions: readonly Question[];
}

const NOTHING: AdmissionPlan = {
  slots: [],
  pins: null,
  label: false,
  reinvocation: false,
  warnings: [],
  questions: [],
};

/**
 * Plans the answer to a request, from values alone: the same request with the same answers gives the same plan.
 */
export function planAdmission(request: AdmissionRequest, facts: PlanFacts): AdmissionPlan {
  const { kind, object, operation, subResource } = request;
  if (object === null || (operation !== 'CREATE' && operation !== 'UPDATE')) return NOTHING;
  if (kind === null) {
    const text = `tagpin does not know ${request.kindName}; take it out of the webhook's rules`;
    return { ...NOTHING, warnings: [{ kind: 'problem', text }] };
  }
  if (subResource !== '' && !(kind === 'Pod' && subResource === 'ephemeralcontainers')) return NOTHING;

  const stands = standing(kind, object, facts.policy.defaults.customControllers);
  if (stands === 'gone') return NOTHING;
  const context = readContext(request, kind, facts);
  const slots = imageSlots(kind, object).filter((slot) => isLookedAt(slot, subResource, context));
  if (stands === 'left') return planLeft(slots, kind, request, context);
  if (subResource !== '') return planEphemeral(slots, context);
  if (kind === 'Job' && operation === 'UPDATE') return planJob(slots, request, context);
  return planOurs(slots, kind, request, context);
}

/** Ephemeral containers come through a subresource of their own, where nothing else changes. */
function isLookedAt(slot: ImageSlot, subResource: string, context: PlanContext): boolean {
  if (subResource === '') return slot.list !== 'ephemeralContainers';
  return slot.list === 'ephemeralContainers' && !context.stored.slots.has(slot.key);
}

/** What a controller owns is judged; a Pod still gets its label. */
function planLeft(slots: readonly ImageSlot[], kind: WorkloadKind, request: AdmissionRequest, context: PlanContext) {
  const outcomes = slots.map((slot) => planOwned(slot, context));
  return { ...NOTHING, slots: outcomes, label: wantsLabel(kind, request, outcomes) };
}

/** That subresource stores no metadata, so there is no record and no refresh. */
function planEphemeral(slots: readonly ImageSlot[], context: PlanContext): AdmissionPlan {
  const outcomes = slots.map((slot) => ({ ...planSlot(slot, null, null, context), entry: null }));
  return { ...NOTHING, slots: outcomes, questions: openQuestions(outcomes, context) };
}

/** A Job's template never changes: what was pinned is mapped back, all else passes. */
function planJob(slots: readonly ImageSlot[], request: AdmissionRequest, context: PlanContext): AdmissionPlan {
  const outcomes = slots.map((slot) => planJobUpdate(slot, context));
  const asked = annotationOf(request.object, REFRESH_ANNOTATION) !== null;
  const text = "a Job's images never change, so nothing was refreshed; make a new Job";
  return {
    ...NOTHING,
    slots: outcomes,
    pins: { entries: entriesOf(outcomes), refreshed: nextRefreshed(null, context) },
    warnings: asked ? [{ kind: 'problem', text }] : [],
  };
}

function planOurs(
  slots: readonly ImageSlot[],
  kind: WorkloadKind,
  request: AdmissionRequest,
  context: PlanContext,
): AdmissionPlan {
  const isUpdate = request.operation === 'UPDATE';
  const value = isUpdate ? annotationOf(request.object, REFRESH_ANNOTATION) : null;
  const refresh = value === null ? NO_REFRESH : planRefresh(value, slots, context);
  const memories = readMemories(slots, context);
  const outcomes = slots.map((slot) =>
    planSlot(slot, refresh.verdicts.get(slot.key) ?? null, memories.get(slot.key) ?? null, context),
  );
  return {
    slots: outcomes,
    pins: { entries: entriesOf(outcomes), refreshed: nextRefreshed(refresh.honoured, context) },
    label: wantsLabel(kind, request, outcomes),
    reinvocation: outcomes.some((outcome) => isFromEarlierRound(outcome, context)),
    warnings: [...refresh.warnings, ...cronJobWarnings(kind, request), ...restartWarnings(kind, request, outcomes)],
    questions: openQuestions(outcomes, context),
  };
}

/** A request that is refused whatever registries say asks none of them. */
function openQuestions(outcomes: readonly SlotOutcome[], context: PlanContext): readonly Question[] {
  return outcomes.some((outcome) => outcome.denial?.code === 403) ? [] : context.inquiry.open;
}

/**
 * What the slots' references meant when these containers ran them before, by slot key. One reference has one digest in an
 * object: what the first container in key order remembers holds for all that ask for the same.
 */
function readMemories(slots: readonly ImageSlot[], context: PlanContext): ReadonlyMap<string, Digest> {
  if (context.history === 0 || context.stored.entries.size === 0) return new Map();
  const byReference = new Map<string, Digest>();
  const keys = new Map<string, string>();
  for (const slot of slots.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
    const parsed = parseReference(slot.image);
    const wanted = parsed.ok ? wantedTag(slot, parsed.reference, context) : null;
    if (wanted === null) continue;
    const reference = canonicalText(wanted);
    keys.set(slot.key, reference);
    const digest = remembered(context.stored, slot.key, wanted);
    if (digest !== null && !byReference.has(reference)) byReference.set(reference, digest);
  }
  const memories = [...keys].flatMap(([key, reference]): [string, Digest][] => {
    const digest = byReference.get(reference);
    return digest === undefined ? [] : [[key, digest]];
  });
  return new Map(memories);
}

function entriesOf(outcomes: readonly SlotOutcome[]): ReadonlyMap<string, PinEntry> {
  return new Map(
    outcomes.flatMap(({ slot, entry }): [string, PinEntry][] => (entry === null ? [] : [[slot.key, entry]])),
  );
}

/** A pair of the submitted record that is believed though nothing is stored of it: an earlier round made it. */
function isFromEarlierRound({ slot, entry, outcome }: SlotOutcome, context: PlanContext): boolean {
  const claim = context.submitted.entries.get(slot.key);
  return (
    outcome === 'kept' &&
    entry !== null &&
    claim?.digest === entry.digest &&
    sameReference(claim.reference, entry.reference) &&
    !standsInStored(context.stored, entry)
  );
}

/** The label is a hint for selectors; one that is there already is nobody's business. */
function wantsLabel(kind: WorkloadKind, request: AdmissionRequest, outcomes: readonly SlotOutcome[]): boolean {
  return (
    kind === 'Pod' &&
    request.operation === 'CREATE' &&
    outcomes.length > 0 &&
    outcomes.every((outcome) => outcome.digest !== null) &&
    valueAt(request.object, ['metadata', 'labels', PINNED_LABEL]) === null
  );
}

/** Jobs of a CronJob have the annotations of `jobTemplate.metadata` and no others. */
function cronJobWarnings(kind: WorkloadKind, { object }: AdmissionRequest): readonly Warning[] {
  if (kind !== 'CronJob') return [];
  const elsewhere = [object, valueAt(object, ['spec', 'jobTemplate', 'spec', 'template'])];
  const isElsewhere = elsewhere.some((place) => annotationOf(place, SKIP_ANNOTATION) !== null);
  if (!isElsewhere || annotationOf(valueAt(object, ['spec', 'jobTemplate']), SKIP_ANNOTATION) !== null) return [];
  const text = `${SKIP_ANNOTATION} reaches this CronJob's Jobs from spec.jobTemplate.metadata only`;
  return [{ kind: 'problem', text }];
}

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** `rollout restart` used to fetch a tag anew; with pins it starts the same again. */
function restartWarnings(
  kind: WorkloadKind,
  { object, oldObject }: AdmissionRequest,
  outcomes: readonly SlotOutcome[],
): readonly Warning[] {
  const template = templatePath(kind);
  const restarted = annotationOf(valueAt(object, template), RESTARTED_AT);
  if (oldObject === null || restarted === null || !outcomes.some((each) => each.source === 'own-pin')) return [];
  if (restarted === annotationOf(valueAt(oldObject, template), RESTARTED_AT)) return [];
  return [{ kind: 'problem', text: 'a restart keeps the pinned digests; tagpin.dev/refresh asks for new ones' }];
}
