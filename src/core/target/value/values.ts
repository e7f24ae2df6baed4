import { type Digest, parseDigest } from '../../image/digest.ts';
import { canonicalName, type ImageReference, parseReference } from '../../image/reference.ts';
import { asString, elements, type JsonObject, property, valueAt } from '../../workload/json.ts';
import type { TrackedSettings } from '../settings.ts';
import { decidesAbout, isSameImage, parseKustomizeImage } from './kustomize-image.ts';
import type { HelmParameter, Place } from './place.ts';
import type { ApplicationSource } from './source.ts';

/** What a place says now, as far as it says anything. */
export interface CurrentValue {
  /** The image, as it is spelled there. */
  readonly name: string | null;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

export type ValueRole = 'name' | 'tag' | 'spec' | 'digest';

/** What a place should say. */
export type ProposedValues =
  | {
      readonly kind: 'helm';
      readonly parameters: readonly {
        readonly name: string;
        readonly value: string;
        readonly role: ValueRole;
        readonly where: HelmParameter['where'];
      }[];
    }
  | {
      readonly kind: 'kustomize';
      /** The image in the manifests, without its tag. */
      readonly name: string;
      /** Was it given, or is it the followed image itself? */
      readonly isNamed: boolean;
      /** What comes in its place, as the user wrote it; often the same. */
      readonly newName: string;
      readonly tag: string | null;
      readonly digest: Digest | null;
    }
  | {
      readonly kind: 'plugin';
      readonly variables: readonly { readonly name: string; readonly value: string; readonly role: ValueRole }[];
    };

/** Is the digest asked for, besides the tag? */
export function needsDigest({ rule, format, place }: TrackedSettings): boolean {
  return rule.strategy === 'digest' || format !== 'tag' || (place.kind === 'helm' && place.digestParameter !== null);
}

/**
 * What a place should say for a tag and its digest: `1.2`, `main@sha256:…` or `sha256:…` where the tag goes, by the format. Where
 * only a digest is known the tag is `latest`, as Argo CD Image Updater has it.
 *
 * @returns null where the format wants what is not there.
 */
export function proposedValues(
  { image, format }: Pick<TrackedSettings, 'image' | 'format'>,
  place: Place,
  chosen: { readonly tag: string | null; readonly digest: Digest | null },
): ProposedValues | null {
  const tag = format === 'digest' ? null : (chosen.tag ?? (format === 'tag+digest' ? 'latest' : null));
  const digest = format === 'tag' ? null : chosen.digest;
  if ((format !== 'digest' && tag === null) || (format !== 'tag' && digest === null)) return null;
  const { name } = image.repository;
  const value = [tag, digest].filter((each) => each !== null).join('@');
  const whole = `${name}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
  switch (place.kind) {
    case 'helm': {
      if (place.digest !== null && chosen.digest === null) return null;
      const roles: readonly (readonly [ValueRole, HelmParameter | null, string])[] = [
        ['name', place.name, name],
        ['tag', place.tag, value],
        ['spec', place.spec, whole],
        ['digest', place.digest, chosen.digest ?? ''],
      ];
      return {
        kind: 'helm',
        parameters: roles.flatMap(([role, to, text]) =>
          to === null ? [] : [{ name: to.parameter, value: text, role, where: to.where }],
        ),
      };
    }
    case 'kustomize':
      return { kind: 'kustomize', name: place.name ?? name, isNamed: place.name !== null, newName: name, tag, digest };
    case 'plugin': {
      const roles: readonly (readonly [ValueRole, string | null, string])[] =
        place.spec === null
          ? [
              ['name', place.name, name],
              ['tag', place.tag, value],
            ]
          : [['spec', place.spec, whole]];
      return {
        kind: 'plugin',
        variables: roles.flatMap(([role, variable, text]) =>
          variable === null ? [] : [{ name: variable, value: text, role }],
        ),
      };
    }
  }
}

/** What a source says about an image now; null where it says nothing about its tag or digest. */
export function currentValue(source: ApplicationSource, place: Place, repository: ImageReference): CurrentValue | null {
  switch (place.kind) {
    case 'helm': {
      const value = (to: HelmParameter | null): string | null =>
        to === null ? null : valueNamed(helmParameters(source.raw), to.parameter);
      const spec = value(place.spec);
      const parsed = spec === null ? splitTag(value(place.tag)) : splitReference(spec);
      const digest = parsed?.digest ?? parseDigest(value(place.digest) ?? '');
      if (parsed === null && digest === null) return null;
      return { name: parsed?.name ?? value(place.name), tag: parsed?.tag ?? null, digest };
    }
    case 'kustomize': {
      const entry = kustomizeImages(source.raw)
        .map(parseKustomizeImage)
        .findLast((each) => each !== null && decidesAbout(each, place.name, repository));
      if (entry === undefined || entry === null || (entry.tag === null && entry.digest === null)) return null;
      return { name: entry.newName, tag: entry.tag, digest: entry.digest };
    }
    case 'plugin': {
      const value = (name: string | null): string | null =>
        name === null ? null : valueNamed(pluginVariables(source.raw), name);
      const spec = value(place.spec);
      const parsed = spec === null ? splitTag(value(place.tag)) : splitReference(spec);
      return parsed === null ? null : { ...parsed, name: parsed.name ?? value(place.name) };
    }
  }
}

/** Is a value the same in another spelling? Images are compared in canonical form, everything else letter by letter. */
export function isSameValue(role: ValueRole, one: string, other: string): boolean {
  if (one === other) return true;
  if (role === 'name') return isSameImage(one, other);
  if (role !== 'spec') return false;
  const [a, b] = [splitReference(one), splitReference(other)];
  return (
    a !== null && b !== null && a.tag === b.tag && a.digest === b.digest && isSameImage(a.name ?? '', b.name ?? '')
  );
}

/** The raw entries of `helm.parameters`. */
export function helmParameters(source: JsonObject): readonly unknown[] {
  return elements(valueAt(source, ['helm', 'parameters']));
}

/** The entries of `kustomize.images`; what is no text is empty, so that places stay. */
export function kustomizeImages(source: JsonObject): readonly string[] {
  return elements(valueAt(source, ['kustomize', 'images'])).map((each) => asString(each) ?? '');
}

/** The raw entries of `plugin.env`. */
export function pluginVariables(source: JsonObject): readonly unknown[] {
  return elements(valueAt(source, ['plugin', 'env']));
}

/** Of several entries of one name the last holds, for Helm as for a process's environment. */
function valueNamed(entries: readonly unknown[], name: string): string | null {
  const entry = entries.findLast((each) => property(each, 'name') === name);
  return entry === undefined ? null : asString(property(entry, 'value'));
}

/** `1.2`, `main@sha256:…`, `sha256:…`; null where there is nothing. */
function splitTag(value: string | null): CurrentValue | null {
  if (value === null || value === '') return null;
  const at = value.indexOf('@');
  const digest = parseDigest(value.slice(at + 1));
  if (digest === null) return { name: null, tag: value, digest: null };
  return { name: null, tag: at <= 0 ? null : value.slice(0, at), digest };
}

/** A whole reference; null for what is none, or has neither tag nor digest. */
function splitReference(text: string): CurrentValue | null {
  const parsed = parseReference(text);
  if (!parsed.ok) return null;
  const { name, tag, digest } = parsed.reference;
  return tag === null && digest === null ? null : { name, tag, digest };
}

/** Is an image of the cluster one of the repository, or of the one that is replaced by it? */
export function isOf(running: ImageReference, repository: ImageReference, place: Place): boolean {
  const isOriginal = place.kind === 'kustomize' && place.name !== null && isSameImage(running.name, place.name);
  return isOriginal || canonicalName(running) === canonicalName(repository);
}
