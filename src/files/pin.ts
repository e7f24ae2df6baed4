import type { Digest } from '../core/image/digest.ts';
import {
  byTag,
  canonicalText,
  type ImageReference,
  type PinFormat,
  parseReference,
  pinnedText,
} from '../core/image/reference.ts';
import type { Resolution, ResolutionFailureCode } from '../core/image/resolution.ts';
import type { Edit } from '../core/manifest/edit.ts';
import type { ManifestImage } from './images.ts';
import type { Lock } from './lock.ts';

/** `pinned`: it has a digest now. `floating`: it has none, and none was asked for. `unresolved`: none could be learnt. */
export type PinState = 'pinned' | 'floating' | 'unresolved' | 'skipped';

/** What came of one image. */
export interface PinnedImage extends ManifestImage {
  /** The image with its digest, also where it is only said and not written; null where none is known. */
  readonly pinned: string | null;
  readonly state: PinState;
  readonly error: {
    readonly code: ResolutionFailureCode | 'InvalidReference' | 'NotWritten';
    readonly message: string;
  } | null;
}

/** How images are pinned. */
export interface PinRules {
  readonly format: PinFormat;
  /** What is asked: only what has no digest, in the text or in the lock; or all that has a tag. */
  readonly ask: 'missing' | 'all';
  /** Digests that are known already. */
  readonly lock: Lock;
}

/**
 * The references that must be asked to pin these images: each once, however often and in whatever spelling it occurs. Those with a
 * tag only: what has a digest alone means what it says.
 */
export function findQuestions(images: readonly ManifestImage[], { ask, lock }: PinRules): readonly ImageReference[] {
  const questions = new Map<string, ImageReference>();
  for (const { image, leave } of images) {
    const parsed = parseReference(image);
    if (!parsed.ok || leave !== null || (ask === 'missing' && parsed.reference.digest !== null)) continue;
    const question = byTag(parsed.reference);
    if (question === null) continue;
    const key = canonicalText(question);
    if ((ask === 'all' || !lock.has(key)) && !questions.has(key)) questions.set(key, question);
  }
  return [...questions.values()];
}

/** The answers to questions, by their canonical text. */
export type Answers = ReadonlyMap<string, Resolution>;

/** Pins one image with what was answered and what is in the lock. */
export function pinImage(image: ManifestImage, answers: Answers, { format, ask, lock }: PinRules): PinnedImage {
  const parsed = parseReference(image.image);
  if (image.leave !== null) return { ...image, pinned: null, state: 'skipped', error: null };
  if (!parsed.ok) {
    return {
      ...image,
      pinned: null,
      state: 'unresolved',
      error: { code: 'InvalidReference', message: parsed.problem },
    };
  }
  const { reference } = parsed;
  const question = byTag(reference);
  const key = question === null ? '' : canonicalText(question);
  const answer = answers.get(key);
  const isKept = reference.digest !== null && (ask === 'missing' || answer === undefined);
  if (question === null || isKept) {
    return { ...image, pinned: image.image, state: 'pinned', error: null };
  }
  // What carries both, tag and digest, keeps both, so that it can be refreshed once more.
  const pinned = (digest: Digest): string =>
    pinnedText(question, digest, reference.digest === null ? format : 'tag+digest');
  if (answer === undefined) {
    const locked = lock.get(key);
    return locked === undefined
      ? { ...image, pinned: null, state: 'floating', error: null }
      : { ...image, pinned: pinned(locked), state: 'pinned', error: null };
  }
  switch (answer.kind) {
    case 'resolved':
      return { ...image, pinned: pinned(answer.digest), state: 'pinned', error: null };
    case 'failed':
      return { ...image, pinned: null, state: 'unresolved', error: { code: answer.code, message: answer.message } };
  }
}

/** Judges an image as it stands, asking nobody: without a digest it floats, whatever a lock knows about it. */
export function checkImage(image: ManifestImage, rules: PinRules): PinnedImage {
  const pinned = pinImage(image, new Map(), rules);
  return pinned.state === 'pinned' && pinned.pinned !== image.image ? { ...pinned, state: 'floating' } : pinned;
}

/** What is left of a pinned image where its file could not be written. */
export function unwritten(image: PinnedImage, message: string): PinnedImage {
  return image.state === 'pinned' && image.pinned !== image.image
    ? { ...image, pinned: null, state: 'unresolved', error: { code: 'NotWritten', message } }
    : image;
}

/** The changes that write the digests into the manifest. */
export function editsOf(images: readonly PinnedImage[]): readonly Edit[] {
  return images.flatMap(({ document, path, image, pinned, state }) =>
    state === 'pinned' && pinned !== null && pinned !== image ? [{ document, path, value: pinned }] : [],
  );
}

/** The lock with what was answered. */
export function extendLock(lock: Lock, answers: Answers): Lock {
  const learnt = [...answers].flatMap(([key, answer]) =>
    answer.kind === 'resolved' ? [[key, answer.digest] as const] : [],
  );
  return new Map([...lock, ...learnt]);
}
