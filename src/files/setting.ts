import { type Digest, parseDigest } from '../core/image/digest.ts';
import { canonicalName, type ImageReference, parseReference } from '../core/image/reference.ts';

/** One `NAME=REFERENCE`: what is to be set, and to what. */
export interface Setting {
  /** An image, or the path of a Helm value. */
  readonly name: string;
  /** As it was given. */
  readonly value: string;
  readonly wanted: WantedReference;
}

/** `1.27`, `sha256:…` and `1.27@sha256:…` are versions of an image; everything longer is an image itself. */
export type WantedReference =
  | { readonly kind: 'version'; readonly tag: string | null; readonly digest: Digest | null }
  | { readonly kind: 'image'; readonly reference: ImageReference };

export type ParsedSetting =
  | { readonly ok: true; readonly setting: Setting }
  | { readonly ok: false; readonly problem: string };

/** Reads `NAME=REFERENCE`. A word without `/`, `:` and `@` is a tag. */
export function parseSetting(text: string): ParsedSetting {
  const equals = text.lastIndexOf('=');
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
  if (equals <= 0 || value === '') return { ok: false, problem: `${JSON.stringify(text)} is not NAME=REFERENCE` };
  const wanted = parseWanted(name, value);
  return typeof wanted === 'string'
    ? { ok: false, problem: `${JSON.stringify(text)}: ${wanted}` }
    : { ok: true, setting: { name, value, wanted } };
}

function parseWanted(name: string, value: string): WantedReference | string {
  const alone = parseDigest(value);
  if (alone !== null) return { kind: 'version', tag: null, digest: alone };
  const at = value.indexOf('@');
  const before = at === -1 ? value : value.slice(0, at);
  const parsed = parseReference(value);
  if (/[/:]/.test(before) || isSame(name, before)) {
    return parsed.ok ? { kind: 'image', reference: parsed.reference } : parsed.problem;
  }
  // Any name will do to have the tag and the digest looked at.
  const version = parseReference(`image:${value}`);
  return version.ok
    ? { kind: 'version', tag: version.reference.tag, digest: version.reference.digest }
    : version.problem;
}

/** The image that is to stand in place of another one: its name stays as it is spelled, where it is the same repository. */
export function replacementOf(current: ImageReference, wanted: WantedReference): string {
  const { tag, digest } = wanted.kind === 'version' ? wanted : wanted.reference;
  const isSameName = wanted.kind === 'version' || canonicalName(wanted.reference) === canonicalName(current);
  if (!isSameName) return wanted.reference.text;
  return `${current.name}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [parseReference(left), parseReference(right)];
  return a.ok && b.ok && canonicalName(a.reference) === canonicalName(b.reference);
}
