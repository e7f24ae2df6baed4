import { type Digest, parseDigest } from '../image/digest.ts';

/** What an image is set to: a tag, a digest, or both; neither where nothing is said about it. */
export interface ImageValue {
  readonly tag: string | null;
  readonly digest: Digest | null;
}

export const NO_VALUE: ImageValue = Object.freeze({ tag: null, digest: null });

/** `1.2.3`, `1.2.3@sha256:…`, `@sha256:…`, or nothing. Of equal values the texts are equal. */
export function valueText({ tag, digest }: ImageValue): string {
  return `${tag ?? ''}${digest === null ? '' : `@${digest}`}`;
}

/** The same; null where nothing is said. */
export function valueTextOrNull(value: ImageValue): string | null {
  return valueText(value) || null;
}

/** Reads what `valueText` wrote; null for anything else. */
export function parseValue(text: string): ImageValue | null {
  const at = text.indexOf('@');
  const tag = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? null : parseDigest(text.slice(at + 1));
  if ((at !== -1 && digest === null) || !/^(?:\w[\w.-]{0,127})?$/.test(tag)) return null;
  return { tag: tag === '' ? null : tag, digest };
}

export function isSameValue(one: ImageValue | null, other: ImageValue | null): boolean {
  return one === null || other === null ? one === other : one.tag === other.tag && one.digest === other.digest;
}
