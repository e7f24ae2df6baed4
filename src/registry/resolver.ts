import type { Credential, Keychain } from '../core/image/credentials.ts';
import type { Digest } from '../core/image/digest.ts';
import { choosePlatform, type Platform } from '../core/image/platform.ts';
import { effectiveTag, type ImageReference } from '../core/image/reference.ts';
import type { Resolution, ResolutionFailureCode } from '../core/image/resolution.ts';
import { withSignal } from '../platform/deadline.ts';
import { createFingerprint } from './answers/fingerprint.ts';
import { createFlights, type Outcome } from './answers/flight.ts';
import { createMemory, type LookupResult } from './answers/memory.ts';
import { type Artifacts, createArtifacts } from './artifact/artifact.ts';
import { createAttempt } from './attempt.ts';
import { type Catalog, createCatalog } from './catalog/catalog.ts';
import { createClient, type Described, type RegistryClient } from './client.ts';
import type { RegistrySettings } from './connection/own.ts';
import { createTransport, type RequestEvent } from './connection/transport.ts';
import { atMirror, type Endpoint, findEndpoint, imageOf } from './endpoint.ts';
import { isWorthAnotherTry, moreTelling, RegistryError } from './error.ts';
import { createInquire, type Target } from './inquiry.ts';
import { isManifestType, parseImageConfig } from './manifest.ts';
import { createTokens } from './token.ts';

/** What is asked, by whom, and until when. */
export interface Question {
  /** Asked by its digest where it has one, else by its tag. */
  readonly reference: ImageReference;
  /** Credentials to try in order; without any is tried last. It must not reject. */
  readonly keychain: Keychain;
  /**
   * How old a remembered answer may be, in milliseconds; the policy's `freshFor` where it is missing. 0 goes past the
   * memory, also of failures: what is answered was asked of the registry after this call, though others who asked meanwhile
   * may have shared the request.
   */
  readonly maxAgeMilliseconds?: number;
  /** Whose share of the work this is, such as a namespace: nobody can have all of it under way. */
  readonly limit?: string;
  /** When the caller stops waiting. What others may wait for as well goes on. */
  readonly signal: AbortSignal;
}

/** What the resolver did, for metrics. */
export type ResolverEvent = RequestEvent | { readonly kind: 'lookup'; readonly result: LookupResult };

/** How a resolver is made. */
export interface ResolverOptions {
  /** Read for every question, so that a new policy counts at once. */
  readonly settings: () => RegistrySettings;
  readonly observe?: (event: ResolverEvent) => void;
  /** Credentials that a cloud gives this process, tried after the question's own. It must not reject. */
  readonly cloud?: Keychain;
  /** How long all requests for one answer may take, whoever waits for it: 8000. */
  readonly flightMilliseconds?: number;
  /** A clock that never goes back, in milliseconds: `performance.now`. */
  readonly now?: () => number;
}

/** Asks registries what references mean: one resolver for the webhook, the sweeper and the command line. */
export interface Resolver extends Catalog, Artifacts {
  /** What a reference means. Rejects for programming errors only. */
  resolve(question: Question): Promise<Resolution>;
  /** What it means on one platform: the entry of an index, or a single image that was built for it. */
  resolvePlatform(question: Question & { readonly platform: Platform }): Promise<Resolution>;
  /** Whether it is an index that lists a manifest: that manifest where it does, else `NoMatchingPlatform`. */
  resolveEntry(question: Question & { readonly entry: Digest }): Promise<Resolution>;
  /** Ends what is under way and breaks all connections. */
  close(): Promise<void>;
}

/** An admission call waits 10 s at most and has to answer before. */
const FLIGHT_MILLISECONDS = 8000;
/** Of a flight, for each of its requests: a hanging one leaves time for another. */
const REQUEST_SHARE = 0.625;
const MOST_ENDPOINTS = 1000;

/** For what says nothing about the image, the last digest may stand in. */
const LAST_KNOWN: ReadonlySet<ResolutionFailureCode> = new Set([
  'Unreachable',
  'Timeout',
  'RateLimited',
  'InvalidResponse',
]);

type Load = (client: RegistryClient, target: Target, reference: string) => Promise<Described>;

/** Credentials to try, null being none; a keychain has to be asked for its. */
type Candidates = Keychain | readonly (Credential | null)[];

const NOBODY: Candidates = [];
const ANONYMOUS: Candidates = [null];

