import { asObject, asString, elements, type JsonObject, property, valueAt } from '../../workload/json.ts';

/** The kinds of sources that Argo CD tells apart. */
export type SourceType = 'Helm' | 'Kustomize' | 'Plugin' | 'Directory';

/** One source of an Application: of `spec.source`, `spec.sources[]` or `spec.sourceHydrator.drySource`. */
export interface ApplicationSource {
  /** Its place in `spec.sources`; null for the only one there is. */
  readonly index: number | null;
  /** Where it stands in the Application, a JSON pointer: `/spec/source`, `/spec/sources/1`. */
  readonly pointer: string;
  readonly repoURL: string | null;
  readonly path: string | null;
  readonly chart: string | null;
  readonly targetRevision: string | null;
  /** By which other sources' value files name it. */
  readonly ref: string | null;
  readonly name: string | null;
  /** Null where nobody has said so yet: neither the source nor Argo CD. */
  readonly type: SourceType | null;
  /** Its block, or one of `helm`, `kustomize`, `plugin` and `directory`, is written out. */
  readonly isExplicit: boolean;
  readonly valueFiles: readonly string[];
  /** As it was read. */
  readonly raw: JsonObject;
}

/** In the order in which Argo CD looks for them. */
const BLOCKS: readonly (readonly [string, SourceType])[] = [
  ['kustomize', 'Kustomize'],
  ['helm', 'Helm'],
  ['directory', 'Directory'],
  ['plugin', 'Plugin'],
];

/** Reads an Application's sources: those of which Argo CD makes manifests, and those that only lend files to others. */
export function readSources(object: unknown): readonly ApplicationSource[] {
  const spec = property(object, 'spec');
  const dry = asObject(valueAt(spec, ['sourceHydrator', 'drySource']));
  // What Argo CD found is the hydrated directory; about the dry source only its own block says something.
  if (dry !== null) return [readSource(dry, null, '/spec/sourceHydrator/drySource', null)];

  const list = elements(property(spec, 'sources'));
  if (list.length > 0) {
    const types = elements(valueAt(object, ['status', 'sourceTypes']));
    return list.map((entry, index) => {
      const found = types.length === list.length ? asString(types[index]) : null;
      return readSource(asObject(entry) ?? {}, index, `/spec/sources/${index}`, found);
    });
  }
  const only = asObject(property(spec, 'source'));
  const found = asString(valueAt(object, ['status', 'sourceType']));
  return only === null ? [] : [readSource(only, null, '/spec/source', found)];
}

/** Does Argo CD make manifests of it? A source with a ref and neither path nor chart only lends its files. */
export function isRendered({ ref, path, chart }: ApplicationSource): boolean {
  return ref === null || path !== null || chart !== null;
}

/**
 * The source whose repository takes commits for another one: itself, but for a chart, which is in no repository that can be committed
 * to, the one that its value files name (`$REF/…`).
 */
export function committedSource(source: ApplicationSource, all: readonly ApplicationSource[]): ApplicationSource {
  if (source.chart === null) return source;
  for (const file of source.valueFiles) {
    const ref = /^\$([^/]+)\//.exec(file)?.[1];
    const lender = ref === undefined ? undefined : all.find((each) => each.ref === ref);
    if (lender !== undefined) return lender;
  }
  return source;
}

/** How people find a source: `sources[1] (name)`. */
export function describeSource({ index, name, ref, chart, path }: ApplicationSource): string {
  const called = name ?? ref ?? chart ?? path;
  return `${index === null ? 'the source' : `sources[${index}]`}${called === null ? '' : ` (${called})`}`;
}

function readSource(raw: JsonObject, index: number | null, pointer: string, found: string | null): ApplicationSource {
  const text = (name: string): string | null => asString(property(raw, name)) || null;
  const block = BLOCKS.find(([name]) => asObject(property(raw, name)) !== null)?.[1] ?? null;
  const chart = text('chart');
  const known = BLOCKS.map(([, type]) => type).find((type) => type === found) ?? null;
  return {
    index,
    pointer,
    repoURL: text('repoURL'),
    path: text('path'),
    chart,
    targetRevision: text('targetRevision'),
    ref: text('ref'),
    name: text('name'),
    type: block ?? known ?? (chart === null ? null : 'Helm'),
    isExplicit: block !== null,
    valueFiles: elements(valueAt(raw, ['helm', 'valueFiles'])).flatMap((each) => asString(each) ?? []),
    raw,
  };
}
