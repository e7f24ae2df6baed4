import { skipValue } from '../admission/context.ts';
import { byTag, type ImageReference, parseReference } from '../image/reference.ts';
import { type Decision, decide } from '../policy/decide.ts';
import type { Policy } from '../policy/schema.ts';
import { asString, valueAt } from '../workload/json.ts';
import type { WorkloadKind } from '../workload/kinds.ts';
import { countedEntries, PINS_ANNOTATION, type PinEntry, readPins } from '../workload/pins.ts';
import { type ImageSlot, imageSlots, readSlot, type SubmittedSlot } from '../workload/slots.ts';
import { controllerOf, isJobOfCronJob, standing } from '../workload/standing.ts';
import { annotationOf, isSkipped } from '../workload/targets.ts';
import type { Finding } from './finding.ts';

/** By what the images of a namespace are judged. */
export interface AuditPolicy {
  readonly policy: Policy;
  readonly namespace: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
}

/** One image of a workload, as far as its manifest tells. */
export interface AuditedSlot extends SubmittedSlot {
  /** The entry of the record that counts; null where it is not pinned by tagpin. */
  readonly entry: PinEntry | null;
  /** Why it has no digest; null where it has one. */
  readonly floats: Finding | null;
}

/** A workload of which rows speak, without what they don't need of it. */
export interface AuditedWorkload {
  readonly kind: WorkloadKind;
  readonly name: string;
  readonly uid: string;
  readonly slots: readonly AuditedSlot[];
}

/** Reads a stored object of a kind; null for one that is being deleted. */
export function readWorkload(kind: WorkloadKind, object: unknown, facts: AuditPolicy): AuditedWorkload | null {
  if (asString(valueAt(object, ['metadata', 'deletionTimestamp'])) !== null) return null;
  const { policy } = facts;
  const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
  const slots = imageSlots(kind, object).map(readSlot);
  const entries = countedEntries(readPins(annotationOf(object, PINS_ANNOTATION)), slots);
  const skip = policy.defaults.allowSkip ? skipValue(kind, object) : null;
  const kinds = isJobOfCronJob(kind, object) ? [kind, 'CronJob'] : [kind];
  const left = leftAlone(kind, object, policy);
  const unpinned: Finding =
    kind === 'Job' || kind === 'Pod'
      ? { state: 'floating', why: 'Unchangeable', kind }
      : { state: 'floating', why: 'NeverPinned', refresh: refreshCommand(kind, name, facts.namespace) };
  return {
    kind,
    name,
    uid: asString(valueAt(object, ['metadata', 'uid'])) ?? '',
    slots: slots.map((slot) => ({
      ...slot,
      entry: entries.get(slot.key) ?? null,
      floats: whyFloating(slot, { left, skip, judge: judgeOf(facts, kinds), unpinned }),
    })),
  };
}

/** A slot that Pods have and the template of their owner has not: an ephemeral container, or what another webhook put there. */
export function readAddedSlot(slot: ImageSlot, facts: AuditPolicy): AuditedSlot {
  const read = readSlot(slot);
  const unpinned: Finding = { state: 'floating', why: 'OnlyInPods' };
  return {
    ...read,
    entry: null,
    floats: whyFloating(read, { left: null, skip: null, judge: judgeOf(facts, ['Pod']), unpinned }),
  };
}

/** What was asked for by tag, as far as it is known: what was recorded, else the image's own tag. */
export function requestedOf({ entry, reference }: AuditedSlot): ImageReference | null {
  return entry?.reference ?? (reference === null ? null : byTag(reference));
}

interface FloatingFacts {
  readonly left: Finding | null;
  readonly skip: string | null;
  readonly judge: (reference: ImageReference) => Decision;
  readonly unpinned: Finding;
}

/** The steps of the design's page on pins for what is left to float, in their order. */
function whyFloating(slot: SubmittedSlot, { left, skip, judge, unpinned }: FloatingFacts): Finding | null {
  const { reference } = slot;
  if (reference === null) return { state: 'unresolved', why: 'Malformed', problem: malformed(slot.image) };
  if (reference.digest !== null) return null;
  if (left !== null) return left;
  const { action, rule, message } = judge(reference);
  if (action === 'deny') return { state: 'floating', why: 'Denied', rule };
  if (isSkipped(skip, slot)) return { state: 'skipped', why: 'Annotation' };
  if (action !== 'pin') return { state: 'skipped', why: 'Rule', rule, action, message };
  return slot.pullPolicy === 'Never' ? { state: 'skipped', why: 'PullPolicy' } : unpinned;
}

/** Why the webhook leaves an object alone; null where it does not. */
function leftAlone(kind: WorkloadKind, object: unknown, { defaults }: Policy): Finding | null {
  switch (standing(kind, object, null, defaults.customControllers)) {
    case 'ours':
      return null;
    case 'gone':
      return { state: 'skipped', why: 'MirrorPod' };
    case 'left': {
      const owner = controllerOf(object);
      return { state: 'skipped', why: 'Owner', owner: owner === null ? '' : `${owner.kind}/${owner.name}` };
    }
  }
}

function judgeOf({ policy, namespace, namespaceLabels }: AuditPolicy, kinds: readonly string[]) {
  return (reference: ImageReference) => decide(policy, { namespace, namespaceLabels, kinds, reference });
}

function refreshCommand(kind: WorkloadKind, name: string, namespace: string): string {
  return `tagpin refresh ${kind.toLowerCase()}/${name} -n ${namespace} --floating`;
}

function malformed(image: string): string {
  const parsed = parseReference(image);
  return parsed.ok ? '' : parsed.problem;
}
