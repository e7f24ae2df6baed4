import type { Digest } from '../image/digest.ts';
import { canonicalText } from '../image/reference.ts';
import { asString, valueAt } from '../workload/json.ts';
import { templatePath, type WorkloadKind } from '../workload/kinds.ts';
import { byUnits, type PinEntry, type Pins, sameReference } from '../workload/pins.ts';
import { imageSlots, readSlot, type SubmittedSlot } from '../workload/slots.ts';
import { standing } from '../workload/standing.ts';
import { remembered, standsInStored } from '../workload/stored.ts';
import { annotationOf, isSkipped, PINNED_LABEL, REFRESH_ANNOTATION, SKIP_ANNOTATION } from '../workload/targets.ts';
import { type PlanContext, type PlanFacts, type RequestContext, readContext } from './context.ts';
import { type Answers, createInquiry, type Question } from './questions.ts';
import { NO_REFRESH, planRefresh, type RefreshPlan, type WishedSlot } from './refresh.ts';
import { nextRefreshed } from './refreshed.ts';
import type { AdmissionRequest } from './request.ts';
import { planJobUpdate, planOwned } from './slot/kept-slot.ts';
import { problem, type SlotOutcome, type Warning } from './slot/outcome.ts';
import { planSlot } from './slot/slot.ts';
import { readWish } from './slot/wish.ts';

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

/** Nobody runs so many in a Pod; a few objects of a hundred thousand would be all the memory that there is. */
const MOST_SLOTS = 1000;

const NOTHING: AdmissionPlan = {
  slots: [],
  pins: null,
  label: false,
  reinvocation: false,
  warnings: [],
  questions: [],
};

/** Plans an answer with what registries have said so far. */
export type Planner = (answers: Answers) => AdmissionPlan;

const planNothing: Planner = () => NOTHING;

/**
 * Reads a request into what plans its answer, from values alone: the same request with the same answers gives the same plan.
 */
export function planAdmission(request: AdmissionRequest, facts: PlanFacts): Planner {
  const { kind, object, operation, subResource } = request;
  if (object === null || (operation !== 'CREATE' && operation !== 'UPDATE')) return planNothing;
  if (kind === null) {
    const text = `tagpin does not know ${request.kindName}; take it out of the webhook's rules`;
    return () => ({ ...NOTHING, warnings: [{ kind: 'problem', text }] });
  }
  if (subResource !== '' && !(kind === 'Pod' && subResource === 'ephemeralcontainers')) return planNothing;

  const stands = standing(kind, object, request.oldObject, facts.policy.defaults.customControllers);
  if (stands === 'gone') return planNothing;
  const own = asString(object['kind']);
  if (own !== null && own !== request.kindName) {
    const text = `the request speaks of a ${request.kindName} and carries a ${own.slice(0, 40)}: nothing was looked at`;
    return () => ({ ...NOTHING, warnings: [{ kind: 'problem', text }] });
  }
  const known = readContext(request, kind, facts);
  const slots = imageSlots(kind, object)
    .filter(({ list, key }) => isLookedAt(list, key, subResource, known))
    .map(readSlot);
  return (answers) => {
    const context = { ...known, inquiry: createInquiry(answers) };
    if (slots.length > MOST_SLOTS) {
      const text = `an object of more than ${MOST_SLOTS} images is judged, but not pinned`;
      return { ...planLeft(slots, kind, request, context), label: false, warnings: [{ kind: 'problem', text }] };
    }
    if (stands === 'left') return planLeft(slots, kind, request, context);
    if (subResource !== '') return planEphemeral(slots, context);
    if (kind === 'Job' && operation === 'UPDATE') return planJob(slots, request, context);
    return planOurs(slots, kind, request, context);
  };
}

/** Ephemeral containers come through a subresource of their own, where nothing else changes. */
function isLookedAt(list: string, key: string, subResource: string, context: RequestContext): boolean {
  if (subResource === '') return list !== 'ephemeralContainers';
  return list === 'ephemeralContainers' && !context.stored.slots.has(key);
}

/** What a controller owns is judged; a Pod still gets its label. */
function planLeft(
  slots: readonly SubmittedSlot[],
  kind: WorkloadKind,
  request: AdmissionRequest,
  context: PlanContext,
): AdmissionPlan {
  const outcomes = slots.map((slot) => planOwned(slot, context));
  return { ...NOTHING, slots: outcomes, label: wantsLabel(kind, request, outcomes) };
}

/** That subresource stores no metadata, so there is no record and no refresh. */
function planEphemeral(slots: readonly SubmittedSlot[], context: PlanContext): AdmissionPlan {
  const outcomes = slots.map((slot) => {
    const facts = { verdict: null, moved: null, memory: null };
    return { ...planSlot(slot, readWish(slot, context), facts, context), entry: null };
  });
  return { ...NOTHING, slots: outcomes, questions: openQuestions(outcomes, context) };
}

/** A Job's template never changes: what was pinned is mapped back, all else passes. */
function planJob(slots: readonly SubmittedSlot[], request: AdmissionRequest, context: PlanContext): AdmissionPlan {
  const outcomes = slots.map((slot) => planJobUpdate(slot, context));
  const { refreshed } = context.stored;
  const asked = annotationOf(request.object, REFRESH_ANNOTATION);
  const text = "a Job's images never change, so nothing was refreshed; make a new Job";
  return {
    ...NOTHING,
    slots: outcomes,
    pins: { entries: entriesOf(outcomes), refreshed },
    warnings: asked === null || refreshed.includes(asked) ? [] : [{ kind: 'problem', text }],
  };
}

