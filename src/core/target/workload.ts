import { effectiveTag, type ImageReference } from '../image/reference.ts';
import { lastManager } from '../sweep/guard/manager.ts';
import { parseSelection, type SelectionRule } from '../version/select.ts';
import { asString, type JsonObject, valueAt } from '../workload/json.ts';
import { countedEntries, PINS_ANNOTATION, readPins } from '../workload/pins.ts';
import { pullSources } from '../workload/pull-sources.ts';
import { imageSlots, readSlot } from '../workload/slots.ts';
import { type Controller, controllerOf } from '../workload/standing.ts';
import { annotationOf } from '../workload/targets.ts';
import { isPause, PAUSE_ANNOTATION } from './application.ts';
import type { PodCredentials } from './connection.ts';
import { type Adopted, readAdopted } from './workload/adopt-from.ts';
import { FOLLOW_ANNOTATION, type FollowProblem, parseFollow } from './workload/follow.ts';
import { type PlacedEntry, placeEntries } from './workload/placed-entries.ts';
import { type FollowingKind, type Rollout, readRollout } from './workload/rollout.ts';

/** A workload that follows tags: all that the sweeper decides by. */
export interface WorkloadTarget {
  readonly kind: FollowingKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly images: readonly FollowedByWorkload[];
  /** What is wrong with its annotations: an image that is named by one is none of the images. */
  readonly problems: readonly FollowProblem[];
  readonly paused: boolean;
  readonly deleting: boolean;
  /** Of an operator, which decides what it says. */
  readonly controller: Controller | null;
  readonly rollout: Rollout;
  /** The field manager that wrote its template last; null where that is not known, or was tagpin. */
  readonly changedBy: string | null;
  readonly credentials: PodCredentials;
  /** As it was read. */
  readonly object: JsonObject;
}

/** One image that a workload follows, and where it shows. */
export interface FollowedByWorkload extends PlacedEntry {
  /** How to choose: the tag it follows; null where no tag is known, which only a digest by hand comes to. */
  readonly rule: SelectionRule | null;
  readonly adopted: Adopted;
}

export type ReadWorkload =
  /** Null where it says nothing about following. */
  { readonly ok: true; readonly workload: WorkloadTarget | null } | { readonly ok: false; readonly problem: string };

/** Reads a workload. @param namespacePaused is its Namespace paused? */
export function readWorkload(
  kind: FollowingKind,
  object: JsonObject,
  { namespacePaused }: { readonly namespacePaused: boolean },
): ReadWorkload {
  const metadata = (key: string): string | null => asString(valueAt(object, ['metadata', key])) || null;
  const [namespace, name, uid] = [metadata('namespace'), metadata('name'), metadata('uid')];
  const follow = annotationOf(object, FOLLOW_ANNOTATION);
  if (namespace === null || name === null || uid === null) {
    return { ok: false, problem: `it is no ${kind}: namespace, name and uid belong to one` };
  }
  if (follow === null) return { ok: true, workload: null };

  const read = parseFollow(follow);
  const slots = imageSlots(kind, object).map(readSlot);
  const entries = countedEntries(readPins(annotationOf(object, PINS_ANNOTATION)), slots);
  const placed = placeEntries(kind, object, read.entries, slots, entries);
  const adopting = readAdopted(object, placed.images);
  const { secrets, serviceAccount } = pullSources(kind, object);
  return {
    ok: true,
    workload: {
      kind,
      namespace,
      name,
      uid,
      images: placed.images.map((image, index) => ({
        ...image,
        rule: ruleOf(image.followed),
        adopted: adopting.adopted[index] ?? { kind: 'nothing' },
      })),
      problems: [...read.problems, ...placed.problems, ...adopting.problems],
      paused: namespacePaused || isPause(annotationOf(object, PAUSE_ANNOTATION)),
      deleting: metadata('deletionTimestamp') !== null,
      controller: controllerOf(object),
      rollout: readRollout(kind, object),
      changedBy: lastManager(object, ['f:template', 'f:jobTemplate']),
      credentials: { kind: 'pod', namespace, secrets, serviceAccount },
      object,
    },
  };
}

/** The rule by which a tag is followed; null for a reference by digest alone. */
function ruleOf(followed: ImageReference): SelectionRule | null {
  const tag = followed.digest === null ? effectiveTag(followed) : followed.tag;
  if (tag === null) return null;
  const known = RULES.get(tag);
  if (known !== undefined) return known;
  const text = { strategy: 'digest', constraint: tag, allowTags: null, ignoreTags: null, extract: null };
  const parsed = parseSelection(text);
  if (!parsed.ok) return null;
  if (RULES.size >= MOST_RULES) RULES.clear();
  RULES.set(tag, parsed.value);
  return parsed.value;
}

/** Thousands of workloads follow a few dozen tags. */
const RULES = new Map<string, SelectionRule>();
const MOST_RULES = 1000;
