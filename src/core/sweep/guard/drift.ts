import { type Digest, parseDigest } from '../../image/digest.ts';
import type { WaitReason } from '../change.ts';
import type { ImageState } from '../state.ts';
import { type ImageValue, isSameValue, valueText } from '../value.ts';

/** What stands in the target's place, against what is known of it and what is wanted. */
export interface Standing {
  readonly state: ImageState;
  /** What stands there; `NO_VALUE` where nothing does. */
  readonly found: ImageValue;
  readonly wanted: ImageValue;
  /** Does what stands there say this value, in the format in which it is written? */
  readonly says: (value: ImageValue) => boolean;
  /** Who wrote there last, where that is known and was not tagpin. */
  readonly changedBy: string | null;
}

/** What a difference means. */
export type Drift =
  /** The tag means something else now, or nothing was remembered: what stands there is where it begins. */
  | { readonly kind: 'moved' }
  /** Somebody put something else there. */
  | { readonly kind: 'drifted' }
  /** Somebody put something else there again, or what stood there before: it is theirs until the tag means a third thing. */
  | {
      readonly kind: 'contested';
      readonly reason: WaitReason & 'Contested';
      readonly by: string | null;
      readonly message: string;
    };

/**
 * Why does the target not say what is wanted? Called where it does not.
 *
 * What tagpin was about to write counts as written: it may have ended between the write and its record.
 */
export function explainDifference(standing: Standing): Drift {
  const { state, found, wanted, says, changedBy } = standing;
  const { written, attempt, before, repaired, contested } = state;
  // The tag means what was taken back: that it meant something else in between changes nothing.
  if (contested !== null && isSameValue(contested.wanted, wanted)) {
    return contestedBy(contested.by ?? changedBy, wanted, found);
  }
  // Nothing was ever written, or it was not touched since.
  if (written === null || says(written) || (attempt !== null && says(attempt))) return { kind: 'moved' };
  // Somebody touched it, and meanwhile the tag moved on: that is the third thing.
  if (!isSameValue(written, wanted)) return { kind: 'moved' };
  const ranBefore = before.some((value) => !isSameValue(value, wanted) && (isSameValue(value, found) || says(value)));
  if (ranBefore || isSameValue(repaired, wanted)) return contestedBy(changedBy, wanted, found);
  return { kind: 'drifted' };
}

function contestedBy(by: string | null, wanted: ImageValue, found: ImageValue): Drift {
  const who = by === null ? 'somebody' : `the field manager ${JSON.stringify(by)}`;
  const isWithout = found.digest === null && wanted.digest !== null && found.tag === wanted.tag;
  const what =
    valueText(found) === '' ? 'took it away' : isWithout ? 'took its digest away' : `put ${shortText(found)} back`;
  const message = `${who} ${what} after ${shortText(wanted)} had been written: left so until the tag means something else`;
  return { kind: 'contested', reason: 'Contested', by, message };
}

/** A value for people: digests are cut to twelve digits. */
export function shortText(value: ImageValue): string {
  return valueText(value).replace(/@(.+)$/, (_whole, text: string) => {
    const digest: Digest | null = parseDigest(text);
    return digest === null ? '' : `@${digest.slice(0, digest.indexOf(':') + 13)}`;
  });
}
