import type { Manifest, Path } from '../core/manifest/document.ts';
import { placesOf } from '../core/manifest/place.ts';
import { asString, elements, property, valueAt } from '../core/workload/json.ts';
import { type WorkloadKind, workloadKind } from '../core/workload/kinds.ts';
import { imageSlots } from '../core/workload/slots.ts';
import { annotationOf, isSkipped, SKIP_ANNOTATION } from '../core/workload/targets.ts';

/** An image in a manifest. */
export interface ManifestImage {
  /** The index of its document. */
  readonly document: number;
  readonly path: Path;
  /** Where it is written, from 1. */
  readonly line: number;
  /** Kind and name of the object that holds it; the name is null where only a `generateName` is given, or nothing. */
  readonly kind: WorkloadKind;
  readonly name: string | null;
  /** `NAME` of a container, `volumes/NAME` of an image volume. */
  readonly container: string;
  readonly image: string;
  /** Why it is to be left alone; null where it is not. */
  readonly leave: string | null;
}

/** A List in a List is unusual, one in that unheard of; aliases could make more of them than there is time for. */
const DEEPEST_LIST = 3;

/**
 * The images of all workloads of a manifest, in the order of the text; also of those in a `List`. What has no `apiVersion` and `kind`
 * of ours has none.
 */
export function findImages(manifest: Manifest): readonly ManifestImage[] {
  const placeOf = placesOf(manifest.text);
  const images: ManifestImage[] = [];

  function look(
    object: unknown,
    inherited: { apiVersion: string; kind: string } | null,
    document: number,
    path: Path,
    depth: number,
  ): void {
    const apiVersion = asString(property(object, 'apiVersion')) ?? inherited?.apiVersion ?? '';
    const kindText = asString(property(object, 'kind')) ?? inherited?.kind ?? '';
    if (kindText.endsWith('List')) {
      if (depth === DEEPEST_LIST) return;
      // The items of `kind: DeploymentList` need not say what they are.
      const own = kindText === 'List' ? null : { apiVersion, kind: kindText.slice(0, -'List'.length) };
      for (const [index, item] of elements(property(object, 'items')).entries()) {
        look(item, own, document, [...path, 'items', index], depth + 1);
      }
      return;
    }
    const kind = workloadKind(apiVersion, kindText);
    // Without an apiVersion it is no object, though the core group has no name either.
    if (kind === null || apiVersion === '') return;
    const name = asString(valueAt(object, ['metadata', 'name']));
    const skip = [object, valueAt(object, ['spec', 'jobTemplate'])].map((holder) =>
      annotationOf(holder, SKIP_ANNOTATION),
    );
    for (const slot of imageSlots(kind, object)) {
      const place = [...path, ...slot.path];
      const written = manifest.documents[document]?.textAt(place);
      if (written === null || written === undefined) continue;
      const isLeft = skip.some((value) => isSkipped(value, slot));
      images.push({
        document,
        path: place,
        line: placeOf((written.alias ?? written).start).line,
        kind,
        name,
        container: slot.list === 'volumes' ? slot.key : slot.name,
        image: slot.image,
        leave: isLeft ? `${SKIP_ANNOTATION} names it` : slot.pullPolicy === 'Never' ? 'its pull policy is Never' : null,
      });
    }
  }

  for (const [index, { value }] of manifest.documents.entries()) look(value, null, index, [], 0);
  return images.toSorted((a, b) => a.document - b.document || a.line - b.line);
}
