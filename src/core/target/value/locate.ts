import type { ImageReference } from '../../image/reference.ts';
import { canonicalName } from '../../image/reference.ts';
import { quoted } from '../settings/written.ts';
import type { SettingsProblem, TrackedSettings, WriteBack } from '../settings.ts';
import { type Place, placeKeys, resolvePlace } from './place.ts';
import { type ApplicationSource, committedSource, describeSource, isRendered } from './source.ts';
import { type CurrentValue, currentValue, isOf } from './values.ts';

/** Where the value of an image lives, and what it is. */
export interface Located {
  readonly source: ApplicationSource;
  /** The source whose repository takes commits. */
  readonly committed: ApplicationSource;
  readonly place: Place;
  /** What the Application says, else what runs; all null, and `from` too, where neither says anything. */
  readonly current: { readonly name: null | string } & Omit<CurrentValue, 'name'> & {
      readonly from: 'spec' | 'live' | null;
    };
  /** Images of the repository, and of the one that it replaces, that run in the cluster. */
  readonly running: readonly ImageReference[];
}

/** Why an image has no place. Part of reports. */
export type LocateReason =
  | 'NotRunning'
  | 'SourceUnknown'
  | 'UnsupportedSource'
  | 'NoSuchSource'
  | 'NoPlace'
  | 'SharedPlace';

export type Location =
  | { readonly ok: true; readonly located: Located; readonly hints: readonly SettingsProblem[] }
  /** What is in the way and what to do, a sentence without its full stop. */
  | { readonly ok: false; readonly reason: LocateReason; readonly problem: string };

/** What of an Application decides where its images are written. */
export interface LocateFacts {
  readonly sources: readonly ApplicationSource[];
  readonly writeBack: WriteBack;
  /** The images that run. */
  readonly live: readonly ImageReference[];
}

/**
 * Finds the source that an image belongs to, and the place in it. Of several sources
 * 1. the one that `<alias>.source` names, by name, ref or index from 0;
 * 2. else those whose type fits the place that was written (a Helm parameter, a name for Kustomize, a plugin's variable), or the
 *    target of a commit (`kustomization`, `helmvalues`); without either every type but a directory fits;
 * 3. of these the only one that says something about the image already;
 * 4. else the first, or of its type the first that has it written out: what Argo CD Image Updater takes, with a hint that others fit.
 *
 * (Image Updater settles on one type and one source for all images of an Application.)
 */
export function locate(tracked: TrackedSettings, facts: LocateFacts): Location {
  const { sources, writeBack, live } = facts;
  const named = tracked.source === null ? null : findSource(sources, tracked.source);
  if (named === undefined) {
    const there = sources.map(describeSource).join(', ');
    return refuse(
      'NoSuchSource',
      `there is no source ${quoted(tracked.source ?? '')}: there is ${there || 'none at all'}`,
    );
  }
  const considered = named === null ? sources.filter(isRendered) : [named];
  const fitting = considered.flatMap((source) => {
    const kind = kindFor(source, tracked, writeBack);
    const place = kind === null ? null : resolvePlace(tracked, kind);
    return place === null ? [] : [{ source, place }];
  });
  if (fitting.length === 0) return nothingFits(considered, tracked);

  const { repository } = tracked.image;
  const holders = fitting.filter(({ source, place }) => currentValue(source, place, repository) !== null);
  const first = fitting[0];
  const alike = fitting.filter(({ source }) => source.type === first?.source.type);
  const chosen =
    (holders.length === 1 ? holders[0] : undefined) ?? alike.find(({ source }) => source.isExplicit) ?? first;
  if (chosen === undefined) return nothingFits(considered, tracked);
  const { source, place } = chosen;
  const running = live.filter((image) => isOf(image, repository, place));
  if (tracked.isOptional && !tracked.forceUpdate && running.length === 0 && !holders.includes(chosen)) {
    const instead = 'name the Application without wildcards, or say forceUpdate: true';
    return refuse('NotRunning', `it is listed for many Applications, and this one runs none of it: ${instead}`);
  }
  return {
    ok: true,
    located: {
      source,
      committed: committedSource(source, sources),
      place,
      current: current(currentValue(source, place, repository), running, tracked),
      running,
    },
    hints: fitting.length > 1 && holders.length !== 1 ? [severalFit(fitting, source, tracked)] : [],
  };
}

/**
 * Takes back what would be written twice: of two images with one value the only one that runs is meant, else neither can be right.
 * Parameters for names that nobody wrote down are left alone where several images share a source: they can be those of one only.
 */
