import type { Digest } from '../../core/image/digest.ts';
import { choosePlatform, type Platform } from '../../core/image/platform.ts';
import { effectiveTag } from '../../core/image/reference.ts';
import { createCache } from '../../platform/cache.ts';
import type { Attempt, RepositoryFailure, RepositoryQuestion } from '../attempt.ts';
import type { RegistryClient } from '../client.ts';
import { imageOf } from '../endpoint.ts';
import type { Target } from '../inquiry.ts';
import { type ImageConfig, isManifestType, parseImageConfig } from '../manifest.ts';

/** The tags of a repository, in the registry's order. */
export type TagList = { readonly kind: 'listed'; readonly tags: readonly string[] } | RepositoryFailure;

/** What an image is. */
export type Inspection =
  | {
      readonly kind: 'inspected';
      readonly digest: Digest;
      /** When it was built, in milliseconds since 1970: the latest of the wanted platforms. Null where it does not say. */
      readonly built: number | null;
      /** Does it run on one of the wanted platforms? Where none is wanted, yes. */
      readonly fits: boolean;
    }
  | RepositoryFailure;

/** What a catalog is made of. */
export interface CatalogOptions {
  readonly client: RegistryClient;
  readonly attempt: Attempt;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** What the content of a digest says; it never changes. */
type Facts = Pick<Extract<Inspection, { readonly kind: 'inspected' }>, 'built' | 'fits'>;

const DAY = 24 * 3_600_000;
/** About 500 bytes an entry: 10 MB at most. Strategies that go by the time of a build look into every tag, in every cycle. */
const MOST_FACTS = 20_000;

/** Lists tags and looks into images. Neither rejects but for programming errors. */
export interface Catalog {
  listTags(question: RepositoryQuestion): Promise<TagList>;
  /** What a tag means is asked each time, what is in an image once. */
  inspect(question: RepositoryQuestion & { readonly platforms: readonly Platform[] }): Promise<Inspection>;
}

/** Makes a catalog. */
export function createCatalog({ client, attempt, now }: CatalogOptions): Catalog {
  const known = createCache<Facts>({ maximumEntries: MOST_FACTS, lifeMilliseconds: DAY, now });

  async function lookInto(target: Target, digest: Digest, platforms: readonly Platform[]): Promise<Facts> {
    const { endpoint, repository, account } = target;
    // Of who asks, too: what somebody may see is nothing that others may know.
    const key = JSON.stringify([endpoint.host, endpoint.prefix, repository, digest, account, platforms]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const images = await readImages(client, target, digest, platforms);
    const times = images.map(({ built }) => built).filter((built) => built !== null);
    const facts: Facts = {
      built: times.length === 0 ? null : Math.max(...times),
      fits: platforms.length === 0 || images.length > 0,
    };
    known.set(key, facts);
    return facts;
  }

  return {
    listTags: (question) =>
      attempt(question, question.reference.repository, async (target) => ({
        kind: 'listed',
        tags: await client.listTags(target),
      })),
    inspect(question) {
      const { reference, platforms } = question;
      return attempt(question, imageOf(reference), async (target) => {
        const { digest } = await client.describe(target, reference.digest ?? effectiveTag(reference) ?? '');
        return { kind: 'inspected', digest, ...(await lookInto(target, digest, platforms)) };
      });
    },
  };
}

/** The configurations of an image that run on the wanted platforms; where none is wanted, that of an index's first image. */
async function readImages(
  client: RegistryClient,
  target: Target,
  digest: Digest,
  platforms: readonly Platform[],
): Promise<readonly ImageConfig[]> {
  const manifest = await client.fetchManifest(target, digest);
  if (manifest.kind === 'image') {
    if (manifest.config === null) return [];
    const config = parseImageConfig(await client.fetchBlob(target, manifest.config.digest));
    const fits = platforms.length === 0 || platforms.some((wanted) => choosePlatform([config], wanted) !== null);
    return fits ? [config] : [];
  }
  // An index also lists attestations and signatures, which run nowhere.
  const entries = manifest.entries.filter(({ mediaType, platform }) => isManifestType(mediaType) && platform !== null);
  const chosen = platforms.length === 0 ? entries.slice(0, 1) : platforms.map((each) => choosePlatform(entries, each));
  const digests = new Set(chosen.flatMap((entry) => entry?.digest ?? []));
  return await Promise.all(
    [...digests].map(async (each) => {
      const image = await client.fetchManifest(target, each);
      if (image.kind === 'index' || image.config === null) return NO_CONFIG;
      return parseImageConfig(await client.fetchBlob(target, image.config.digest));
    }),
  );
}

const NO_CONFIG: ImageConfig = { platform: null, built: null };
