import { type Digest, parseDigest } from '../../image/digest.ts';
import { nearestWord } from '../../policy/nearest.ts';
import { annotationOf } from '../../workload/targets.ts';
import { quoted } from '../settings/written.ts';
import type { FollowProblem } from './follow.ts';

/** Takes a former updater's annotation as the baseline: `KEY`, or `CONTAINER_OR_ENV=KEY,…`. */
const ADOPT_ANNOTATION = 'tagpin.dev/adopt-from';

/** What a former updater recorded of one image. */
export type Adopted =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'digest'; readonly digest: Digest }
  /** What is wrong and what to do, a sentence without its full stop. */
  | { readonly kind: 'problem'; readonly problem: string };

/** Where an image is, by all names that somebody may give it. */
export interface AdoptingImage {
  readonly key: string;
  readonly container: string | null;
  readonly env: string | null;
}

const LONGEST_TEXT = 4096;

/** Reads `tagpin.dev/adopt-from`: for each image what its former updater recorded, in the order of the images. */
export function readAdopted(
  object: unknown,
  images: readonly AdoptingImage[],
): { readonly adopted: readonly Adopted[]; readonly problems: readonly FollowProblem[] } {
  const text = annotationOf(object, ADOPT_ANNOTATION)?.trim() ?? '';
  if (text === '') return { adopted: images.map(() => NOTHING), problems: [] };
  if (text.length > LONGEST_TEXT)
    return all(images, `${ADOPT_ANNOTATION}: it is longer than ${LONGEST_TEXT} characters`);
  if (!text.includes('=')) {
    const [only, second] = images;
    if (only === undefined || second === undefined)
      return { adopted: images.map(() => baseline(object, text)), problems: [] };
    const form = images.map(({ key }) => `${key}=KEY`).join(',');
    return all(images, `${ADOPT_ANNOTATION}: ${quoted(text)} is for one image, and there are several: write ${form}`);
  }

  const keys = new Map<string, string>();
  const problems: FollowProblem[] = [];
  for (const item of text.split(',').map((each) => each.trim())) {
    if (item === '') continue;
    const equals = item.indexOf('=');
    const [name, key] = [item.slice(0, Math.max(equals, 0)).trim(), item.slice(equals + 1).trim()];
    const named = imagesOf(name, images);
    const [image, other] = named;
    const report = (problem: string) =>
      problems.push({ name: name || '*', problem: `${ADOPT_ANNOTATION}: ${problem}` });
    if (name === '' || key === '') report(`${quoted(item)} is not CONTAINER_OR_ENV=KEY`);
    else if (image === undefined) report(unknownName(name, images));
    else if (other !== undefined)
      report(`${quoted(name)} is more than one: write ${named.map((each) => each.key).join(' or ')}`);
    else if (keys.has(image.key)) report(`${quoted(name)} stands there twice`);
    else keys.set(image.key, key);
  }
  const adopted = images.map((image) => {
    const key = keys.get(image.key);
    return key === undefined ? NOTHING : baseline(object, key);
  });
  return { adopted, problems };
}

const NOTHING: Adopted = { kind: 'nothing' };

function all(images: readonly AdoptingImage[], problem: string) {
  return { adopted: images.map((): Adopted => ({ kind: 'problem', problem })), problems: [] };
}

/** By its key, else by its variable, else by its container. */
function imagesOf(name: string, images: readonly AdoptingImage[]): readonly AdoptingImage[] {
  for (const place of [0, 1, 2]) {
    const named = images.filter((image) => namesOf(image)[place] === name);
    if (named.length > 0) return named;
  }
  return [];
}

function namesOf({ key, container, env }: AdoptingImage): readonly (string | null)[] {
  return [key, env, container?.replace(/^.*\//, '') ?? null];
}

function unknownName(name: string, images: readonly AdoptingImage[]): string {
  const names = images.flatMap((image) => namesOf(image).filter((each) => each !== null));
  const meant = nearestWord(name, names);
  return `${quoted(name)} is nothing that is followed${meant === null ? '' : `: did you mean ${meant}?`}`;
}

/** `sha256:…`, or a reference by digest; what was never recorded is no baseline. */
function baseline(object: unknown, key: string): Adopted {
  const text = annotationOf(object, key)?.trim() ?? '';
  if (text === '') return NOTHING;
  const digest = parseDigest(text.slice(text.lastIndexOf('@') + 1));
  if (digest !== null) return { kind: 'digest', digest };
  return {
    kind: 'problem',
    problem: `${ADOPT_ANNOTATION}: the annotation ${key} holds ${quoted(text)}, which is no digest: correct it, or remove ${ADOPT_ANNOTATION}`,
  };
}
