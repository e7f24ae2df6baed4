import type { Credential, Keychain } from '../core/image/credentials.ts';
import type { Digest } from '../core/image/digest.ts';
import { choosePlatform, type Platform } from '../core/image/platform.ts';
import { effectiveTag, type ImageReference } from '../core/image/reference.ts';
import type { ResolutionFailureCode } from '../core/image/resolution.ts';
import { createCache } from '../platform/cache.ts';
import { withSignal } from '../platform/deadline.ts';
import type { RegistryClient, Target } from './client.ts';
import { atMirror, type Endpoint, imageOf } from './endpoint.ts';
import { isWorthAnotherTry, moreTelling, RegistryError } from './error.ts';
import { type ImageConfig, isManifestType, parseImageConfig } from './manifest.ts';

/** What the sweeper and the command line ask about repositories, whose tags may be others each time. */
export interface CatalogQuestion {
  readonly reference: ImageReference;
  /** Credentials to try in order; without any is tried last. It must not reject. */
  readonly keychain: Keychain;
  readonly signal: AbortSignal;
}

/** Why there is no answer: a code, and a sentence for people. */
export interface CatalogFailure {
  readonly kind: 'failed';
  readonly code: ResolutionFailureCode;
  readonly message: string;
}

/** The tags of a repository, in the registry's order. */
export type TagList = { readonly kind: 'listed'; readonly tags: readonly string[] } | CatalogFailure;

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
  | CatalogFailure;

/** What a catalog is made of. */
export interface CatalogOptions {
  readonly client: RegistryClient;
  readonly endpointOf: (registry: string) => Endpoint | RegistryError;
  /** Credentials that a cloud gives this process, tried after the question's own. */
  readonly cloud: Keychain | null;
  readonly fingerprint: (credential: Credential | null) => string;
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
  listTags(question: CatalogQuestion): Promise<TagList>;
  /** What a tag means is asked each time, what is in an image once. */
  inspect(question: CatalogQuestion & { readonly platforms: readonly Platform[] }): Promise<Inspection>;
}

/** Makes a catalog. */
export function createCatalog({ client, endpointOf, cloud, fingerprint, now }: CatalogOptions): Catalog {
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

  /** Asks with one credential after the other, as the resolver does. */
  async function ask<Answer>(
    { reference, keychain, signal }: CatalogQuestion,
    image: string,
    load: (target: Target) => Promise<Answer>,
  ): Promise<Answer | CatalogFailure> {
    const endpoint = endpointOf(reference.registry);
    if (endpoint instanceof RegistryError) return failed(endpoint);
    const { repository } = reference;
    const asked = atMirror(reference, endpoint);
    let failure: RegistryError | null = null;
    try {
      for (const chain of [keychain, cloud ?? NOBODY, ANONYMOUS]) {
        for (const credential of await withSignal(chain(asked), signal)) {
          try {
            const account = fingerprint(credential);
            return await load({ endpoint, repository, image, credential, account, signal });
          } catch (error) {
            if (!(error instanceof RegistryError)) throw error;
            failure = moreTelling(failure, error);
            if (!isWorthAnotherTry(error)) return failed(error);
          }
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      failure = null;
    }
    return failed(failure ?? new RegistryError('TimedOut', { host: endpoint.host }));
  }

  return {
    listTags: (question) =>
      ask(question, question.reference.repository, async (target) => ({
        kind: 'listed',
        tags: await client.listTags(target),
      })),
    inspect(question) {
      const { reference, platforms } = question;
      return ask(question, imageOf(reference), async (target) => {
        const { digest } = await client.describe(target, reference.digest ?? effectiveTag(reference) ?? '');
        return { kind: 'inspected', digest, ...(await lookInto(target, digest, platforms)) };
      });
    },
  };
}

type Chain = (reference: ImageReference) => Promise<readonly (Credential | null)[]>;
const NOBODY: Chain = async () => [];
const ANONYMOUS: Chain = async () => [null];

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

function failed({ code, message }: RegistryError): CatalogFailure {
  return { kind: 'failed', code, message };
}
