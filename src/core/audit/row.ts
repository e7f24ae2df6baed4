import type { Digest } from '../image/digest.ts';
import { byDigest, canonicalText, type ImageReference, parseReference } from '../image/reference.ts';
import type { Resolution } from '../image/resolution.ts';
import { type AuditState, explainFinding, type Finding } from './finding.ts';
import type { Observation } from './running.ts';
import { type AuditedSlot, requestedOf } from './workload.ts';

/** One image of one workload: a line of the audit. */
export interface AuditRow {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  /** `NAME` of a container, `volumes/NAME` of an image volume. */
  readonly container: string;
  /** As it is stored. */
  readonly image: string;
  /** By tag: what was recorded, or what the image itself says; null where only a digest is known. */
  readonly requested: string | null;
  readonly digest: Digest | null;
  /** What its Pods run, sorted. */
  readonly running: readonly Digest[];
  /** That of the first finding; `pinned` where there is none. */
  readonly state: AuditState;
  readonly reason: string | null;
  /** All that was found, the gravest first. */
  readonly findings: readonly Finding[];
}

/** A slot and what Pods have in its place. */
export interface ObservedSlot {
  readonly kind: string;
  readonly name: string;
  readonly slot: AuditedSlot;
  readonly observations: readonly Observation[];
}

/** What is known besides a slot and its Pods. */
export interface RowFacts {
  readonly namespace: string;
  /** The Application without server-side diff that has a workload; null where there is none. */
  readonly application: (kind: string, name: string) => string | null;
  /** What a registry says of a reference now; null where it was not asked. */
  readonly now: (reference: ImageReference) => Resolution | null;
  /** Does an index list a manifest? Null where that is not known. */
  readonly lists: (index: ImageReference, manifest: Digest) => boolean | null;
}

/** The rows of a namespace. */
export function auditRows(slots: readonly ObservedSlot[], facts: RowFacts): readonly AuditRow[] {
  const digests = digestsByReference(slots);
  return slots.map((observed) => {
    const { kind, name, slot } = observed;
    const requested = requestedOf(slot);
    const known = requested === null ? undefined : digests.get(canonicalText(requested));
    const findings = findAll(observed, known ?? NO_DIGESTS, facts);
    return {
      namespace: facts.namespace,
      kind,
      name,
      container: slot.list === 'volumes' ? slot.key : slot.name,
      image: slot.image,
      requested: slot.reference === null ? slot.image : (requested?.text ?? null),
      digest: slot.reference?.digest ?? null,
      running: runningDigests(observed.observations),
      state: findings[0]?.state ?? 'pinned',
      reason: findings.length === 0 ? null : findings.map(explainFinding).join('; '),
      findings,
    };
  });
}

/** The references whose meaning an audit wants to know, each once: of all that is pinned from a tag, or could be. */
export function askedReferences(slots: readonly ObservedSlot[]): readonly ImageReference[] {
  const asked = slots.flatMap(({ slot }) => {
    const reference = requestedOf(slot);
    return reference === null || slot.floats?.state === 'skipped'
      ? []
      : [[canonicalText(reference), reference] as const];
  });
  return [...new Map(asked).values()];
}

/** The pairs of a pinned image and a digest that runs instead, which may be one of its platforms; each once. */
export function askedPairs(slots: readonly ObservedSlot[]): readonly (readonly [ImageReference, Digest])[] {
  const pairs = slots.flatMap(({ slot, observations }) => {
    const pinned = pinnedReference(slot);
    if (pinned === null) return [];
    const { unsure } = compareRunning(slot, pinned, observations, () => null);
    return unsure.map((digest) => [`${canonicalText(pinned)} ${digest}`, [pinned, digest] as const] as const);
  });
  return [...new Map(pairs).values()];
}

interface Digests {
  readonly pinned: Set<Digest>;
  readonly floating: Set<Digest>;
}

const NO_DIGESTS: Digests = { pinned: new Set(), floating: new Set() };

/** What a reference is in a namespace: the digests that it is pinned to, and those that run where it floats. */
function digestsByReference(slots: readonly ObservedSlot[]): ReadonlyMap<string, Digests> {
  const found = new Map<string, Digests>();
  for (const { slot, observations } of slots) {
    const requested = requestedOf(slot);
    if (requested === null || slot.floats?.state === 'skipped') continue;
    const key = canonicalText(requested);
    const digests = found.get(key) ?? { pinned: new Set(), floating: new Set() };
    found.set(key, digests);
    const digest = slot.reference?.digest ?? null;
    if (digest !== null) digests.pinned.add(digest);
    else for (const running of runningDigests(observations)) digests.floating.add(running);
  }
  return found;
}

function findAll(observed: ObservedSlot, digests: Digests, facts: RowFacts): readonly Finding[] {
  const { kind, name, slot, observations } = observed;
  const pinned = pinnedReference(slot);
  return pinned === null
    ? findFloating(slot, digests, facts)
    : [
        ...findDrift(slot, pinned, observations, facts),
        ...findFlapping(slot, facts.application(kind, name)),
        ...findSplit(digests.pinned),
        ...findBehind(slot, pinned, facts),
        ...findRemarks(slot, pinned, observations, facts),
      ];
}

