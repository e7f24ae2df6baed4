import type { ImageReference } from '../image/reference.ts';
import type { RegistryHint } from '../receivers/hint.ts';
import type { SelectionRule } from '../version/select.ts';

/** May a push be of interest to who follows this image? What comes of it the registry says. */
export function concerns(
  { registry, repository, tag, covers }: RegistryHint,
  { repository: followed, rule }: { readonly repository: ImageReference; readonly rule: SelectionRule },
): boolean {
  if (followed.registry !== registry) return false;
  const isNamed = followed.repository === repository;
  if (!isNamed && !(covers === 'below' && followed.repository.startsWith(`${repository}/`))) return false;
  return tag === null || rule.strategy !== 'digest' || rule.constraint === tag;
}
