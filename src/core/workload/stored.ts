import type { Digest } from '../image/digest.ts';
import { effectiveTag, type ImageReference } from '../image/reference.ts';
import type { WorkloadKind } from './kinds.ts';
import { countedEntries, isPinOf, type Pin, type PinEntry, type Pins, sameReference } from './pins.ts';
import { imageSlots, readSlot, type SubmittedSlot } from './slots.ts';

/** What an object had before the request: its images, and the part of its record that counts. */
export interface Stored {
  readonly slots: ReadonlyMap<string, SubmittedSlot>;
  readonly entries: ReadonlyMap<string, PinEntry>;
  readonly refreshed: readonly string[];
}

const NOTHING: Stored = { slots: new Map(), entries: new Map(), refreshed: [] };

/**
 * Reads `oldObject`; of what was never stored there is nothing.
 *
 * @param pins its record.
 */
export function readStored(kind: WorkloadKind, oldObject: unknown, pins: Pins): Stored {
  if (oldObject === null) return NOTHING;
  const slots = new Map(imageSlots(kind, oldObject).map((slot) => [slot.key, readSlot(slot)]));
  return { slots, entries: countedEntries(pins, slots.values()), refreshed: pins.refreshed };
}

/** The pin that another slot has of this reference; of several, the first in sorted key order. */
export function pinElsewhere(stored: Stored, reference: ImageReference): PinEntry | null {
  for (const key of [...stored.entries.keys()].toSorted()) {
    const entry = stored.entries.get(key);
    if (entry !== undefined && sameReference(entry.reference, reference)) return entry;
  }
  return null;
}

/** What a slot ran under this reference before, the newest digest first. */
export function remembered(stored: Stored, key: string, reference: ImageReference): Digest | null {
  return stored.entries.get(key)?.before.find((pin) => sameReference(pin.reference, reference))?.digest ?? null;
}

/** What a slot ran before by this digest, the newest pair first; of `repo:tag@digest` only under that tag. */
export function rememberedPin(stored: Stored, key: string, image: ImageReference): Pin | null {
  const isMeant = (pin: Pin): boolean =>
    isPinOf(pin, image) && (image.tag === null || effectiveTag(pin.reference) === image.tag);
  return stored.entries.get(key)?.before.find(isMeant) ?? null;
}

/** Does this very pair stand in the stored record, as a pin or as a memory of any slot? */
export function standsInStored(stored: Stored, pin: Pin): boolean {
  for (const entry of stored.entries.values()) {
    for (const each of [entry, ...entry.before]) {
      if (each.digest === pin.digest && sameReference(each.reference, pin.reference)) return true;
    }
  }
  return false;
}
