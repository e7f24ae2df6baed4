import { describeUnknownKey } from '../../policy/describe-issue.ts';
import { nearestWord } from '../../policy/nearest.ts';
import { asObject, asString } from '../../workload/json.ts';
import type { SettingsProblem } from '../settings.ts';
import { type AnnotationFamily, annotationAlias, IMAGE_LIST } from './annotations.ts';

/** Annotations of the same prefix that say something else, or are read elsewhere. */
const OTHERS = new Set(['pause', 'skip', 'refresh', 'pins', 'last-refresh', 'adopt-from', 'registry-host']);

const NO_LIST = 'does nothing without a list of images: write image-list';

/** Keys that mean something on other objects, and what an Application has for it. */
const MISPLACED: ReadonlyMap<string, string> = new Map([['follow', 'an Application follows what image-list names']]);

/**
 * Finds keys that nothing reads: misspelt ones, those of an alias that no image has, and those that only another family has. Nothing
 * stops because of them: a newer version's key must not stop an older one.
 *
 * @param aliases of the images that the Application follows; null where there is no list, and so nothing that could be read.
 */
export function unknownKeys(
  annotations: unknown,
  family: AnnotationFamily,
  aliases: readonly string[] | null,
): readonly SettingsProblem[] {
  const own = aliases?.map(annotationAlias) ?? null;
  return Object.entries(asObject(annotations) ?? {}).flatMap(([where, value]) => {
    if (!where.startsWith(family.prefix) || asString(value)?.trim() === '') return [];
    const problem = keyProblem(where.slice(family.prefix.length), family, own);
    return problem === null ? [] : [{ kind: 'hint' as const, key: where, image: null, problem }];
  });
}

function keyProblem(key: string, family: AnnotationFamily, aliases: readonly string[] | null): string | null {
  const alone: readonly string[] = [IMAGE_LIST, ...family.applicationKeys, ...family.sharedKeys];
  const ofImages: readonly string[] = family.imageKeys;
  if (OTHERS.has(key)) return null;
  const misplaced = MISPLACED.get(key);
  if (misplaced !== undefined) return `does nothing here: ${misplaced}`;
  if (alone.includes(key)) return aliases === null && key !== IMAGE_LIST ? NO_LIST : null;

  // An alias may have dots; the longest that fits is meant.
  const alias = (aliases ?? []).filter((each) => key.startsWith(`${each}.`)).toSorted((a, b) => b.length - a.length)[0];
  if (alias !== undefined) {
    const rest = key.slice(alias.length + 1);
    return ofImages.includes(rest) ? null : describeUnknownKey(rest, ofImages);
  }
  const known = ofImages.find((each) => key.endsWith(`.${each}`));
  if (known !== undefined) {
    if (aliases === null) return NO_LIST;
    const written = key.slice(0, -known.length - 1);
    const meant = nearestWord(written, aliases);
    const instead = meant === null ? '' : `: did you mean ${meant}?`;
    return `no image of the list has the alias ${JSON.stringify(written)}${instead}`;
  }
  if (ofImages.includes(key)) return `belongs to one image: write ALIAS.${key}`;
  return describeUnknownKey(key, alone);
}
