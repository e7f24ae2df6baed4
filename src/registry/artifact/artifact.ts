import { type Digest, digestAlgorithm } from '../../core/image/digest.ts';
import { effectiveTag } from '../../core/image/reference.ts';
import type { HttpAnswer } from '../../platform/network/http.ts';
import type { Attempt, RepositoryFailure, RepositoryQuestion } from '../attempt.ts';
import { readNextPage } from '../catalog/tag-list.ts';
import { imageOf } from '../endpoint.ts';
import { RegistryError } from '../error.ts';
import { factsOf, type Inquire, statusError, type Target, urlOf } from '../inquiry.ts';
import { ACCEPT_MANIFESTS, matchesDigest, mediaTypeOf } from '../manifest.ts';
import { type ArtifactManifest, parseArtifact, parseReferrers, type Referrer } from './referrer.ts';

/** What refers to an image, such as its signatures. */
export type ReferrerList =
  | {
      readonly kind: 'listed';
      /** At most 1,000, in the registry's order. */
      readonly referrers: readonly Referrer[];
      /** Were there more than are read? */
      readonly isCut: boolean;
    }
  | RepositoryFailure;

/** What a tag or digest holds that is no image to be run; `NotFound` where there is none. */
export type ArtifactAnswer = ({ readonly kind: 'read' } & ArtifactManifest) | RepositoryFailure;

/** The bytes of a blob. */
export type BlobAnswer = { readonly kind: 'read'; readonly bytes: Buffer } | RepositoryFailure;

/** Reads what is kept beside images, asked of the registry each time. Nothing rejects but for programming errors. */
export interface Artifacts {
  /**
   * What of one type refers to the digest of the question's reference: by the referrers API, or where there is none, by the index
   * under the tag `sha256-HEX` (distribution-spec, "Listing Referrers"). What does not say of which type it is, is in it too.
   */
  listReferrers(question: RepositoryQuestion & { readonly artifactType: string }): Promise<ReferrerList>;
  /** The manifest under the reference's digest, or else its tag; of more than `maximumBytes` nothing is kept. */
  readArtifact(question: RepositoryQuestion & { readonly maximumBytes: number }): Promise<ArtifactAnswer>;
  /** The blob of a digest in the reference's repository; of more than `maximumBytes` nothing is kept. */
  readBlob(
    question: RepositoryQuestion & { readonly digest: Digest; readonly maximumBytes: number },
  ): Promise<BlobAnswer>;
}

/** What reading them is made of. */
export interface ArtifactsOptions {
  readonly inquire: Inquire;
  readonly attempt: Attempt;
}

