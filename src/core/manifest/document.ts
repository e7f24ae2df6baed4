import type { Place } from './place.ts';

/** The way to a value: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** A path as people write it: `spec.containers[0].image`. */
export function pathText(path: Path): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}

/** A piece of a text, as offsets in UTF-16 units; the end is excluded. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** How a text is written: the five ways of YAML; JSON knows double quotes only. */
export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/** A string where it is written. */
export interface WrittenText extends Span {
  readonly style: ScalarStyle;
  readonly value: string;
  /** The alias that stands at the place itself, where the text is written somewhere else; null otherwise. */
  readonly alias: Span | null;
}

/** One document of a manifest. */
export interface ManifestDocument {
  /** Its value as JSON would have it: objects have no prototype, aliases and merge keys are followed. */
  readonly value: unknown;
  /** The string at a path; null where there is none, or something else. */
  readonly textAt: (path: Path) => WrittenText | null;
}

/** A text of YAML or JSON documents that was read without a problem. */
export interface Manifest {
  readonly text: string;
  readonly documents: readonly ManifestDocument[];
}

/** What is wrong with a text, and where: line and column count from 1. */
export interface ManifestProblem extends Place {
  readonly message: string;
}

export type ReadDocuments =
  | { readonly ok: true; readonly documents: readonly ManifestDocument[] }
  | { readonly ok: false; readonly offset: number; readonly message: string };
