import { type ImageReference, parseReference } from '../image/reference.ts';
import { asString, elements, property, valueAt } from './json.ts';
import { templatePath, type WorkloadKind } from './kinds.ts';

/** The lists of a Pod spec that name images. */
export type SlotList = 'containers' | 'initContainers' | 'ephemeralContainers' | 'volumes';

/** One place of an object that names an image. */
export interface ImageSlot {
  readonly list: SlotList;
  /** The container's or volume's name; empty where it has none, which the API server refuses later. */
  readonly name: string;
  /** `containers/NAME`, `volumes/NAME` and so on: how records and reports name the slot. */
  readonly key: string;
  /** Property names and indexes from the object to the image. */
  readonly path: readonly (string | number)[];
  /** The image as it stands there, never empty. */
  readonly image: string;
  /** `imagePullPolicy`, or an image volume's `pullPolicy`; null where none is given. */
  readonly pullPolicy: string | null;
}

/** A slot whose image has been read; null where it is malformed. */
export interface SubmittedSlot extends ImageSlot {
  readonly reference: ImageReference | null;
}

const CONTAINER_LISTS: readonly SlotList[] = ['containers', 'initContainers', 'ephemeralContainers'];

/**
 * Every image of an object, in the order of the lists: containers, init containers, ephemeral containers and image
 * volumes (`volumes[].image.reference`, KEP-4639). What has no image, or one that is no text, is passed over.
 */
export function imageSlots(kind: WorkloadKind, object: unknown): readonly ImageSlot[] {
  const specPath = [...templatePath(kind), 'spec'];
  const spec = valueAt(object, specPath);
  const slots: ImageSlot[] = [];
  for (const list of CONTAINER_LISTS) {
    for (const [index, container] of elements(property(spec, list)).entries()) {
      const image = asString(property(container, 'image'));
      if (image === null || image === '') continue;
      const name = asString(property(container, 'name')) ?? '';
      const pullPolicy = asString(property(container, 'imagePullPolicy'));
      slots.push({ list, name, key: `${list}/${name}`, path: [...specPath, list, index, 'image'], image, pullPolicy });
    }
  }
  for (const [index, volume] of elements(property(spec, 'volumes')).entries()) {
    const source = property(volume, 'image');
    const image = asString(property(source, 'reference'));
    if (image === null || image === '') continue;
    const name = asString(property(volume, 'name')) ?? '';
    slots.push({
      list: 'volumes',
      name,
      key: `volumes/${name}`,
      path: [...specPath, 'volumes', index, 'image', 'reference'],
      image,
      pullPolicy: asString(property(source, 'pullPolicy')),
    });
  }
  return slots;
}

/** Reads the image of a slot. */
export function readSlot(slot: ImageSlot): SubmittedSlot {
  const parsed = parseReference(slot.image);
  return { ...slot, reference: parsed.ok ? parsed.reference : null };
}