/** About 400 bytes each. Nobody has use for as many; who could push more could do worse. */
const MOST_REFERRERS = 1000;
/** What a registry without pages lists at once: 10,000 referrers. */
const LARGEST_LIST = 4 * 1024 * 1024;
/** Where the registry does not filter, signatures are among everything else: 1,000 a page is usual. */
const MOST_PAGES = 10;
/** Statuses with which registries say that they do not know the referrers API. */
const NO_REFERRERS_API: ReadonlySet<number> = new Set([400, 404, 405, 406, 410, 501]);
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** Makes what reads artifacts. */
export function createArtifacts({ inquire, attempt }: ArtifactsOptions): Artifacts {
  const get = (target: Target, path: string, accept: string, maximumBytes: number): Promise<HttpAnswer> =>
    inquire(target, { method: 'GET', path, accept, maximumBytes });

  /** Null where the registry has no such API. */
  async function askReferrers(
    target: Target,
    { digest, artifactType }: Wanted,
    filter = `?artifactType=${encodeURIComponent(artifactType)}`,
  ): Promise<Found | null> {
    const found: Referrer[] = [];
    const seen = new Set<string>();
    let query = filter;
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const path = `referrers/${digest}${query}`;
      const answer = await get(target, path, INDEX, LARGEST_LIST);
      // An old registry, or a proxy, may answer any path with a page.
      const isApi = answer.status === 200 && mediaTypeOf(answer.header('content-type')) === INDEX;
      if (pages === 0 && !isApi && (answer.status === 200 || NO_REFERRERS_API.has(answer.status))) return null;
      if (answer.status !== 200) throw statusError(answer, target);
      const page = parseReferrers(answer.body);
      if (page === null) throw new RegistryError('NoReferrers', factsOf(target));
      // Who goes by the configuration alone filters out what `isOfType` would let through.
      const isHiding = page.length === 0 && filter !== '' && answer.header('oci-filters-applied') !== null;
      if (pages === 0 && isHiding) return await askReferrers(target, { digest, artifactType }, '');
      found.push(...page.filter((one) => isOfType(one, artifactType)));
      const next = readNextPage(answer.headers('link'), urlOf(target, path));
      if (next.kind === 'elsewhere') throw new RegistryError('ReferrersElsewhere', factsOf(target));
      if (next.kind === 'none' || seen.has(next.query)) return cut(found, false);
      if (found.length >= MOST_REFERRERS) return cut(found, true);
      seen.add(next.query);
      query = `?${next.query}`;
    }
    return cut(found, true);
  }

  async function askFallback(target: Target, { digest, artifactType }: Wanted): Promise<Found> {
    const answer = await get(target, `manifests/${fallbackTag(digest)}`, INDEX, LARGEST_LIST);
    if (answer.status !== 200) throw statusError(answer, target);
    const index = parseReferrers(answer.body);
    if (index === null) throw new RegistryError('NoReferrers', factsOf(target));
    return cut(
      index.filter((one) => isOfType(one, artifactType)),
      false,
    );
  }

  return {
    async listReferrers({ artifactType, ...question }) {
      const { reference } = question;
      const { digest } = reference;
      if (digest === null) throw new Error('only a digest has referrers');
      const wanted = { digest, artifactType };
      const listed = await attempt(question, imageOf(reference), async (target) => {
        const found = (await askReferrers(target, wanted)) ?? (await askFallback(target, wanted));
        return { kind: 'listed' as const, ...found };
      });
      // That the tag is missing says that nothing was ever attached.
      return listed.kind === 'failed' && listed.code === 'NotFound' ? NOTHING : listed;
    },
    readArtifact({ maximumBytes, ...question }) {
      const { reference } = question;
      return attempt(question, imageOf(reference), async (target) => {
        const asked = reference.digest ?? effectiveTag(reference) ?? '';
        const answer = await get(target, `manifests/${asked}`, ACCEPT_MANIFESTS, maximumBytes);
        if (answer.status !== 200) throw statusError(answer, target);
        if (reference.digest !== null && !matchesDigest(answer.body, reference.digest)) {
          throw new RegistryError('WrongDigest', factsOf(target));
        }
        const artifact = parseArtifact(answer.body);
        if (artifact === null) throw new RegistryError('NoManifest', factsOf(target));
        return { kind: 'read' as const, ...artifact };
      });
    },
    readBlob({ digest, maximumBytes, ...question }) {
      return attempt(question, imageOf(question.reference), async (target) => {
        const answer = await get(target, `blobs/${digest}`, '*/*', maximumBytes);
        if (answer.status !== 200) throw statusError(answer, target);
        if (!matchesDigest(answer.body, digest)) throw new RegistryError('WrongDigest', factsOf(target));
        return { kind: 'read' as const, bytes: answer.body };
      });
    },
  };
}

interface Wanted {
  readonly digest: Digest;
  readonly artifactType: string;
}

interface Found {
  readonly referrers: readonly Referrer[];
  readonly isCut: boolean;
}

const NOTHING: ReferrerList = { kind: 'listed', referrers: [], isCut: false };

/** One that is listed many times takes nobody else's place. */
function cut(listed: readonly Referrer[], isCut: boolean): Found {
  const referrers = [...new Map(listed.toReversed().map((one) => [one.digest, one])).values()].toReversed();
  return { referrers: referrers.slice(0, MOST_REFERRERS), isCut: isCut || referrers.length > MOST_REFERRERS };
}

/** Registries need not filter (`OCI-Filters-Applied`), and old clients leave the type out of what they list. */
function isOfType(referrer: Referrer, artifactType: string): boolean {
  return referrer.artifactType === null || referrer.artifactType === artifactType;
}

/** distribution-spec, "Referrers Tag Schema": the algorithm and the first 64 digits. */
function fallbackTag(digest: Digest): string {
  const algorithm = digestAlgorithm(digest);
  return `${algorithm}-${digest.slice(algorithm.length + 1, algorithm.length + 65)}`;
}
