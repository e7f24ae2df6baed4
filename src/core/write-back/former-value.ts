import { parseDigest } from '../image/digest.ts';
import { parseReference } from '../image/reference.ts';
import { type ImageValue, isSameValue, NO_VALUE, parseValue, valueText } from '../sweep/value.ts';
import { parseKustomizeImage } from '../target/value/kustomize-image.ts';
import type { ProposedValues, ValueRole } from '../target/value/values.ts';
import type { ValueChange } from './edited-text.ts';

/**
 * What a file said of one image before it was edited, for the message of the commit.
 *
 * @param changes of the edit that wrote these values, those of other images among them.
 * @returns null where it said nothing, or nothing that is a tag or a digest: what stands in a file may be anything.
 */
export function formerValue(proposed: ProposedValues, changes: readonly ValueChange[]): ImageValue | null {
  const from = (...places: readonly string[]): string | null =>
    changes.find(({ place }) => places.includes(place))?.from ?? null;
  switch (proposed.kind) {
    case 'helm':
      return ofNamed(proposed.parameters, (name) => from(name, `helm.parameters[${name}]`));
    case 'plugin':
      return ofNamed(proposed.variables, (name) => from(`plugin.env[${name}]`));
    case 'kustomize':
      return ofKustomize(proposed, changes, from);
  }
}

type From = (...places: readonly string[]) => string | null;

function ofNamed(
  values: readonly { readonly name: string; readonly role: ValueRole }[],
  from: (name: string) => string | null,
): ImageValue | null {
  const of = (role: ValueRole): string | null => {
    const value = values.find((each) => each.role === role);
    return value === undefined ? null : from(value.name);
  };
  const spec = of('spec');
  if (spec !== null) return ofReference(spec);
  const tag = of('tag');
  // A tag's parameter may hold a digest alone.
  const value = parseValue(tag ?? '') ?? { tag: null, digest: parseDigest(tag ?? '') };
  return said({ tag: value.tag, digest: parseDigest(of('digest') ?? '') ?? value.digest });
}

function ofKustomize(
  { name, newName, tag }: Extract<ProposedValues, { kind: 'kustomize' }>,
  changes: readonly ValueChange[],
  from: From,
): ImageValue | null {
  const entry = from(`kustomize.images[${name}]`, `kustomize.images[${newName}]`);
  if (entry !== null) {
    const parsed = parseKustomizeImage(entry);
    return parsed === null ? null : said(parseValue(valueText(parsed)));
  }
  const places = { tag: `images[${name}].newTag`, digest: `images[${name}].digest` };
  if (!changes.some(({ place }) => place === places.tag || place === places.digest)) return null;
  const former = parseValue(from(places.tag) ?? '');
  return said({
    // What was not changed was there before.
    tag: changes.some(({ place }) => place === places.tag) ? (former?.tag ?? null) : tag,
    digest: parseDigest(from(places.digest) ?? '') ?? former?.digest ?? null,
  });
}

function said(value: ImageValue | null): ImageValue | null {
  return isSameValue(value, NO_VALUE) ? null : value;
}

function ofReference(text: string): ImageValue | null {
  const parsed = parseReference(text);
  if (!parsed.ok) return null;
  const { tag, digest } = parsed.reference;
  return said({ tag, digest });
}
