import { type Digest, parseDigest } from '../../core/image/digest.ts';
import { isObject, parseObject } from '../manifest.ts';

/** A manifest that names another as its subject, as a list tells of it. Nothing of it is checked yet. */
export interface Referrer {
  readonly digest: Digest;
  /** Null where the list does not say, or says nothing with it. */
  readonly artifactType: string | null;
  /** The short ones, at most 10. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A manifest of something that is no image to be run, such as a signature. */
export interface ArtifactManifest {
  /** What it says that it is, by `artifactType` or by its configuration's media type; null where it does not. */
  readonly artifactType: string | null;
  /** At most 50. */
  readonly layers: readonly ArtifactLayer[];
  /** Were there more? */
  readonly isCut: boolean;
}

/** One of its blobs. */
export interface ArtifactLayer {
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes, as the manifest says; null where it does not. */
  readonly size: number | null;
  readonly annotations: Readonly<Record<string, string>>;
}

const MOST_LAYERS = 50;
/** What tells referrers apart is short; a thousand of them are kept at once. */
const MOST_LISTED_ANNOTATIONS = 10;
const LONGEST_LISTED_ANNOTATION = 256;
/** What configurations are called that say nothing (image-spec, "Guidance for an Empty Descriptor"). */
const EMPTY = 'application/vnd.oci.empty.v1+json';

/** Reads an index of referrers (image-spec, "OCI Image Index"); null for anything else. */
export function parseReferrers(body: Buffer): readonly Referrer[] | null {
  const manifests = parseObject(body)?.['manifests'];
  // Go writes null for an empty list.
  if (manifests === null) return [];
  if (!Array.isArray(manifests)) return null;
  return manifests.flatMap((value: unknown) => {
    const digest = digestOf(value);
    if (!isObject(value) || digest === null) return [];
    // Registries that look at the configuration alone list a signature as something empty.
    const type = textOf(value['artifactType']);
    const artifactType = type === EMPTY ? null : type;
    return [{ digest, artifactType, annotations: shortAnnotationsOf(value['annotations']) }];
  });
}

/** Reads a manifest with layers (image-spec, "Guidelines for Artifact Usage"); null for anything else. */
export function parseArtifact(body: Buffer): ArtifactManifest | null {
  const manifest = parseObject(body);
  const { artifactType, config, layers, manifests } = manifest ?? {};
  // What could be read as an index too is neither (CVE-2021-41190).
  if (!Array.isArray(layers) || manifests !== undefined) return null;
  return {
    artifactType: textOf(artifactType) ?? (isObject(config) ? textOf(config['mediaType']) : null),
    layers: layers.slice(0, MOST_LAYERS).flatMap((value: unknown) => {
      const digest = digestOf(value);
      const mediaType = isObject(value) ? textOf(value['mediaType']) : null;
      if (!isObject(value) || digest === null || mediaType === null) return [];
      const { size, annotations } = value;
      return [
        {
          digest,
          mediaType,
          size: typeof size === 'number' ? size : null,
          annotations: annotationsOf(annotations),
        },
      ];
    }),
    isCut: layers.length > MOST_LAYERS,
  };
}

function digestOf(value: unknown): Digest | null {
  const digest = isObject(value) ? value['digest'] : null;
  return typeof digest === 'string' ? parseDigest(digest) : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function annotationsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function shortAnnotationsOf(value: unknown): Readonly<Record<string, string>> {
  const short = Object.entries(annotationsOf(value)).filter((entry) =>
    entry.every(({ length }) => length <= LONGEST_LISTED_ANNOTATION),
  );
  return Object.fromEntries(short.slice(0, MOST_LISTED_ANNOTATIONS));
}
