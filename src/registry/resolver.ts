import { Agent, request } from 'undici';
import type { Keychain } from '../core/image/credentials.ts';
import { parseDigest } from '../core/image/digest.ts';
import type { Platform } from '../core/image/platform.ts';
import { effectiveTag, type ImageReference } from '../core/image/reference.ts';
import type { Resolution, ResolutionFailureCode } from '../core/image/resolution.ts';
import { withSignal } from '../platform/deadline.ts';

/** The registries part of a policy, as far as this edge reads it. Durations in milliseconds. */
export interface RegistrySettings {
  readonly freshFor: number;
  readonly allow: readonly string[] | null;
  readonly proxy: { readonly url: string; readonly noProxy: readonly string[] } | null;
  readonly hosts: readonly HostSettings[];
}

/** One entry of `registries.hosts`. */
export interface HostSettings {
  readonly host: string;
  readonly plainHttp: boolean;
  readonly certificateAuthority: string | null;
  readonly requestsPerSecond: number | null;
  readonly authRealms: readonly string[];
  readonly mirror: string | null;
}

/** What is asked, by whom, and until when. */
export interface Question {
  readonly reference: ImageReference;
  readonly keychain: Keychain;
  /** How old a remembered answer may be; 0 goes past the cache. The policy's `freshFor` where it is missing. */
  readonly maxAgeMilliseconds?: number;
  /** Whose share of the requests this is, a namespace for example. */
  readonly limit?: string;
  /** When the caller stops waiting; work that others share goes on. */
  readonly signal: AbortSignal;
}

/** What the resolver did, for metrics. */
export interface ResolverEvent {
  readonly kind: 'request' | 'lookup';
}

/** How a resolver is made; durations in milliseconds. */
export interface ResolverOptions {
  readonly settings: () => RegistrySettings;
  readonly observe?: (event: ResolverEvent) => void;
  /** Credentials that a cloud gives this process, tried after the question's own. */
  readonly cloud?: Keychain;
  /** How long one answer may take, whoever waits for it: 8 s. */
  readonly flightMilliseconds?: number;
  readonly now?: () => number;
}

/** Asks registries what references mean. */
export interface Resolver {
  /** What a reference means now. Rejects for programming errors only. */
  resolve(question: Question): Promise<Resolution>;
  /** The manifest of one platform: looks into an index, or at what a single image was built for. */
  resolvePlatform(question: Question & { readonly platform: Platform }): Promise<Resolution>;
  /** Ends what is under way and closes all connections. */
  close(): Promise<void>;
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/** Makes the resolver. A simple way through for now: listed hosts, without credentials. */
export function createResolver(options: ResolverOptions): Resolver {
  const agent = new Agent({ allowH2: false });

  async function resolve({ reference, signal }: Question): Promise<Resolution> {
    const { registry, repository } = reference;
    const listed = options.settings().hosts.find(({ host }) => host === registry);
    if (listed === undefined) return failed('NotAllowed', `${registry} is not listed`);
    const url = `${listed.plainHttp ? 'http' : 'https'}://${registry}/v2/${repository}/manifests/${reference.digest ?? effectiveTag(reference)}`;
    try {
      const answer = await withSignal(
        request(url, { method: 'HEAD', headers: { accept: ACCEPT }, dispatcher: agent, signal }),
        signal,
      );
      const digest = parseDigest(String(answer.headers['docker-content-digest']));
      if (digest === null) return failed('NotFound', `${registry} does not know ${reference.text}`);
      return { kind: 'resolved', digest, mediaType: String(answer.headers['content-type']), source: 'registry' };
    } catch {
      return failed('Unreachable', `${registry} does not answer`);
    }
  }

  return { resolve, resolvePlatform: resolve, close: () => agent.destroy() };
}

function failed(code: ResolutionFailureCode, message: string): Resolution {
  return { kind: 'failed', code, message, lastKnown: null };
}
