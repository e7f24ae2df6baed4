import type { SettingsProblem } from '../settings.ts';
import {
  APPLICATION_KEYS,
  type ApplicationKey,
  OWN_APPLICATION_KEYS,
  quoted,
  type SettingsLayer,
  type Written,
} from './written.ts';

/**
 * Several origins that stand beside each other, as `ImageUpdater` resources that select the same Application do: each is asked about
 * the images that it names, and all must write to the same place. (Argo CD Image Updater lets them overwrite each other.)
 */
export function joinLayers(layers: readonly SettingsLayer[]): SettingsLayer {
  const [only] = layers;
  if (only !== undefined && layers.length === 1) return only;
  const naming = (alias: string | null): readonly SettingsLayer[] => {
    const found = layers.filter(({ images }) => images?.some((image) => image.alias === alias));
    return found.length === 0 ? layers : found;
  };
  const named = layers.filter(({ images }) => images !== null);
  return {
    images: named.length === 0 ? null : named.flatMap(({ images }) => images ?? []),
    own: (alias, key) => first(naming(alias), (layer) => layer.own(alias, key)),
    shared: (alias, key) => first(naming(alias), (layer) => layer.shared(alias, key)),
    application: (key) => first(layers, (layer) => layer.application(key)),
    problems: [...layers.flatMap(({ problems }) => problems), ...contradictions(named)],
  };
}

/** Of several write-backs, also one that says nothing and so means `argocd`, only one can be meant. */
function contradictions(layers: readonly SettingsLayer[]): readonly SettingsProblem[] {
  const keys: readonly ApplicationKey[] = [...APPLICATION_KEYS, ...OWN_APPLICATION_KEYS];
  return keys.flatMap((key) => {
    const written = layers.map((layer) => layer.application(key));
    const texts = new Set(written.map((each) => each?.text ?? ''));
    const one = written.find((each) => each !== null);
    if (texts.size < 2 || one === undefined || one === null) return [];
    const said = [...texts].map((text) => (text === '' ? 'nothing' : quoted(text))).join(' and ');
    const problem = `several resources select this Application and say ${said}: make them agree`;
    return [{ kind: 'error' as const, key: one.where, image: null, problem }];
  });
}

function first(layers: readonly SettingsLayer[], look: (layer: SettingsLayer) => Written | null): Written | null {
  for (const layer of layers) {
    const written = look(layer);
    if (written !== null) return written;
  }
  return null;
}
