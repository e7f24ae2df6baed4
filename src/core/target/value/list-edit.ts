import { parseReference } from '../../image/reference.ts';
import { asString, type JsonObject, property } from '../../workload/json.ts';
import {
  decidesAbout,
  formatKustomizeImage,
  isSameImage,
  parseKustomizeImage,
  saysTheSame,
} from './kustomize-image.ts';
import {
  helmParameters,
  isSameValue,
  kustomizeImages,
  type ProposedValues,
  pluginVariables,
  type ValueRole,
} from './values.ts';

/** What must change in one list of a source so that it says what it should. */
export interface ListEdit {
  readonly block: 'helm' | 'kustomize' | 'plugin';
  readonly list: 'parameters' | 'images' | 'env';
  /** Entries that are there; for `images` the value is the entry itself. */
  readonly replacements: readonly { readonly index: number; readonly value: string }[];
  readonly additions: readonly (JsonObject | string)[];
}

/**
 * Compares a source with what it should say. What says the same in another spelling stays, and so does the spelling of what changes:
 * an entry of Kustomize keeps the name by which it finds the image in the manifests. Of entries that are there twice each is changed,
 * since which of them holds is up to the tool. A parameter that is added is a string whatever it looks like (`1.20` is no number).
 */
export function editList(source: JsonObject, proposed: ProposedValues): ListEdit {
  switch (proposed.kind) {
    case 'helm':
      return {
        block: 'helm',
        list: 'parameters',
        ...editNamed(helmParameters(source), proposed.parameters, { forceString: true }),
      };
    case 'plugin':
      return {
        block: 'plugin',
        list: 'env',
        ...editNamed(
          pluginVariables(source),
          proposed.variables.map((each) => ({ ...each, where: 'always' as const })),
          {},
        ),
      };
    case 'kustomize':
      return { block: 'kustomize', list: 'images', ...editImages(kustomizeImages(source), proposed) };
  }
}

/** Does a source already say what it should? */
export function isWritten(source: JsonObject, proposed: ProposedValues): boolean {
  const { replacements, additions } = editList(source, proposed);
  return replacements.length === 0 && additions.length === 0;
}

type Changes = Pick<ListEdit, 'replacements' | 'additions'>;

function editNamed(
  entries: readonly unknown[],
  wanted: readonly {
    readonly name: string;
    readonly value: string;
    readonly role: ValueRole;
    readonly where: 'always' | 'if-there';
  }[],
  more: JsonObject,
): Changes {
  const replacements: { index: number; value: string }[] = [];
  const additions: JsonObject[] = [];
  for (const { name, value, role, where } of wanted) {
    const found = entries.flatMap((entry, index) => (property(entry, 'name') === name ? [{ entry, index }] : []));
    if (found.length === 0 && where === 'always') additions.push({ name, value, ...more });
    for (const { entry, index } of found) {
      if (!isSameValue(role, asString(property(entry, 'value')) ?? '', value)) replacements.push({ index, value });
    }
  }
  return { replacements, additions };
}

function editImages(entries: readonly string[], proposed: ProposedValues & { kind: 'kustomize' }): Changes {
  const { name, isNamed, newName, tag, digest } = proposed;
  const repository = parseReference(newName);
  const wanted = { name: isNamed ? name : null, newName, tag, digest };
  const replacements: { index: number; value: string }[] = [];
  let isThere = false;
  for (const [index, text] of entries.entries()) {
    const entry = parseKustomizeImage(text);
    if (entry === null || !repository.ok || !decidesAbout(entry, isNamed ? name : null, repository.reference)) continue;
    isThere = true;
    if (saysTheSame(entry, wanted)) continue;
    const keepsName = isSameImage(entry.newName, newName);
    const next = {
      // Without a name of its own the entry finds the image by what it makes of it.
      name: entry.name ?? (keepsName ? null : entry.newName),
      newName: keepsName ? entry.newName : newName,
      tag,
      digest,
    };
    replacements.push({ index, value: formatKustomizeImage(next) });
  }
  return { replacements, additions: isThere ? [] : [formatKustomizeImage(wanted)] };
}
