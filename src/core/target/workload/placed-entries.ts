import { canonicalName, type ImageReference } from '../../image/reference.ts';
import { nearestWord } from '../../policy/nearest.ts';
import type { JsonObject } from '../../workload/json.ts';
import { type PinEntry, sameReference } from '../../workload/pins.ts';
import type { SubmittedSlot } from '../../workload/slots.ts';
import { annotationOf, isSkipped, SKIP_ANNOTATION } from '../../workload/targets.ts';
import { quoted } from '../settings/written.ts';
import { applyManagerOf } from './apply-manager.ts';
import { type FollowAction, type FollowEntry, type FollowProblem, imageKey, imageName } from './follow.ts';
import {
  type Found,
  findVariable,
  foundImage,
  foundVariable,
  imageField,
  type VariablePlace,
  variableField,
} from './place.ts';
import type { FollowingKind } from './rollout.ts';

/** An image that is followed, and where it stands. */
export interface PlacedEntry {
  /** Unique in the workload: `api`, `api/IMAGE_DIGEST`, `initContainers/migrate`, `volumes/model`, or an image that no container runs. */
  readonly key: string;
  readonly action: FollowAction;
  /** What is followed: by tag, but for what was pinned by hand. */
  readonly followed: ImageReference;
  /** Null where no container runs it: for `restart` alone. */
  readonly slot: SubmittedSlot | null;
  readonly container: string | null;
  readonly env: string | null;
  /** With `set-env`, and only there. */
  readonly variable: VariablePlace | null;
  readonly found: Found;
  /** Who applies the field that would be written: with `set-image` and `set-env` alone. */
  readonly appliedBy: string | null;
  readonly interval: number | null;
  readonly minAge: number | null;
}

type Placed = PlacedEntry | { readonly problem: string };

/** Finds the places of what is followed. Two entries for one place are both left out, and so is what has no place. */
export function placeEntries(
  kind: FollowingKind,
  object: JsonObject,
  entries: readonly FollowEntry[],
  slots: readonly SubmittedSlot[],
  pins: ReadonlyMap<string, PinEntry>,
): { readonly images: readonly PlacedEntry[]; readonly problems: readonly FollowProblem[] } {
  const context: Context = { kind, object, slots, pins, skip: annotationOf(object, SKIP_ANNOTATION) };
  const problems: FollowProblem[] = [];
  const images: PlacedEntry[] = [];
  for (const entry of entries) {
    for (const placed of placeEntry(entry, context)) {
      if ('problem' in placed) problems.push({ name: entry.name, problem: placed.problem });
      else images.push(placed);
    }
  }
  const groups = Map.groupBy(images, ({ key }) => key);
  for (const [key, group] of groups) {
    if (group.length > 1)
      problems.push({ name: key, problem: `${group.length} entries follow ${key}: leave one of them` });
  }
  return { images: images.filter(({ key }) => groups.get(key)?.length === 1), problems };
}

interface Context {
  readonly kind: FollowingKind;
  readonly object: JsonObject;
  readonly slots: readonly SubmittedSlot[];
  readonly pins: ReadonlyMap<string, PinEntry>;
  readonly skip: string | null;
}

function placeEntry(entry: FollowEntry, context: Context): readonly Placed[] {
  const { action, container, image } = entry;
  if (action === 'restart' && context.kind === 'CronJob') {
    return [{ problem: 'a CronJob has nothing to restart, each Job runs anew: write action: refresh' }];
  }
  if (container !== null) {
    const slot = findSlot(container, context.slots);
    return [slot === null ? { problem: unknownContainer(container, context.slots) } : placeSlot(entry, slot, context)];
  }
  if (image === null) return [{ problem: 'name a container' }];
  const running = context.slots.filter((slot) => {
    const own = trackedOf(slot, context);
    if (own === null) return false;
    return action === 'set-image' ? canonicalName(own) === canonicalName(image) : sameReference(own, image);
  });
  if (running.length > 0) return running.map((slot) => placeSlot(entry, slot, context));
  if (action === 'restart') {
    return [{ ...shape(entry, image, null), key: imageName(image), found: { kind: 'floating' }, appliedBy: null }];
  }
  const others = context.slots.map((slot) => slot.image).join(', ');
  return [
    {
      problem: `no container runs ${quoted(image.text)}, there is ${others === '' ? 'none' : others}: name the container`,
    },
  ];
}