function findFloating({ floats, reference }: AuditedSlot, digests: Digests, facts: RowFacts): readonly Finding[] {
  if (floats === null || floats.state === 'skipped' || reference === null) return floats === null ? [] : [floats];
  const answer = facts.now(reference);
  const unanswered: readonly Finding[] =
    answer?.kind === 'failed'
      ? [{ state: 'unresolved', why: 'NoAnswer', code: answer.code, message: answer.message }]
      : [];
  return [...unanswered, floats, ...findSplit(digests.pinned.union(digests.floating))];
}

function findDrift(
  slot: AuditedSlot,
  pinned: ImageReference,
  observations: readonly Observation[],
  facts: RowFacts,
): readonly Finding[] {
  const { strangers, others } = compareRunning(slot, pinned, observations, facts.lists);
  const findings: Finding[] = [];
  if (others.length > 0) {
    const digests = runningDigests(others);
    findings.push({ state: 'drifted', why: 'OtherImage', pods: most(others), digests });
  }
  if (strangers.length > 0) {
    const images = [...new Set(strangers.map(({ slot: { image } }) => image))].toSorted();
    findings.push({ state: 'drifted', why: 'OtherTemplate', pods: most(strangers), images });
  }
  return findings;
}

function findFlapping({ entry }: AuditedSlot, application: string | null): readonly Finding[] {
  // A digest that stands in git is put back as it is.
  return entry === null || application === null ? [] : [{ state: 'flapping', why: 'ClientSideDiff', application }];
}

function findBehind(slot: AuditedSlot, pinned: ImageReference, { now }: RowFacts): readonly Finding[] {
  const requested = requestedOf(slot);
  const answer = requested === null ? null : now(requested);
  if (answer === null) return [];
  if (answer.kind === 'failed') {
    return [{ state: 'unresolved', why: 'NoAnswer', code: answer.code, message: answer.message }];
  }
  return answer.digest === pinned.digest ? [] : [{ state: 'behind', why: 'TagMoved', digest: answer.digest }];
}

function findRemarks(
  slot: AuditedSlot,
  pinned: ImageReference,
  observations: readonly Observation[],
  facts: RowFacts,
): readonly Finding[] {
  const { unsure } = compareRunning(slot, pinned, observations, facts.lists);
  const silent = observations.filter(({ running }) => running === 'unknown');
  return [
    ...(unsure.length === 0 ? [] : [{ state: 'pinned', why: 'MaybePlatform', digests: unsure } as const]),
    ...(silent.length === 0 ? [] : [{ state: 'pinned', why: 'NoDigests', pods: most(silent) } as const]),
  ];
}

interface Comparison {
  /** Pods that were made from another template: what they were asked to run is another digest. */
  readonly strangers: readonly Observation[];
  /** Pods that run what is neither the pin nor a part of it. */
  readonly others: readonly Observation[];
  /** What runs and may be a platform of the pin, or another image. */
  readonly unsure: readonly Digest[];
}

/**
 * Compares a pin with what runs. A Pod's own image is proof: whoever was made with another digest runs another, whoever was made
 * with the pin runs it or a platform of it, since the runtime checks what it pulls. What was made with a tag can be told only where
 * the runtime reports the pin itself, or a digest that the container had before; for the rest an index has to be looked into.
 */
function compareRunning(
  slot: AuditedSlot,
  pinned: ImageReference,
  observations: readonly Observation[],
  lists: RowFacts['lists'],
): Comparison {
  const strangers: Observation[] = [];
  const others: Observation[] = [];
  const unsure = new Set<Digest>();
  for (const observation of observations) {
    const own = digestIn(observation.slot.image);
    const { running } = observation;
    if (own !== null && own !== pinned.digest) strangers.push(observation);
    else if (running !== null && running !== 'unknown' && running !== pinned.digest) {
      // Of two images with one configuration a runtime may report either, so a Pod's own pin beats what ran before.
      const ranBefore = own === null && slot.entry?.before.some(({ digest }) => digest === running) === true;
      const isListed = ranBefore ? false : lists(pinned, running);
      if (isListed === false) others.push(observation);
      else if (isListed === null) unsure.add(running);
    }
  }
  return { strangers, others, unsure: [...unsure].toSorted() };
}

function findSplit(digests: ReadonlySet<Digest>): readonly Finding[] {
  return digests.size < 2 ? [] : [{ state: 'split', why: 'OtherDigest', digests: [...digests].toSorted() }];
}

/** The image by its digest; null where it floats. */
function pinnedReference({ reference }: AuditedSlot): ImageReference | null {
  return reference === null || reference.digest === null ? null : byDigest(reference, reference.digest);
}

function digestIn(image: string): Digest | null {
  const parsed = parseReference(image);
  return parsed.ok ? parsed.reference.digest : null;
}

function runningDigests(observations: readonly Observation[]): readonly Digest[] {
  const digests = observations.flatMap(({ running }) => (running === null || running === 'unknown' ? [] : [running]));
  return [...new Set(digests)].toSorted();
}

function most(observations: readonly Observation[]): number {
  return observations.reduce((sum, { pods }) => sum + pods, 0);
}
