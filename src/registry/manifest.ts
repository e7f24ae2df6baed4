import { createHash } from 'node:crypto';
import { type Digest, digestAlgorithm, parseDigest } from '../core/image/digest.ts';
import type { Platform } from '../core/image/platform.ts';

/** The registries' specification asks for 4 MiB at least; containerd reads 8 MiB at most. */
export const LARGEST_MANIFEST = 8 * 1024 * 1024;

const INDEXES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;

const IMAGES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

/**
 * What a registry is asked for. Without the types of indexes some give the manifest of one platform (distribution-spec
 * #207) or a 404; with `*` or nothing they may give schema 1.
 */
export const ACCEPT_MANIFESTS = [...INDEXES, ...IMAGES].join(', ');

/** What a pointer in a manifest says of what it points to. */
export interface Descriptor {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly platform: Platform | null;
}

/** A manifest, as far as it is of use here. */
export type Manifest =
  | { readonly kind: 'index'; readonly mediaType: string; readonly entries: readonly Descriptor[] }
  | { readonly kind: 'image'; readonly mediaType: string; readonly config: Descriptor | null };

/** Is this a media type of a manifest that a container runtime reads? */
export function isManifestType(mediaType: string | null): mediaType is string {
  return isIndexType(mediaType) || IMAGES.some((known) => known === mediaType);
}

/** Is this the type of an index of several platforms? */
function isIndexType(mediaType: string | null): boolean {
  return INDEXES.some((known) => known === mediaType);
}

/** Is this a type of the manifests that came before, whose digest is not that of their bytes? */
export function isRetiredType(mediaType: string | null): boolean {
  return mediaType?.startsWith('application/vnd.docker.distribution.manifest.v1+') === true;
}

/** A `Content-Type` without its parameters, in lower case; null where there is none. */
export function mediaTypeOf(header: string | null): string | null {
  const type = header?.split(';')[0]?.trim().toLowerCase() ?? '';
  return type === '' ? null : type;
}

/** The digest of raw bytes. A manifest is never written anew before this: one space more is another image. */
export function hashOf(body: Buffer, algorithm: ReturnType<typeof digestAlgorithm>): Digest | null {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(body).digest('hex')}`);
}

/** Are these the bytes that the digest names? */
export function matchesDigest(body: Buffer, digest: Digest): boolean {
  return hashOf(body, digestAlgorithm(digest)) === digest;
}

/** Types that say nothing; then the body's own word counts. */
const VAGUE: ReadonlySet<string | null> = new Set([
  null,
  'application/json',
  'text/plain',
  'application/octet-stream',
  'binary/octet-stream',
]);

/**
 * Reads a manifest: an index or an image, of the OCI or of Docker. One that could be read as both, or whose own type is
 * another than the answer's, is refused (CVE-2021-41190).
 *
 * @param contentType the answer's type, as `mediaTypeOf` gives it.
 * @returns the manifest; `retired` for schema 1; null for anything else: a web page, another document.
 */
export function parseManifest(body: Buffer, contentType: string | null): Manifest | 'retired' | null {
  if (isRetiredType(contentType)) return 'retired';
  const document = parseObject(body);
  if (document === null) return null;
  if (document['schemaVersion'] === 1) return 'retired';
  if (document['schemaVersion'] !== 2) return null;
  const { manifests, config, layers } = document;
  if (Array.isArray(manifests) === Array.isArray(layers)) return null;

  const own = document['mediaType'] ?? null;
  const isVague = VAGUE.has(contentType);
  const mediaType = isVague ? (own ?? (Array.isArray(manifests) ? INDEXES[0] : IMAGES[0])) : contentType;
  if (typeof mediaType !== 'string' || !isManifestType(mediaType)) return null;
  if (own !== null && own !== mediaType) return null;
  if (isIndexType(mediaType) !== Array.isArray(manifests)) return null;

  if (!Array.isArray(manifests)) return { kind: 'image', mediaType, config: parseDescriptor(config) };
  return { kind: 'index', mediaType, entries: manifests.map(parseDescriptor).filter((entry) => entry !== null) };
}

/** What an image's configuration says of it. */
export interface ImageConfig {
  /** What it was built for; null where it does not say. */
  readonly platform: Platform | null;
  /** When it was built, in milliseconds since 1970; null where it does not say, or says Go's zero time. */
  readonly built: number | null;
}

/** Reads an image's configuration (image-spec, "OCI Image Configuration"). */
export function parseImageConfig(body: Buffer): ImageConfig {
  const config = parseObject(body);
  const created = config?.['created'];
  const built = typeof created === 'string' ? Date.parse(created) : Number.NaN;
  return { platform: parsePlatformFields(config), built: built >= EARLIEST ? built : null };
}

/** Builds that are reproducible say 1970 or 1980. */
const EARLIEST = 0;

function parseDescriptor(value: unknown): Descriptor | null {
  if (!isObject(value)) return null;
  const { digest, mediaType, platform } = value;
  const parsed = typeof digest === 'string' ? parseDigest(digest) : null;
  if (parsed === null || typeof mediaType !== 'string') return null;
  return { digest: parsed, mediaType, platform: parsePlatformFields(platform) };
}

function parsePlatformFields(value: unknown): Platform | null {
  if (!isObject(value)) return null;
  const { os, architecture, variant } = value;
  if (typeof os !== 'string' || typeof architecture !== 'string') return null;
  return { os, architecture, variant: typeof variant === 'string' && variant !== '' ? variant : null };
}

/** A JSON object; null for any other bytes. */
export function parseObject(body: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** An object, and neither null nor a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
