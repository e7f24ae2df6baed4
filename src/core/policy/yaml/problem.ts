/** Where in a text something stands, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The way to a value: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** A problem and its place; `path` as people write it: `rules[0].match.semver`, empty for the whole document. */
export interface PlacedProblem extends Place {
  readonly path: string;
  readonly message: string;
}

/** A problem at a place; its path is written as `rules[0].match.namespaceLabels["a.b/c"]`. */
export function placed(path: Path, { line, column }: Place, message: string): PlacedProblem {
  return { path: pathText(path), line, column, message };
}

/** A path as people write it; empty for the whole document. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
