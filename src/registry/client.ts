import { type Digest, digestAlgorithm, parseDigest } from '../core/image/digest.ts';
import type { HttpAnswer } from '../platform/network/http.ts';
import { MOST_PAGES, MOST_TAGS, PAGE, readNextPage, readTagPage } from './catalog/tag-list.ts';
import { RegistryError } from './error.ts';
import { factsOf, type Inquire, statusError, type Target, urlOf } from './inquiry.ts';
import {
  ACCEPT_MANIFESTS,
  hashOf,
  isManifestType,
  isRetiredType,
  LARGEST_MANIFEST,
  type Manifest,
  matchesDigest,
  mediaTypeOf,
  parseManifest,
} from './manifest.ts';

/** What a tag or a digest is. */
export interface Described {
  readonly digest: Digest;
  readonly mediaType: string;
}

/** What a registry can be asked (distribution-spec, pull). All reject with `RegistryError`, and with `signal.reason`. */
export interface RegistryClient {
  /** The digest of a manifest: by HEAD, and where that does not tell by GET. */
  describe(target: Target, reference: string): Promise<Described>;
  /** A manifest by its digest. */
  fetchManifest(target: Target, digest: Digest): Promise<Manifest>;
  /** A blob by its digest, of at most 8 MiB. */
  fetchBlob(target: Target, digest: Digest): Promise<Buffer>;
  /** All tags of a repository, at most 50,000, in the registry's order. */
  listTags(target: Target): Promise<readonly string[]>;
}

/** Makes a client. */
export function createClient(inquire: Inquire): RegistryClient {
  const ask = (target: Target, method: 'GET' | 'HEAD', path: string, accept: string): Promise<HttpAnswer> =>
    inquire(target, { method, path, accept, maximumBytes: LARGEST_MANIFEST });

  return {
    async describe(target, reference) {
      const path = `manifests/${reference}`;
      const head = await ask(target, 'HEAD', path, ACCEPT_MANIFESTS);
      const told = describeHead(head, reference, target);
      if (told !== null) return told;
      // Some answer HEAD with nothing of use, or refuse it: registry.redhat.io, Nexus, proxies. GET tells which it is.
      if (isBusy(head)) throw statusError(head, target);
      const answer = await ask(target, 'GET', path, ACCEPT_MANIFESTS);
      if (answer.status !== 200) throw statusError(answer, target);
      return describeBody(answer, reference, target);
    },
    async fetchManifest(target, digest) {
      const answer = await ask(target, 'GET', `manifests/${digest}`, ACCEPT_MANIFESTS);
      if (answer.status !== 200) throw statusError(answer, target);
      if (!matchesDigest(answer.body, digest)) throw new RegistryError('WrongDigest', factsOf(target));
      return readManifest(answer, target);
    },
    async fetchBlob(target, digest) {
      const answer = await ask(target, 'GET', `blobs/${digest}`, '*/*');
      if (answer.status !== 200) throw statusError(answer, target);
      if (!matchesDigest(answer.body, digest)) throw new RegistryError('WrongDigest', factsOf(target));
      return answer.body;
    },
    async listTags(target) {
      const tags: string[] = [];
      const seen = new Set<string>();
      let query = `n=${PAGE}`;
      for (let pages = 0; pages < MOST_PAGES; pages += 1) {
        const path = `tags/list${query === '' ? '' : `?${query}`}`;
        const answer = await ask(target, 'GET', path, 'application/json');
        // Some refuse a page that is larger than they like, and choose one themselves.
        if (pages === 0 && query !== '' && REFUSES_PAGE.has(answer.status)) {
          query = '';
          continue;
        }
        if (answer.status !== 200) throw statusError(answer, target);
        const page = readTagPage(answer.body);
        if (page === null) throw new RegistryError('NoTagList', factsOf(target));
        tags.push(...page);
        if (tags.length > MOST_TAGS) throw new RegistryError('TooManyTags', factsOf(target));
        const next = readNextPage(answer.headers('link'), urlOf(target, path));
        if (next.kind === 'none') return tags;
        if (next.kind === 'elsewhere') throw new RegistryError('PagesElsewhere', factsOf(target));
        if (seen.has(next.query)) throw new RegistryError('PagesWithoutEnd', factsOf(target));
        seen.add(next.query);
        query = next.query;
      }
      throw new RegistryError('TooManyTags', factsOf(target));
    },
  };
}

/** Statuses with which ECR (405) and Quay (400) answer to more tags than they give at once. */
const REFUSES_PAGE: ReadonlySet<number> = new Set([400, 405, 422]);

/** What a HEAD tells; null where it does not. */
function describeHead(head: HttpAnswer, reference: string, target: Target): Described | null {
  if (head.status !== 200) return null;
  const mediaType = mediaTypeOf(head.header('content-type'));
  if (isRetiredType(mediaType)) throw new RegistryError('OldManifest', factsOf(target));
  if (Number(head.header('content-length') ?? 0) > LARGEST_MANIFEST) {
    throw new RegistryError('TooLarge', factsOf(target));
  }
  const digest = parseDigest(head.header('docker-content-digest') ?? '');
  const asked = parseDigest(reference);
  if (digest === null || !isManifestType(mediaType) || (asked !== null && asked !== digest)) return null;
  return { digest, mediaType };
}

/** What a GET tells: the hash of the raw bytes, and where the registry names a digest too it must be that. */
function describeBody(answer: HttpAnswer, reference: string, target: Target): Described {
  const { mediaType } = readManifest(answer, target);
  const named = answer.headers('docker-content-digest');
  const header = parseDigest(named[0] ?? '');
  const asked = parseDigest(reference);
  const expected = asked ?? header;
  const digest = hashOf(answer.body, expected === null ? 'sha256' : digestAlgorithm(expected));
  const isSound =
    digest !== null &&
    (asked === null || asked === digest) &&
    (named.length === 0 || (named.length === 1 && header !== null && matchesDigest(answer.body, header)));
  if (!isSound) throw new RegistryError('WrongDigest', factsOf(target));
  return { digest, mediaType };
}

function readManifest(answer: HttpAnswer, target: Target): Manifest {
  const manifest = parseManifest(answer.body, mediaTypeOf(answer.header('content-type')));
  if (manifest === 'retired') throw new RegistryError('OldManifest', factsOf(target));
  if (manifest === null) throw new RegistryError('NoManifest', factsOf(target));
  return manifest;
}

/** A server that names when to come back is not asked again at once. */
function isBusy(answer: HttpAnswer): boolean {
  return answer.status === 503 && answer.header('retry-after') !== null;
}
