import { canonicalName, type ImageReference } from '../image/reference.ts';
import { compileGlobs } from '../policy/grammar/glob.ts';
import type { VerifyEntry } from './verification.ts';

type Covers = (name: string) => boolean;

/** Entries come in lists that live as long as their policy. */
const COMPILED = new WeakMap<readonly VerifyEntry[], readonly Covers[]>();

/** The entries that speak of an image: all of them count, not only the first. */
export function entriesFor(entries: readonly VerifyEntry[], image: ImageReference): readonly VerifyEntry[] {
  if (entries.length === 0) return entries;
  const name = canonicalName(image);
  const covers = compiled(entries);
  return entries.filter((_entry, index) => covers[index]?.(name));
}

function compiled(entries: readonly VerifyEntry[]): readonly Covers[] {
  const known = COMPILED.get(entries);
  if (known !== undefined) return known;
  const made = entries.map(({ images }) => compileGlobs(images));
  COMPILED.set(entries, made);
  return made;
}
