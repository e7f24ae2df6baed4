import { asObject, asString } from '../../workload/json.ts';
import type { SettingsProblem } from '../settings.ts';
import {
  APPLICATION_KEYS,
  type ApplicationKey,
  FORMER_IMAGE_KEYS,
  IMAGE_KEYS,
  type ImageKey,
  type ListedImage,
  OWN_APPLICATION_KEYS,
  OWN_IMAGE_KEYS,
  OWN_SHARED_KEYS,
  type SettingsLayer,
  SHARED_KEYS,
  type Written,
} from './written.ts';

/** Annotations of one prefix, and which keys below it mean something. */
export interface AnnotationFamily {
  readonly prefix: string;
  readonly imageKeys: readonly ImageKey[];
  readonly sharedKeys: readonly ImageKey[];
  readonly applicationKeys: readonly ApplicationKey[];
}

export const TAGPIN_ANNOTATIONS: AnnotationFamily = {
  prefix: 'tagpin.dev/',
  imageKeys: [...IMAGE_KEYS, ...FORMER_IMAGE_KEYS, ...OWN_IMAGE_KEYS],
  sharedKeys: [...SHARED_KEYS, ...OWN_SHARED_KEYS],
  applicationKeys: [...APPLICATION_KEYS, ...OWN_APPLICATION_KEYS],
};

export const IMAGE_UPDATER_ANNOTATIONS: AnnotationFamily = {
  prefix: 'argocd-image-updater.argoproj.io/',
  imageKeys: [...IMAGE_KEYS, ...FORMER_IMAGE_KEYS],
  sharedKeys: SHARED_KEYS,
  applicationKeys: APPLICATION_KEYS,
};

/** The key of the list that makes an Application follow images. */
export const IMAGE_LIST = 'image-list';

const ALIAS = /^[A-Za-z0-9][\w./-]*$/;

const NOTHING: SettingsLayer = {
  images: null,
  own: () => null,
  shared: () => null,
  application: () => null,
  problems: [],
};

/**
 * Reads the annotations of one prefix. What is empty counts as not written; keys of an alias with `/` are written with `_`,
 * which Argo CD Image Updater forgot in 1.x.
 */
export function readAnnotations(annotations: unknown, family: AnnotationFamily): SettingsLayer {
  const all = new Map<string, Written>();
  for (const [where, value] of Object.entries(asObject(annotations) ?? {})) {
    const text = where.startsWith(family.prefix) ? (asString(value)?.trim() ?? '') : '';
    if (text !== '') all.set(where.slice(family.prefix.length), { text, where });
  }
  // Most Applications have annotations of one family alone, and thousands are read each time.
  if (all.size === 0) return NOTHING;
  const written = (key: string): Written | null => all.get(key) ?? null;
  const list = written(IMAGE_LIST);
  const images = list === null ? null : parseList(list);
  const isEmpty = images?.length === 0;
  return {
    images: isEmpty ? null : images,
    own: (alias, key) => (family.imageKeys.includes(key) ? written(`${annotationAlias(alias)}.${key}`) : null),
    shared: (_alias, key) => (family.sharedKeys.includes(key) ? written(key) : null),
    application: (key) => (family.applicationKeys.includes(key) ? written(key) : null),
    problems: isEmpty && list !== null ? [emptyList(list)] : [],
  };
}

/** An alias as it stands in the key of an annotation. */
export function annotationAlias(alias: string): string {
  return alias.replaceAll('/', '_');
}

/** `[ALIAS=]IMAGE[:CONSTRAINT]`, a comma list. What stands before the first `=` may be a range's beginning, and then is no alias. */
function parseList({ text, where }: Written): readonly ListedImage[] {
  const images: ListedImage[] = [];
  for (const item of text.split(',').map((each) => each.trim())) {
    if (item === '') continue;
    const equals = item.indexOf('=');
    const alias = item.slice(0, Math.max(equals, 0)).trim();
    const isAliased = equals === 0 || ALIAS.test(alias);
    images.push({
      alias: isAliased && alias !== '' ? alias : null,
      image: { text: isAliased ? item.slice(equals + 1).trim() : item, where },
      isOptional: false,
    });
  }
  return images;
}

function emptyList({ text, where }: Written): SettingsProblem {
  return {
    kind: 'error',
    key: where,
    image: null,
    problem: `${JSON.stringify(text)} names no image: write [ALIAS=]IMAGE`,
  };
}
