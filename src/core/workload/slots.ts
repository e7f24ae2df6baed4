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

/** Where the elements of each list have what makes a slot. */
const PLACES = [
  { list: 'containers', image: ['image'], pullPolicy: ['imagePullPolicy'] },
  { list: 'initContainers', image: ['image'], pullPolicy: ['imagePullPolicy'] },
  { list: 'ephemeralContainers', image: ['image'], pullPolicy: ['imagePullPolicy'] },
  { list: 'volumes', image: ['image', 'reference'], pullPolicy: ['image', 'pullPolicy'] },
] as const;

/**
 * Every image of an object, in the order of the lists: containers, init containers, ephemeral containers and image
 * volumes (`volumes[].image.reference`, KEP-4639). What has no image, or one that is no text, is passed over.
 */
export function imageSlots(kind: WorkloadKind, object: unknown): readonly ImageSlot[] {
  const specPath = [...templatePath(kind), 'spec'];
  const spec = valueAt(object, specPath);
  const slots: ImageSlot[] = [];
  for (const place of PLACES) {
    const { list } = place;
    elements(property(spec, list)).forEach((holder, index) => {
      const image = asString(valueAt(holder, place.image));
      if (image === null || image === '') return;
      const name = asString(property(holder, 'name')) ?? '';
      const path = [...specPath, list, index, ...place.image];
      slots.push({
        list,
        name,
        key: `${list}/${name}`,
        path,
        image,
        pullPolicy: asString(valueAt(holder, place.pullPolicy)),
      });
    });
  }
  return slots;
}

/** Reads the image of a slot. */
export function readSlot(slot: ImageSlot): SubmittedSlot {
  const parsed = parseReference(slot.image);
  return { ...slot, reference: parsed.ok ? parsed.reference : null };
}