/** Makes a resolver. Nothing is opened before the first question. */
export function createResolver(options: ResolverOptions): Resolver {
  const { settings, observe = () => {}, flightMilliseconds = FLIGHT_MILLISECONDS } = options;
  const now = options.now ?? (() => performance.now());
  const requestMilliseconds = flightMilliseconds * REQUEST_SHARE;
  const transport = createTransport({ settings, observe, now, requestMilliseconds });
  const tokens = createTokens({ settings, transport, now, flightMilliseconds: requestMilliseconds });
  const inquire = createInquire({ transport, tokens, now });
  const client = createClient(inquire);
  const memory = createMemory(now);
  const fingerprint = createFingerprint();
  const endpoints = rememberEndpoints();
  const flights = createFlights(flightMilliseconds, now);

  async function answer(question: Question, suffix: string, load: Load): Promise<Resolution> {
    const { signal, limit = '' } = question;
    const current = settings();
    const endpoint = endpoints(current, question.reference.registry);
    if (endpoint instanceof RegistryError) return failed(endpoint, null);
    const { host } = endpoint;
    const reference = atMirror(question.reference, endpoint);
    const asked = reference.digest ?? effectiveTag(reference) ?? '';
    const place = `${host}/${reference.repository} ${asked} ${suffix}`;
    const keyOf = (credential: Credential | null): string => `${place} ${fingerprint(credential)}`;
    const maxAge = question.maxAgeMilliseconds ?? current.freshFor;

    const ask = async (credential: Credential | null): Promise<{ outcome: Outcome; source: 'registry' | 'cache' }> => {
      const key = keyOf(credential);
      const { outcome, result } = memory.find(key, maxAge);
      if (outcome !== null) {
        observe({ kind: 'lookup', result });
        return { outcome, source: 'cache' };
      }
      const { repository } = question.reference;
      const target = { endpoint, repository, image: imageOf(question.reference), credential };
      const shared = flights.board({
        key,
        since: now() - maxAge,
        host,
        limit,
        fly: (flight) => load(client, { ...target, account: fingerprint(credential), signal: flight }, asked),
        landed: (landing, started) => memory.remember(key, landing, started),
      });
      observe({ kind: 'lookup', result: shared.joined ? 'shared' : result });
      return { outcome: await withSignal(shared.result, signal), source: 'registry' };
    };

    const held = new Set([keyOf(null)]);
    const chains: readonly Candidates[] = [question.keychain, options.cloud ?? NOBODY, ANONYMOUS];
    let failure: RegistryError | null = null;
    try {
      for (const chain of chains) {
        const candidates = typeof chain === 'function' ? await withSignal(chain(reference), signal) : chain;
        for (const credential of candidates) held.add(keyOf(credential));
        for (const credential of candidates) {
          const { outcome, source } = await ask(credential);
          if (!(outcome instanceof RegistryError)) {
            return { kind: 'resolved', digest: outcome.digest, mediaType: outcome.mediaType, source };
          }
          failure = moreTelling(failure, outcome);
          if (!isWorthAnotherTry(outcome)) return failed(outcome, newest(held));
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      failure = null;
    }
    return failed(failure ?? new RegistryError('TimedOut', { host }), newest(held));
  }

  function newest(keys: ReadonlySet<string>): Digest | null {
    const known = [...keys].map((key) => memory.lastKnown(key)).filter((entry) => entry !== null);
    return known.toSorted((one, other) => other.at - one.at)[0]?.digest ?? null;
  }

  const attempt = createAttempt({
    endpointOf: (registry) => endpoints(settings(), registry),
    cloud: options.cloud ?? null,
    fingerprint,
  });

  return {
    ...createCatalog({ client, attempt, now }),
    ...createArtifacts({ inquire, attempt }),
    resolve: (question) => answer(question, '', describe),
    resolvePlatform(question) {
      const { os, architecture, variant } = question.platform;
      return answer(question, `#${os}/${architecture}/${variant ?? ''}`, describePlatform(question.platform));
    },
    resolveEntry: (question) => answer(question, `#${question.entry}`, describeEntry(question.entry)),
    async close() {
      flights.close();
      await transport.close();
    },
  };
}

const describe: Load = (client, target, reference) => client.describe(target, reference);

function describePlatform(platform: Platform): Load {
  return async (client, target, reference) => {
    const whole = await client.describe(target, reference);
    const manifest = await client.fetchManifest(target, whole.digest);
    const refusal = new RegistryError('NoPlatform', { host: target.endpoint.host, image: target.image });
    if (manifest.kind === 'index') {
      // An index also lists attestations and signatures, which run nowhere.
      const entry = choosePlatform(
        manifest.entries.filter(({ mediaType }) => isManifestType(mediaType)),
        platform,
      );
      if (entry === null) throw refusal;
      return { digest: entry.digest, mediaType: entry.mediaType };
    }
    if (manifest.config === null) throw refusal;
    const config = parseImageConfig(await client.fetchBlob(target, manifest.config.digest));
    if (choosePlatform([config], platform) === null) throw refusal;
    return whole;
  };
}

function describeEntry(wanted: Digest): Load {
  return async (client, target, reference) => {
    const whole = await client.describe(target, reference);
    const manifest = await client.fetchManifest(target, whole.digest);
    const entry = manifest.kind === 'index' ? manifest.entries.find(({ digest }) => digest === wanted) : undefined;
    if (entry === undefined) throw new RegistryError('NoPlatform', { host: target.endpoint.host, image: target.image });
    return { digest: entry.digest, mediaType: entry.mediaType };
  };
}

/** Endpoints by registry, for as long as a policy is in force: a question that is answered from memory costs no search. */
function rememberEndpoints(): (settings: RegistrySettings, registry: string) => Endpoint | RegistryError {
  const known = new WeakMap<RegistrySettings, Map<string, Endpoint | RegistryError>>();
  return (settings, registry) => {
    const own = known.get(settings) ?? new Map<string, Endpoint | RegistryError>();
    const found = own.get(registry);
    if (found !== undefined) return found;
    if (own.size >= MOST_ENDPOINTS) own.clear();
    const made = tryEndpoint(settings, registry);
    own.set(registry, made);
    known.set(settings, own);
    return made;
  };
}

function tryEndpoint(settings: RegistrySettings, registry: string): Endpoint | RegistryError {
  try {
    return findEndpoint(settings, registry);
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
}

function failed(error: RegistryError, lastKnown: Digest | null): Resolution {
  const { code, message } = error;
  return { kind: 'failed', code, message, lastKnown: LAST_KNOWN.has(code) ? lastKnown : null };
}
