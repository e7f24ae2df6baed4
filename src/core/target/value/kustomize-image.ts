import { type Digest, parseDigest } from '../../image/digest.ts';
import { canonicalName, type ImageReference, parseReference } from '../../image/reference.ts';

/** An entry of `kustomize.images`: `[NAME=]NEW[:TAG][@DIGEST]`. */
export interface KustomizeImage {
  /** The image in the manifests that is meant, left of `=`; null where NEW is also that. */
  readonly name: string | null;
  readonly newName: string;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

/** Reads an entry; null for what is none. */
export function parseKustomizeImage(text: string): KustomizeImage | null {
  const equals = text.indexOf('=');
  const name = equals === -1 ? null : text.slice(0, equals);
  const rest = text.slice(equals + 1);
  const at = rest.indexOf('@');
  const beforeDigest = at === -1 ? rest : rest.slice(0, at);
  const digest = at === -1 ? null : parseDigest(rest.slice(at + 1));
  const colon = beforeDigest.indexOf(':', beforeDigest.lastIndexOf('/') + 1);
  const newName = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = colon === -1 ? null : beforeDigest.slice(colon + 1);
  if (newName === '' || name === '' || tag === '' || (at !== -1 && digest === null)) return null;
  return { name, newName, tag, digest };
}

export function formatKustomizeImage({ name, newName, tag, digest }: KustomizeImage): string {
  const image = `${newName}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
  return name === null ? image : `${name}=${image}`;
}

/** Are two names of images the same repository, registry and shorthands included? What is no name is only itself. */
export function isSameImage(one: string, other: string): boolean {
  return one === other || canonical(one) === canonical(other);
}

function canonical(name: string): string {
  const parsed = parseReference(name);
  return parsed.ok ? canonicalName(parsed.reference) : name;
}

/**
 * Does an entry decide about an image? By the name in the manifests where one was given; else by either side, so that an entry which
 * brings the image from elsewhere (`app=ghcr.io/acme/app:1.0`) is found as well. Registries count: Argo CD Image Updater compares the
 * path alone, and takes `quay.io/a/b` for `ghcr.io/a/b`.
 *
 * @param name the image's name in the manifests, where somebody gave one.
 */
export function decidesAbout(entry: KustomizeImage, name: string | null, repository: ImageReference): boolean {
  if (name !== null) return isSameImage(entry.name ?? entry.newName, name);
  return (
    isSameImage(entry.newName, repository.name) || (entry.name !== null && isSameImage(entry.name, repository.name))
  );
}

/** Do two entries give an image the same name, tag and digest? */
export function saysTheSame(one: KustomizeImage, other: KustomizeImage): boolean {
  return isSameImage(one.newName, other.newName) && one.tag === other.tag && one.digest === other.digest;
}
