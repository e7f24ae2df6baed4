import { normalizeRepositoryUrl } from '../target/repository/repository-url.ts';
import type { TrackedSettings, WriteBack } from '../target/settings.ts';
import type { ApplicationSource } from '../target/value/source.ts';

/** Null for the repository's default branch. */
export function baseBranch(writeBack: Extract<WriteBack, { kind: 'git' }>, source: ApplicationSource): string | null {
  const { targetRevision } = source;
  const named = targetRevision === null || targetRevision === '' || targetRevision === 'HEAD' ? null : targetRevision;
  return writeBack.branch.base ?? named;
}

/**
 * Names where in git an image is written, so that what was written elsewhere is not taken for written here: 16 hexadecimal digits.
 * Null for what stands in the Application, where everybody can look.
 */
export function writePlace(
  writeBack: WriteBack,
  committed: ApplicationSource,
  { place }: Pick<TrackedSettings, 'place'>,
): string | null {
  if (writeBack.kind !== 'git') return null;
  const { target, repository, branch, pullRequest } = writeBack;
  const url = repository ?? committed.repoURL ?? '';
  return sumOf(
    JSON.stringify([
      normalizeRepositoryUrl(url) || url,
      baseBranch(writeBack, committed),
      branch.push,
      pullRequest?.provider ?? null,
      target,
      committed.path,
      place,
    ]),
  );
}

const FNV_OFFSET = 0xcb_f2_9c_e4_84_22_23_25n;
const FNV_PRIME = 0x1_00_00_00_01_b3n;

/** FNV-1a of 64 bits, as 16 digits: whoever made two texts equal would only keep their own from being written, or told. */
export function sumOf(text: string): string {
  let sum = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(text)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * FNV_PRIME);
  return sum.toString(16).padStart(16, '0');
}
