import type { SettingsProblem, WantedPlace } from '../settings.ts';
import { type ImageKey, quoted, type Written } from './written.ts';

export interface ReadPlace {
  /** Null where an error stops the image. */
  readonly place: WantedPlace | null;
  readonly problems: readonly SettingsProblem[];
}

const HELM_KEYS = ['helm.image-spec', 'helm.image-name', 'helm.image-tag', 'helm.image-digest'] as const;
const KUSTOMIZE_KEYS = ['kustomize.image-name'] as const;
const PLUGIN_KEYS = ['plugin.image-spec', 'plugin.image-name', 'plugin.image-tag'] as const;

/** `--set-string NAME=VALUE`: what ends the name, or begins a list, can't be in it. */
const PARAMETER = /^[^\s=,{}]{1,253}$/;
const VARIABLE = /^[^\s=]{1,253}$/;

/**
 * Reads where the value of one image goes: Helm parameters, an entry of Kustomize's `images`, or a plugin's environment. Two kinds
 * for one image contradict each other; the parameter for the whole reference makes those for its parts idle.
 *
 * @param image how problems name it.
 */
export function readPlace(look: (key: ImageKey) => Written | null, image: string): ReadPlace {
  const problems: SettingsProblem[] = [];
  const all = new Map<ImageKey, Written>();
  for (const key of [...HELM_KEYS, ...KUSTOMIZE_KEYS, ...PLUGIN_KEYS]) {
    const found = look(key);
    if (found !== null && found.text !== '') all.set(key, found);
  }
  if (all.size === 0) return { place: { kind: 'unsaid' }, problems };
  const written = (key: ImageKey): Written | null => all.get(key) ?? null;
  const name = (key: ImageKey, grammar: RegExp): string | null => {
    const found = written(key);
    if (found === null) return null;
    if (grammar.test(found.text)) return found.text;
    const problem = `${quoted(found.text)} is no name of a value: no spaces, "=", "," or braces`;
    problems.push({ kind: 'error', key: found.where, image, problem });
    return null;
  };

  const kinds = [HELM_KEYS, KUSTOMIZE_KEYS, PLUGIN_KEYS]
    .map((keys) => keys.map(written).find((each) => each !== null))
    .filter((each) => each !== undefined);
  const [first, second] = kinds;
  if (first !== undefined && second !== undefined) {
    const problem = `${quoted(second.text)} contradicts ${first.where}: one image is written to one kind of place, remove one of them`;
    return { place: null, problems: [{ kind: 'error', key: second.where, image, problem }] };
  }

  if (HELM_KEYS.some((key) => written(key) !== null)) {
    const specParameter = name('helm.image-spec', PARAMETER);
    const idle = specParameter === null ? [] : [written('helm.image-name'), written('helm.image-tag')];
    for (const { text, where } of idle.filter((each) => each !== null)) {
      const problem = `${quoted(text)} does nothing: helm.image-spec takes the whole reference`;
      problems.push({ kind: 'hint', key: where, image, problem });
    }
    const part = (key: ImageKey): string | null => (specParameter === null ? name(key, PARAMETER) : null);
    const place: WantedPlace = {
      kind: 'helm',
      nameParameter: part('helm.image-name'),
      tagParameter: part('helm.image-tag'),
      specParameter,
      digestParameter: name('helm.image-digest', PARAMETER),
    };
    return finish(place, [...problems, ...namedTwice(HELM_KEYS, written, image)]);
  }
  const original = written('kustomize.image-name');
  if (original !== null) return finish({ kind: 'kustomize', name: original.text }, problems);
  const specVariable = name('plugin.image-spec', VARIABLE);
  const place: WantedPlace = {
    kind: 'plugin',
    nameVariable: specVariable === null ? name('plugin.image-name', VARIABLE) : null,
    tagVariable: specVariable === null ? name('plugin.image-tag', VARIABLE) : null,
    specVariable,
  };
  return finish(place, [...problems, ...namedTwice(PLUGIN_KEYS, written, image)]);
}

/** One value can't take two things. */
function namedTwice(
  keys: readonly ImageKey[],
  written: (key: ImageKey) => Written | null,
  image: string,
): readonly SettingsProblem[] {
  const before = new Map<string, string>();
  return keys.flatMap((key) => {
    const found = written(key);
    if (found === null) return [];
    const other = before.get(found.text);
    before.set(found.text, found.where);
    const problem = `${quoted(found.text)} is also what ${other} names: one value can not take both`;
    return other === undefined ? [] : [{ kind: 'error' as const, key: found.where, image, problem }];
  });
}

function finish(place: WantedPlace, problems: readonly SettingsProblem[]): ReadPlace {
  return { place: problems.some(({ kind }) => kind === 'error') ? null : place, problems };
}
