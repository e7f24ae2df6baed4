import type { Digest } from '../image/digest.ts';
import { byTag } from '../image/reference.ts';
import type { WorkloadKind } from './kinds.ts';
import { countedEntries, PINS_ANNOTATION, readPins } from './pins.ts';
import { imageSlots, readSlot } from './slots.ts';
import { annotationOf, REFRESH_ANNOTATION } from './targets.ts';

/** What a refresh made of one image. */
export interface RefreshedSlot {
  /** `NAME` of a container, `volumes/NAME` of an image volume. */
  readonly container: string;
  /** As it is stored now. */
  readonly image: string;
  /** By tag; null where only a digest is known. */
  readonly requested: string | null;
  /** What it was before; null where it floated. */
  readonly before: Digest | null;
  readonly after: Digest | null;
}

/**
 * How an object that came back from the API server answers a refresh.
 * - `unseen`: the annotation is still there, so no webhook looked at it.
 * - `honoured`: it was done, as far as it can be.
 * - `open`: a registry gave no answer, or the kind is never refreshed; the same may be asked again.
 */
export type RefreshAnswer = 'unseen' | 'honoured' | 'open';

/** Reads the answer to a refresh in the object that was stored. */
export function readRefreshAnswer(object: unknown, value: string): RefreshAnswer {
  if (annotationOf(object, REFRESH_ANNOTATION) === value) return 'unseen';
  return readPins(annotationOf(object, PINS_ANNOTATION)).refreshed.includes(value) ? 'honoured' : 'open';
}

/** The images of an object after a refresh, beside what they were before. */
export function compareRefreshed(kind: WorkloadKind, before: unknown, after: unknown): readonly RefreshedSlot[] {
  const earlier = new Map(imageSlots(kind, before).map((slot) => [slot.key, readSlot(slot).reference?.digest ?? null]));
  const slots = imageSlots(kind, after).map(readSlot);
  const entries = countedEntries(readPins(annotationOf(after, PINS_ANNOTATION)), slots);
  return slots.map(({ key, list, name, image, reference }) => {
    const tag = entries.get(key)?.reference ?? (reference === null ? null : byTag(reference));
    return {
      container: list === 'volumes' ? key : name,
      image,
      requested: tag?.text ?? null,
      before: earlier.get(key) ?? null,
      after: reference?.digest ?? null,
    };
  });
}

/** Does one of the webhook's warnings say that something was not refreshed? */
export function tellsOfFailure(warnings: readonly string[]): boolean {
  return warnings.some((text) => /\b(?:not|nothing) refreshed: /.test(text));
}