function placeSlot(entry: FollowEntry, slot: SubmittedSlot, context: Context): Placed {
  const { action, image, env } = entry;
  const { kind, object, pins, skip } = context;
  if (slot.reference === null) return { problem: `the image of ${slot.name} is malformed: ${quoted(slot.image)}` };
  const key = imageKey(slotName(slot), env);
  if (action === 'set-env' && image !== null && env !== null) {
    const variable = findVariable(object, slot, env);
    const found = foundVariable(variable, image);
    if (found.kind === 'problem') return found;
    const appliedBy = applyManagerOf(object, variableField(kind, slot, env));
    return { ...shape(entry, image, slot), key, variable, found, appliedBy };
  }

  const pin = pins.get(slot.key) ?? null;
  const found = foundImage(slot, pin);
  const own = trackedOf(slot, context) ?? slot.reference;
  const isFloating = found.kind === 'floating';
  switch (action) {
    case 'set-image': {
      const followed = image ?? own;
      if (canonicalName(own) !== canonicalName(followed)) {
        return {
          problem: `container ${slot.name} runs ${slot.image}, not ${quoted(followed.text)}: name the container that does`,
        };
      }
      return { ...shape(entry, followed, slot), key, found, appliedBy: applyManagerOf(object, imageField(kind, slot)) };
    }
    case 'refresh':
      if (isSkipped(skip, slot)) return { problem: `${SKIP_ANNOTATION} names ${slot.name}: remove one of the two` };
      if (slot.pullPolicy === 'Never')
        return { problem: `the pull policy of ${slot.name} is Never: it is never refreshed` };
      break;
    case 'restart':
      if (found.kind === 'digest')
        return { problem: `${slot.name} is pinned, so that a restart changes nothing: write action: refresh` };
      if (isFloating && slot.pullPolicy !== null && slot.pullPolicy !== 'Always') {
        const way = 'set it to Always, or write action: refresh';
        return {
          problem: `the pull policy of ${slot.name} is ${slot.pullPolicy}, so that a restart may pull nothing: ${way}`,
        };
      }
      break;
    case 'set-env':
      return { problem: 'action: set-env needs an image and a variable' };
  }
  if (image !== null && found.kind !== 'by hand' && !sameReference(own, image)) {
    const way =
      action === 'refresh' ? 'remove image:, or write action: set-image' : 'remove container:, or correct the image';
    return { problem: `${slot.name} runs ${quoted(own.text)}, not ${quoted(image.text)}: ${way}` };
  }
  return { ...shape(entry, found.kind === 'by hand' ? slot.reference : own, slot), key, found, appliedBy: null };
}

function shape(entry: FollowEntry, followed: ImageReference, slot: SubmittedSlot | null) {
  const { action, container, env, interval, minAge } = entry;
  const own = container ?? (slot === null ? null : slotName(slot));
  return { action, followed, slot, container: own, env, variable: null, interval, minAge };
}

/** What a slot was pinned from, or floats by; null for a digest by hand. */
function trackedOf(slot: SubmittedSlot, { pins }: Pick<Context, 'pins'>): ImageReference | null {
  const pin = pins.get(slot.key);
  if (pin !== undefined) return pin.reference;
  return slot.reference?.digest === null ? slot.reference : null;
}

function slotName({ list, name, key }: SubmittedSlot): string {
  return list === 'containers' ? name : key;
}

/** A bare name is a container's, then an init container's, as for `tagpin.dev/refresh`. */
function findSlot(name: string, slots: readonly SubmittedSlot[]): SubmittedSlot | null {
  const keys = name.includes('/') ? [name] : [`containers/${name}`, `initContainers/${name}`];
  return keys.map((key) => slots.find((slot) => slot.key === key)).find((slot) => slot !== undefined) ?? null;
}

function unknownContainer(name: string, slots: readonly SubmittedSlot[]): string {
  const names = slots.map(slotName);
  const meant = nearestWord(name, names);
  const what =
    meant === null ? `: there is ${names.length === 0 ? 'none' : names.join(', ')}` : `: did you mean ${meant}?`;
  return `there is no container ${quoted(name)}${what}`;
}
