import { type Digest, parseDigest } from '../image/digest.ts';
import { asString, valueAt } from './json.ts';
import type { ImageSlot } from './slots.ts';

export const SKIP_ANNOTATION = 'tagpin.dev/skip';
export const REFRESH_ANNOTATION = 'tagpin.dev/refresh';
export const PINNED_LABEL = 'tagpin.dev/pinned';

/** An annotation of whatever has metadata, an object or a template; null where it has none of that name. */
export function annotationOf(holder: unknown, name: string): string | null {
  return asString(valueAt(holder, ['metadata', 'annotations', name]));
}

/** What a refresh asks for; `expected` is the digest that the asker wants to see, and no other. */
export type RefreshTarget<Slot extends ImageSlot = ImageSlot> =
  | { readonly kind: 'all' }
  | { readonly kind: 'floating' }
  | { readonly kind: 'slot'; readonly slot: Slot; readonly expected: Digest | null };

export type ParsedRefresh<Slot extends ImageSlot = ImageSlot> =
  | { readonly ok: true; readonly targets: readonly RefreshTarget<Slot>[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the value of `tagpin.dev/refresh`: `TARGETS[;TEXT]`, a comma list of `*`, `floating`, `NAME`, `NAME=sha256:…`,
 * `volumes/NAME`, `initContainers/NAME`. One bad target spoils them all: half a request is not what was asked for.
 */
export function parseRefresh<Slot extends ImageSlot>(value: string, slots: readonly Slot[]): ParsedRefresh<Slot> {
  const semicolon = value.indexOf(';');
  const words = (semicolon === -1 ? value : value.slice(0, semicolon)).split(',').map((word) => word.trim());
  const targets: RefreshTarget<Slot>[] = [];
  for (const word of words.filter((each) => each !== '')) {
    const equals = word.indexOf('=');
    const name = (equals === -1 ? word : word.slice(0, equals)).trim();
    const digest = equals === -1 ? null : parseDigest(word.slice(equals + 1).trim());
    if (equals !== -1 && digest === null) return { ok: false, problem: `${name}= wants a digest` };
    if (name === '*' || name === 'floating') {
      if (digest !== null) return { ok: false, problem: `${name} takes no digest` };
      targets.push({ kind: name === '*' ? 'all' : 'floating' });
      continue;
    }
    const slot = findSlot(name, slots);
    if (slot === null) return { ok: false, problem: `there is no ${name}, only ${slotNames(slots)}` };
    const conflict = targets.some(
      (each) =>
        each.kind === 'slot' &&
        each.slot === slot &&
        each.expected !== null &&
        digest !== null &&
        each.expected !== digest,
    );
    if (conflict) return { ok: false, problem: `${name} is named twice, with two digests` };
    targets.push({ kind: 'slot', slot, expected: digest });
  }
  return targets.length === 0
    ? { ok: false, problem: `it names nothing; there is ${slotNames(slots)}` }
    : { ok: true, targets };
}

/** Tells whether a slot is to be left alone: `tagpin.dev/skip` is `*` or a comma list of the names that a refresh takes. */
export function isSkipped(value: string | null, slot: ImageSlot): boolean {
  if (value === null) return false;
  return value.split(',').some((word) => {
    const name = word.trim();
    return name === '*' || name === slot.key || (name === slot.name && name !== '' && slot.list !== 'volumes');
  });
}

/** A bare name is a container's, then an init container's; volumes and repeated names are told by their list. */
function findSlot<Slot extends ImageSlot>(name: string, slots: readonly Slot[]): Slot | null {
  const candidates = name.includes('/') ? [name] : [`containers/${name}`, `initContainers/${name}`];
  for (const key of candidates) {
    const slot = slots.find((each) => each.key === key);
    if (slot !== undefined) return slot;
  }
  return null;
}

function slotNames(slots: readonly ImageSlot[]): string {
  const names = slots.map((slot) => (slot.list === 'containers' ? slot.name : slot.key));
  return names.length === 0 ? 'no image' : names.join(', ');
}
