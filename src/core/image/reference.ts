import { type Digest, parseDigest } from './digest.ts';

/**
 * An image reference that containerd and the kubelet accept: the grammar and the shorthands of `distribution/reference`
 * (`ParseNormalizedNamed`), with the user's spelling kept beside the canonical form. Compare the canonical parts, show `text`.
 */
export interface ImageReference {
  /** What the user wrote, whole. */
  readonly text: string;
  /** What the user wrote, without tag and digest. */
  readonly name: string;
  /** Canonical host, in lower case, with its port unless that is 443: `docker.io`, `[::1]:5000`. */
  readonly registry: string;
  /** Canonical repository below the host: `library/nginx`. */
  readonly repository: string;
  /** The tag as written; null where none was. */
  readonly tag: string | null;
  readonly digest: Digest | null;
}

export type ParsedReference =
  | { readonly ok: true; readonly reference: ImageReference }
  | { readonly ok: false; readonly problem: string };

/** How a pinned image is written: `repo@sha256:…`, or `repo:tag@sha256:…`. */
export type PinFormat = 'digest' | 'tag+digest';

const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${PATH_COMPONENT}(?:/${PATH_COMPONENT})*$`);
const HOST_LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = new RegExp(`^(?<host>${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::(?<port>[0-9]+))?$`);
const TAG = /^\w[\w.-]{0,127}$/;
const BARE_IDENTIFIER = /^[a-f0-9]{64}$/;

/** `distribution/reference` bounds the repository at 255; a DNS name has no more, and a port adds 6. */
const LONGEST_NAME = 255;
const LONGEST_HOST = 255 + 6;

/**
 * Reads an image reference.
 *
 * @returns the reference, or one sentence that says what is wrong with the text. Nothing is trimmed: a container runtime
 * does not either.
 */
export function parseReference(text: string): ParsedReference {
  if (text === '') return bad('the image is empty');
  if (text !== text.trim()) return bad('the image has white space round it');
  if (BARE_IDENTIFIER.test(text)) return bad('64 hexadecimal digits alone are an image ID, not a name');

  const at = text.indexOf('@');
  const beforeDigest = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? null : parseDigest(text.slice(at + 1));
  if (at !== -1 && digest === null)
    return bad('the part after @ is not a digest such as sha256:<64 hexadecimal digits>');

  const colon = beforeDigest.indexOf(':', beforeDigest.lastIndexOf('/') + 1);
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon);
  const tag = colon === -1 ? null : beforeDigest.slice(colon + 1);
  if (tag !== null && !TAG.test(tag)) {
    return bad('the tag is not 1 to 128 letters, digits, "_", "." and "-", the first not "." or "-"');
  }

  const { host, path } = splitHost(name);
  const registry = canonicalHost(host);
  if (registry === null) return bad(`"${host}" is not a host with an optional port up to 65535`);
  if (path !== path.toLowerCase()) return bad('the repository has upper-case letters');
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  if (!REPOSITORY.test(repository)) {
    return bad('the repository is not lower-case words joined by "/", ".", "_" or "-"');
  }
  if (repository.length > LONGEST_NAME) return bad(`the repository is longer than ${LONGEST_NAME} characters`);
  return { ok: true, reference: { text, name, registry, repository, tag, digest } };
}

/** The tag that a reference means: what was written, or `latest`; null for a reference by digest alone. */
export function effectiveTag(reference: ImageReference): string | null {
  return reference.tag ?? (reference.digest === null ? 'latest' : null);
}

/** `registry/repository`, the form that policies and locks name. */
export function canonicalName(reference: ImageReference): string {
  return `${reference.registry}/${reference.repository}`;
}

/** The whole reference in canonical form; two references mean the same exactly where these are equal. */
export function canonicalText(reference: ImageReference): string {
  const tag = effectiveTag(reference);
  return `${canonicalName(reference)}${tag === null ? '' : `:${tag}`}${reference.digest === null ? '' : `@${reference.digest}`}`;
}

/** The reference with this digest, in the user's spelling: `nginx:1.27` becomes `nginx@sha256:…`. */
export function pinnedText(reference: ImageReference, digest: Digest, format: PinFormat): string {
  const tag = effectiveTag(reference);
  return format === 'digest' || tag === null ? `${reference.name}@${digest}` : `${reference.name}:${tag}@${digest}`;
}

/** The same repository under a tag. @param tag one that registries take. */
export function withTag(reference: ImageReference, tag: string): ImageReference {
  return { ...reference, text: `${reference.name}:${tag}`, tag, digest: null };
}

/** The same repository asked by digest alone. */
export function byDigest(reference: ImageReference, digest: Digest): ImageReference {
  return { ...reference, text: `${reference.name}@${digest}`, tag: null, digest };
}

/** The same repository asked by its tag, without the digest; null for a reference by digest alone. */
export function byTag(reference: ImageReference): ImageReference | null {
  if (reference.digest === null) return reference;
  if (reference.tag === null) return null;
  return { ...reference, text: `${reference.name}:${reference.tag}`, digest: null };
}

/** Docker Hub's shorthands: the first part is a host where it has a dot, a colon or upper case, or is `localhost`. */
function splitHost(name: string): { host: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  return isHost ? { host: first, path: name.slice(slash + 1) } : { host: 'docker.io', path: name };
}

/** Hosts are compared in lower case, without the default port, and Docker Hub under one name. */
function canonicalHost(text: string): string | null {
  const groups = HOST.exec(text)?.groups;
  const host = groups?.['host']?.toLowerCase();
  if (host === undefined || text.length > LONGEST_HOST) return null;
  const port = groups?.['port'] === undefined ? 443 : Number(groups['port']);
  if (port > 65_535) return null;
  const registry = host === 'index.docker.io' ? 'docker.io' : host;
  return port === 443 ? registry : `${registry}:${port}`;
}

function bad(problem: string): ParsedReference {
  return { ok: false, problem };
}
