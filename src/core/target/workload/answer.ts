import { parseDigest } from '../../image/digest.ts';
import { parseReference } from '../../image/reference.ts';
import { asString, elements, property } from '../../workload/json.ts';
import { annotationOf, REFRESH_ANNOTATION } from '../../workload/targets.ts';
import type { PlannedImage } from './patch.ts';
import { restartedAt, restartMark } from './place.ts';
import type { FollowingKind } from './rollout.ts';

/** What the API server stored for one image. */
export type StoredImage =
  | { readonly kind: 'written' }
  /** The refresh stands there: no webhook saw it. */
  | { readonly kind: 'unseen' }
  /** It is something else. What it is, as it stands there. */
  | { readonly kind: 'other'; readonly found: string };

/**
 * Reads the answer to a patch: what was asked for is not what was stored where a webhook wanted it otherwise.
 *
 * @param refresh the value of `tagpin.dev/refresh` in the patch; null where there was none.
 */
export function readStoredImage(
  kind: FollowingKind,
  object: unknown,
  { image, value, at }: PlannedImage,
  refresh: string | null,
): StoredImage {
  switch (image.action) {
    case 'refresh':
      if (refresh !== null && annotationOf(object, REFRESH_ANNOTATION) === refresh) return { kind: 'unseen' };
      return imageAt(object, image.slot?.path ?? [], value.digest);
    case 'set-image':
      return imageAt(object, image.slot?.path ?? [], value.digest);
    case 'set-env': {
      const { container, name } = image.variable ?? { container: [], name: '' };
      const list = elements(stepInto(object, [...container, 'env']));
      const text =
        asString(
          property(
            list.findLast((each) => property(each, 'name') === name),
            'value',
          ),
        ) ?? '';
      return parseDigest(text) === value.digest ? WRITTEN : { kind: 'other', found: text };
    }
    case 'restart': {
      const mark = restartedAt(kind, object);
      return mark === restartMark(at) ? WRITTEN : { kind: 'other', found: mark ?? '' };
    }
  }
}

const WRITTEN: StoredImage = { kind: 'written' };

function imageAt(object: unknown, path: readonly (string | number)[], digest: string | null): StoredImage {
  const text = asString(stepInto(object, path)) ?? '';
  const parsed = parseReference(text);
  return parsed.ok && parsed.reference.digest === digest ? WRITTEN : { kind: 'other', found: text };
}

function stepInto(object: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof step === 'number' ? elements(value)[step] : property(value, step)),
    object,
  );
}
