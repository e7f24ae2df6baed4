import type { ManifestProblem } from '../manifest/document.ts';

/** One value of a file that was given another one. */
export interface ValueChange {
  /** As people name it: `image.tag`, `images[nginx].newTag`, `helm.parameters[image.tag]`. */
  readonly place: string;
  /** What was there; null where nothing was. */
  readonly from: string | null;
  /** What is there now; null where it was taken out. */
  readonly to: string | null;
}

/** A value of a file, as people are told of it; null where there is none. */
export function shownValue(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What came of a file: its new text, the same where it says everything already; or why it is left as it is. */
export type EditedText =
  | { readonly ok: true; readonly text: string; readonly changes: readonly ValueChange[] }
  | { readonly ok: false; readonly problem: ManifestProblem };
