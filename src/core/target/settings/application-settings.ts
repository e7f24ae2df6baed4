import { asString, property, valueAt } from '../../workload/json.ts';
import type { ApplicationSettings, SettingsProblem, TrackedSettings } from '../settings.ts';
import { unknownKeys } from './annotation-keys.ts';
import { IMAGE_UPDATER_ANNOTATIONS, readAnnotations, TAGPIN_ANNOTATIONS } from './annotations.ts';
import { type LookUp, readImage } from './image-settings.ts';
import type { ImageUpdater } from './image-updater.ts';
import { joinLayers } from './layers.ts';
import { readWriteBack } from './write-back.ts';
import { quoted, type SettingsLayer } from './written.ts';

/**
 * Reads what an Application follows: `tagpin.dev/` annotations, and below them, key by key, what Argo CD Image Updater would read:
 * its resources where one of them selects the Application, else its annotations. For one image the nearest word holds: what is
 * written about it alone, in either family, before what is written about all.
 *
 * @param object the Application.
 * @param updaters all there are; null where the policy does not read Image Updater's settings.
 * @returns null where nothing is written about following.
 */
export function readSettings(object: unknown, updaters: readonly ImageUpdater[] | null): ApplicationSettings | null {
  const annotations = valueAt(object, ['metadata', 'annotations']);
  const namespace = asString(valueAt(object, ['metadata', 'namespace'])) ?? '';
  const upper = readAnnotations(annotations, TAGPIN_ANNOTATIONS);
  const inherited = updaters === null ? NOTHING_INHERITED : inherit(object, annotations, updaters);
  const lower = joinLayers(inherited.layers);

  const listed = upper.images ?? lower.images;
  const aliases = listed?.flatMap(({ alias }) => (alias === null ? [] : [alias])) ?? null;
  const problems: SettingsProblem[] = [
    ...upper.problems,
    ...lower.problems,
    ...unknownKeys(annotations, TAGPIN_ANNOTATIONS, aliases),
    ...(inherited.reads === 'annotations' ? unknownKeys(annotations, IMAGE_UPDATER_ANNOTATIONS, aliases) : []),
    ...(inherited.reads === 'resources' ? idleAnnotations(annotations) : []),
  ];
  if (listed === null && problems.length === 0) return null;

  const written = readWriteBack((key) => upper.application(key) ?? lower.application(key), namespace);
  problems.push(...written.problems);
  const images: { readonly id: string; readonly settings: TrackedSettings }[] = [];
  for (const image of listed ?? []) {
    const read = readImage(image, lookUp(image.alias, upper, lower), namespace);
    problems.push(...read.problems);
    if (read.settings !== null) images.push({ id: image.alias ?? image.image.text, settings: read.settings });
  }
  problems.push(...repeated(images, listed?.[0]?.image.where ?? ''));

  const failed = new Set(problems.filter(({ kind }) => kind === 'error').map(({ image }) => image));
  return {
    images: failed.has(null) ? [] : images.filter(({ id }) => !failed.has(id)).map(({ settings }) => settings),
    writeBack: written.writeBack ?? { kind: 'argocd' },
    problems,
  };
}

/** What Image Updater's side says, and where it says it. */
interface Inherited {
  readonly layers: readonly SettingsLayer[];
  readonly reads: 'annotations' | 'resources' | 'nothing';
}

const NOTHING_INHERITED: Inherited = { layers: [], reads: 'nothing' };

/**
 * In each resource of the Application's namespace the most special reference that fits; one that asks for annotations fits only an
 * Application that has them. Without any, the annotations alone, as before 1.0.
 */
function inherit(object: unknown, annotations: unknown, updaters: readonly ImageUpdater[]): Inherited {
  const metadata = property(object, 'metadata');
  const name = asString(property(metadata, 'name')) ?? '';
  const labels = property(metadata, 'labels');
  const legacy = readAnnotations(annotations, IMAGE_UPDATER_ANNOTATIONS);
  const hasList = legacy.images !== null || legacy.problems.length > 0;
  const references = updaters
    .filter(({ namespace }) => namespace === asString(property(metadata, 'namespace')))
    .flatMap((updater) =>
      updater.references.filter((each) => each.matches(name, labels) && (!each.useAnnotations || hasList)).slice(0, 1),
    );
  const readsAnnotations = references.length === 0 || references.some(({ useAnnotations }) => useAnnotations);
  return {
    layers: [...references.map(({ layer }) => layer), ...(readsAnnotations ? [legacy] : [])],
    reads: readsAnnotations ? 'annotations' : 'resources',
  };
}

function lookUp(alias: string | null, upper: SettingsLayer, lower: SettingsLayer): LookUp {
  return (key) => {
    const own = alias === null ? null : (upper.own(alias, key) ?? lower.own(alias, key));
    return own ?? upper.shared(alias, key) ?? lower.shared(alias, key);
  };
}

/** Two images of one key share their annotations and their state: nobody can say which of them is meant. */
function repeated(
  images: readonly { readonly id: string; readonly settings: TrackedSettings }[],
  list: string,
): readonly SettingsProblem[] {
  const groups = Map.groupBy(images, ({ settings }) => settings.key.replaceAll('/', '_'));
  return [...groups.values()].flatMap((group) => {
    if (group.length < 2) return [];
    const ids = new Set(group.map(({ id }) => id));
    return [...ids].map((image) => ({
      kind: 'error' as const,
      key: list,
      image,
      problem: `${quoted(image)} is listed ${group.length} times: give each an alias of its own, as in web=nginx`,
    }));
  });
}

/** Annotations that a resource has taken the place of. */
function idleAnnotations(annotations: unknown): readonly SettingsProblem[] {
  const { images } = readAnnotations(annotations, IMAGE_UPDATER_ANNOTATIONS);
  if (images === null) return [];
  const key = `${IMAGE_UPDATER_ANNOTATIONS.prefix}image-list`;
  const problem =
    'does nothing: an ImageUpdater resource selects this Application, and does not say useAnnotations: true';
  return [{ kind: 'hint', key, image: null, problem }];
}