function planOurs(
  slots: readonly SubmittedSlot[],
  kind: WorkloadKind,
  request: AdmissionRequest,
  context: PlanContext,
): AdmissionPlan {
  const wished = slots.map((slot) => ({ slot, wish: readWish(slot, context) }));
  const value = request.operation === 'UPDATE' ? annotationOf(request.object, REFRESH_ANNOTATION) : null;
  const refresh = value === null ? NO_REFRESH : planRefresh(value, wished, context);
  const memories = readMemories(wished, context);
  const outcomes = wished.map(({ slot, wish }) => {
    const reference =
      wish.kind === 'tag' && refresh.moved.size + memories.size > 0 ? canonicalText(wish.reference) : '';
    const facts = {
      verdict: refresh.verdicts.get(slot.key) ?? null,
      moved: refresh.moved.get(reference) ?? null,
      memory: memories.get(reference) ?? null,
    };
    return planSlot(slot, wish, facts, context);
  });
  return {
    slots: outcomes,
    pins: { entries: entriesOf(outcomes), refreshed: nextRefreshed(refresh.honoured, context) },
    label: wantsLabel(kind, request, outcomes),
    reinvocation: outcomes.some((outcome) => isFromEarlierRound(outcome, context)),
    warnings: [
      ...refresh.warnings,
      ...leftBehindWarnings(refresh, outcomes),
      ...cronJobWarnings(kind, request, context),
      ...restartWarnings(kind, request, outcomes, context),
    ],
    questions: openQuestions(outcomes, context),
  };
}

/** A request that is refused whatever registries say asks none of them. */
function openQuestions(outcomes: readonly SlotOutcome[], context: PlanContext): readonly Question[] {
  return outcomes.some((outcome) => outcome.denial?.code === 403) ? [] : context.inquiry.open;
}

/**
 * What references meant when containers of this object ran them before, by canonical text. One reference has one digest in
 * an object: what the first container in key order remembers holds for all that ask for the same.
 */
function readMemories(wished: readonly WishedSlot[], context: PlanContext): ReadonlyMap<string, Digest> {
  const memories = new Map<string, Digest>();
  if (context.history === 0 || context.stored.entries.size === 0) return memories;
  for (const { slot, wish } of wished.toSorted((a, b) => byUnits(a.slot.key, b.slot.key))) {
    // What is left to float remembers nothing for others either.
    if (wish.kind !== 'tag' || slot.pullPolicy === 'Never' || isSkipped(context.skip, slot)) continue;
    const digest = remembered(context.stored, slot.key, wish.reference);
    if (digest === null || context.judge(wish.reference).action !== 'pin') continue;
    const reference = canonicalText(wish.reference);
    if (!memories.has(reference)) memories.set(reference, digest);
  }
  return memories;
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

/** A slot that keeps another digest of a reference that a refresh moved elsewhere in the object. */
function leftBehindWarnings(refresh: RefreshPlan, outcomes: readonly SlotOutcome[]): readonly Warning[] {
  if (refresh.moved.size === 0) return [];
  return outcomes.flatMap(({ slot, entry }): readonly Warning[] => {
    const moved = entry === null ? undefined : refresh.moved.get(canonicalText(entry.reference));
    if (moved === undefined || moved === entry?.digest) return [];
    return [problem(slot, 'not refreshed, though another container of its reference was')];
  });
}

/** Jobs of a CronJob have the annotations of `jobTemplate.metadata` and no others. */
function cronJobWarnings(kind: WorkloadKind, { object }: AdmissionRequest, context: PlanContext): readonly Warning[] {
  if (kind !== 'CronJob' || !context.honoursSkip) return [];
  const elsewhere = [object, valueAt(object, ['spec', 'jobTemplate', 'spec', 'template'])];
  const isElsewhere = elsewhere.some((place) => annotationOf(place, SKIP_ANNOTATION) !== null);
  if (!isElsewhere || annotationOf(valueAt(object, ['spec', 'jobTemplate']), SKIP_ANNOTATION) !== null) return [];
  const text = `${SKIP_ANNOTATION} reaches this CronJob's Jobs from spec.jobTemplate.metadata only`;
  return [{ kind: 'problem', text }];
}

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** `rollout restart` used to fetch a tag anew; with pins it starts the same again. An undo changes the digests as well. */
function restartWarnings(
  kind: WorkloadKind,
  { object, oldObject }: AdmissionRequest,
  outcomes: readonly SlotOutcome[],
  { stored }: PlanContext,
): readonly Warning[] {
  if (oldObject === null) return [];
  const template = templatePath(kind);
  const restarted = annotationOf(valueAt(object, template), RESTARTED_AT);
  if (restarted === null || restarted === annotationOf(valueAt(oldObject, template), RESTARTED_AT)) return [];
  const isKept = ({ slot, digest }: SlotOutcome) => stored.slots.get(slot.key)?.reference?.digest === digest;
  if (!outcomes.every(isKept) || !outcomes.some(({ source }) => source === 'own-pin')) return [];
  return [{ kind: 'problem', text: 'a restart keeps the pinned digests; tagpin.dev/refresh asks for new ones' }];
}
