import { type ImageReference, parseReference } from '../image/reference.ts';

/** An image that is followed, as Argo CD Image Updater writes it: a repository, and what its tag must be. */
export interface TrackedImage {
  /** The repository, without a tag. */
  readonly repository: ImageReference;
  /** A range, or a tag; null where none was written. */
  readonly constraint: string | null;
}

export type ParsedTrackedImage =
  | { readonly ok: true; readonly image: TrackedImage }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads `IMAGE[:CONSTRAINT]`, as in `nginx`, `ghcr.io/acme/app:^1.2`, `localhost:5000/app:main`. What stands behind the colon may be
 * what no tag can be.
 */
export function parseTrackedImage(text: string): ParsedTrackedImage {
  if (text.includes('@')) return { ok: false, problem: 'a digest is not followed, it never changes' };
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1);
  const parsed = parseReference(colon === -1 ? text : text.slice(0, colon));
  if (!parsed.ok) return parsed;
  const constraint = colon === -1 ? '' : text.slice(colon + 1).trim();
  return { ok: true, image: { repository: parsed.reference, constraint: constraint === '' ? null : constraint } };
}