export function withoutShared(
  images: readonly { readonly tracked: TrackedSettings; readonly location: Location }[],
): readonly { readonly tracked: TrackedSettings; readonly location: Location }[] {
  const users = new Map<string, { readonly key: string; readonly runs: boolean }[]>();
  const helm = new Map<string, number>();
  for (const { tracked, location } of images) {
    if (!location.ok) continue;
    const { source, place, running } = location.located;
    if (place.kind === 'helm') helm.set(source.pointer, (helm.get(source.pointer) ?? 0) + 1);
    for (const key of keysOf(tracked, location.located)) {
      users.set(key, [...(users.get(key) ?? []), { key: tracked.key, runs: running.length > 0 }]);
    }
  }
  return images.map(({ tracked, location }) => {
    if (!location.ok) return { tracked, location };
    const { located } = location;
    const key = keysOf(tracked, located).find((each) => !isOnlyUser(tracked.key, users.get(each) ?? []));
    if (key !== undefined) {
      const others = users.get(key)?.flatMap((each) => (each.key === tracked.key ? [] : [each.key]));
      const what = key.slice(key.indexOf(' ') + 1);
      const problem = `${others?.join(', ')} would write ${what} as well: give each image an alias and a place of its own`;
      return { tracked, location: refuse('SharedPlace', problem) };
    }
    const { place } = located;
    const isGuess = place.kind === 'helm' && place.name?.where === 'if-there';
    if (!isGuess || (helm.get(located.source.pointer) ?? 0) < 2) return { tracked, location };
    return { tracked, location: { ...location, located: { ...located, place: { ...place, name: null } } } };
  });
}

function isOnlyUser(key: string, users: readonly { readonly key: string; readonly runs: boolean }[]): boolean {
  const running = users.filter(({ runs }) => runs);
  return (running.length === 1 ? running : users).every((each) => each.key === key);
}

function keysOf({ image }: TrackedSettings, { source, place }: Located): readonly string[] {
  return placeKeys(place, canonicalName(image.repository)).map((key) => `${source.pointer} ${key}`);
}

/** Null is never an answer: undefined where there is none of that name. */
function findSource(sources: readonly ApplicationSource[], wanted: string): ApplicationSource | undefined {
  return (
    sources.find(({ name }) => name === wanted) ??
    sources.find(({ ref }) => ref === wanted) ??
    (/^\d{1,4}$/.test(wanted) ? sources[Number(wanted)] : undefined)
  );
}

/** Which kind of place a source has for an image; null where it has none. */
function kindFor(source: ApplicationSource, { place }: TrackedSettings, writeBack: WriteBack): Place['kind'] | null {
  const target = writeBack.kind === 'git' ? writeBack.target.kind : 'argocd-source';
  const forced = target === 'kustomization' ? 'kustomize' : target === 'helmvalues' ? 'helm' : null;
  const wanted = place.kind === 'unsaid' ? forced : place.kind;
  if (forced !== null) {
    // Files are written whatever Argo CD makes of them: a plugin may read them.
    const isFitting = source.type === null || source.type === 'Plugin' || source.type === TYPES[forced];
    return wanted === forced && isFitting ? forced : null;
  }
  switch (source.type) {
    case null:
      return wanted;
    case 'Helm':
      return wanted === null || wanted === 'helm' ? 'helm' : null;
    case 'Kustomize':
      return wanted === null || wanted === 'kustomize' ? 'kustomize' : null;
    case 'Plugin':
      if (wanted === 'plugin') return 'plugin';
      // In a file a plugin may find Helm's parameters.
      return writeBack.kind === 'git' && wanted !== 'kustomize' ? 'helm' : null;
    case 'Directory':
      return null;
  }
}

const TYPES = { helm: 'Helm', kustomize: 'Kustomize', plugin: 'Plugin' } as const;

function nothingFits(sources: readonly ApplicationSource[], { place }: TrackedSettings): Location {
  if (sources.length === 0) return refuse('NoSuchSource', 'the Application has no source that makes manifests');
  const isUnknown = sources.some(({ type }) => type === null);
  if (isUnknown) {
    return refuse(
      'SourceUnknown',
      'Argo CD has not said yet what kind of source this is: wait for its first refresh, or write a helm or kustomize block',
    );
  }
  const types = [...new Set(sources.map(({ type }) => type))].join(' and ');
  if (types === 'Plugin' && place.kind === 'unsaid') {
    return refuse(
      'NoPlace',
      'a plugin takes variables: name them as <alias>.plugin.image-tag or <alias>.plugin.image-spec',
    );
  }
  return place.kind === 'unsaid'
    ? refuse(
        'UnsupportedSource',
        `${types} has no parameters to write: write to git, with a target, or use Helm or Kustomize`,
      )
    : refuse(
        'UnsupportedSource',
        `a place of ${TYPES[place.kind]} was named, and the source is ${types}: name one that fits`,
      );
}

function severalFit(
  fitting: readonly { readonly source: ApplicationSource }[],
  chosen: ApplicationSource,
  { alias, image }: TrackedSettings,
): SettingsProblem {
  const others = fitting.filter(({ source }) => source !== chosen).map(({ source }) => describeSource(source));
  const key = `tagpin.dev/${alias === null ? '' : `${alias}.`}source`;
  const problem = `${describeSource(chosen)} is written, and ${others.join(', ')} would fit too: name the one that is meant`;
  return { kind: 'hint', key, image: alias ?? image.repository.text, problem };
}

/** What the Application says goes before what runs; of several that run the one with the tag that is followed. */
function current(
  written: CurrentValue | null,
  running: readonly ImageReference[],
  { image }: TrackedSettings,
): Located['current'] {
  if (written !== null) return { ...written, from: 'spec' };
  const live = running.find(({ tag }) => tag !== null && tag === image.constraint) ?? running[0];
  return live === undefined
    ? { name: null, tag: null, digest: null, from: null }
    : { name: live.name, tag: live.tag, digest: live.digest, from: 'live' };
}

function refuse(reason: LocateReason, problem: string): Location {
  return { ok: false, reason, problem };
}
