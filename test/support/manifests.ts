import { createHash } from 'node:crypto';
import { type Digest, parseDigest } from '../../src/core/image/digest.ts';

/** Bytes that a registry keeps, and the name it has for them. */
export interface Content {
  readonly mediaType: string;
  readonly body: Buffer;
  readonly digest: Digest;
}

/** The OCI's media types, or those that Docker's registry had before. */
export type ManifestFormat = 'oci' | 'docker';

/** The names of what images are made of (OCI image-spec `media-types.md`; distribution's `manifest-v2-2.md`). */
export const MEDIA_TYPES = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const;

/** What an image is built from: two of the same have the same digest. */
export interface ImageSource {
  readonly format: ManifestFormat;
  /** `OS/ARCH` or `OS/ARCH/VARIANT`. */
  readonly platform: string;
  /** A label in its configuration, so that images differ. */
  readonly label: string;
  /** When it says that it was built; nothing unless given. */
  readonly created?: string;
}

/** A manifest and the blobs that it names. */
export interface BuiltImage {
  readonly manifest: Content;
  readonly blobs: readonly Content[];
}

/** An empty tar archive, compressed: a layer that every client can unpack. */
const EMPTY_LAYER = Buffer.from('H4sIAAAAAAAA/2IYBaNgFIxYAAgAAP//Lq+17wAEAAA=', 'base64');
/** The digest of that archive before compression. */
const EMPTY_DIFF = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** Builds an image with one empty layer. */
export function buildImage({ format, platform, label, created }: ImageSource): BuiltImage {
  const types = MEDIA_TYPES[format];
  const layer = contentOf(types.layer, EMPTY_LAYER);
  const config = jsonContent(types.config, {
    ...platformFields(platform),
    ...(created !== undefined && { created }),
    config: { Labels: { 'dev.tagpin.test': label } },
    rootfs: { type: 'layers', diff_ids: [EMPTY_DIFF] },
    history: [{ created_by: 'tagpin' }],
  });
  const manifest = jsonContent(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(config),
    layers: [descriptor(layer)],
  });
  return { manifest, blobs: [config, layer] };
}

/** Builds an index (Docker: manifest list) of images for platforms, in the order given. */
export function buildIndex(
  format: ManifestFormat,
  entries: readonly { readonly platform: string; readonly manifest: Content }[],
): Content {
  const mediaType = MEDIA_TYPES[format].index;
  return jsonContent(mediaType, {
    schemaVersion: 2,
    mediaType,
    manifests: entries.map(({ platform, manifest }) => ({
      ...descriptor(manifest),
      platform: platformFields(platform),
    })),
  });
}

/** Bytes with their SHA-256 digest. */
export function contentOf(mediaType: string, body: Buffer): Content {
  return { mediaType, body, digest: digestOf(body) };
}

/** The SHA-256 digest of bytes. */
export function digestOf(body: Buffer | string): Digest {
  const digest = parseDigest(`sha256:${createHash('sha256').update(body).digest('hex')}`);
  if (digest === null) throw new Error('a SHA-256 sum is always a digest');
  return digest;
}

function jsonContent(mediaType: string, value: object): Content {
  return contentOf(mediaType, Buffer.from(JSON.stringify(value)));
}

function descriptor({ mediaType, digest, body }: Content): object {
  return { mediaType, digest, size: body.length };
}

function platformFields(platform: string): object {
  const [os, architecture, variant] = platform.split('/');
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}
