import { canonicalName, parseReference } from '../../image/reference.ts';
import type { TrackedSettings } from '../settings.ts';

/** Where the value of one image is written, with everything filled in that nobody wrote. */
export type Place =
  | {
      readonly kind: 'helm';
      readonly name: HelmParameter | null;
      readonly tag: HelmParameter | null;
      /** Takes the whole reference; the two before are null then. */
      readonly spec: HelmParameter | null;
      readonly digest: HelmParameter | null;
    }
  | {
      readonly kind: 'kustomize';
      /** The image's name in the manifests, where somebody gave one. */
      readonly name: string | null;
    }
  | {
      readonly kind: 'plugin';
      readonly name: string | null;
      readonly tag: string | null;
      readonly spec: string | null;
    };

/** `if-there`: written where the parameter, or the key of the file, is already. */
export interface HelmParameter {
  readonly parameter: string;
  readonly where: 'always' | 'if-there';
}

/** Argo CD Image Updater's defaults. */
const NAME_PARAMETER = 'image.name';
const TAG_PARAMETER = 'image.tag';

/**
 * The place for one kind of source.
 *
 * Argo CD Image Updater writes a parameter for the image's name whatever is configured, so that a chart with a schema may refuse to
 * render. Here it is written where somebody named it, and where neither name nor tag was named, since its documentation promises
 * both defaults then; where the tag's parameter alone was named, only if `image.name` is there already. Likewise the tag where only
 * a parameter for the digest was named, and the tag is always the same.
 *
 * @returns null where the kind can't be told: a plugin whose variables nobody named.
 */
export function resolvePlace({ place, rule }: TrackedSettings, kind: Place['kind']): Place | null {
  switch (kind) {
    case 'helm': {
      const said = place.kind === 'helm' ? place : null;
      const digest = always(said?.digestParameter ?? null);
      if (said !== null && said.specParameter !== null) {
        return { kind, name: null, tag: null, spec: always(said.specParameter), digest };
      }
      const saysNothing = !said?.nameParameter && !said?.tagParameter && digest === null;
      const followsOneTag = rule.strategy === 'digest' && digest !== null && !said?.tagParameter;
      const tag = said?.tagParameter ?? TAG_PARAMETER;
      return {
        kind,
        name: always(said?.nameParameter ?? null) ?? {
          parameter: NAME_PARAMETER,
          where: saysNothing ? 'always' : 'if-there',
        },
        tag: { parameter: tag, where: followsOneTag ? 'if-there' : 'always' },
        spec: null,
        digest,
      };
    }
    case 'kustomize':
      return { kind, name: place.kind === 'kustomize' ? withoutTag(place.name) : null };
    case 'plugin':
      if (place.kind !== 'plugin') return null;
      return { kind, name: place.nameVariable, tag: place.tagVariable, spec: place.specVariable };
  }
}

/** The values of a place, by which two images may get into each other's way. */
export function placeKeys(place: Place, image: string): readonly string[] {
  switch (place.kind) {
    case 'helm':
      return [place.tag, place.spec, place.digest].flatMap((each) => each?.parameter ?? []);
    case 'kustomize':
      return [canonical(place.name ?? image)];
    case 'plugin':
      return [place.tag, place.spec].filter((each) => each !== null);
  }
}

function canonical(name: string): string {
  const parsed = parseReference(name);
  return parsed.ok ? canonicalName(parsed.reference) : name;
}

function always(parameter: string | null): HelmParameter | null {
  return parameter === null ? null : { parameter, where: 'always' };
}

/** Kustomize's names of images have neither tag nor digest. */
function withoutTag(name: string): string {
  const image = name.split('@')[0] ?? '';
  const colon = image.indexOf(':', image.lastIndexOf('/') + 1);
  return colon === -1 ? image : image.slice(0, colon);
}
