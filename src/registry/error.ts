import type { ResolutionFailureCode } from '../core/image/resolution.ts';

/** What a message may name: hosts and images that the user, the policy or a checked URL named. */
export interface Facts {
  /** The host that was asked, as policies name it. */
  readonly host: string;
  /** `repository:tag` or `repository@digest`; missing where no single image is meant. */
  readonly image?: string;
  /** Another host that matters: of a redirect, or of a token service. Null where it is an address. */
  readonly other?: string | null;
}

type Sentence = (facts: { host: string; image: string; other: string }) => string;

/** Every way to fail, with its code and its sentence: what failed, on what, what next. */
const FAILURES = {
  Unknown: [
    'NotFound',
    ({ host, image }) => `${host} has no ${image}, or hides it: check the name, the tag and the credentials`,
  ],
  SignInWanted: [
    'Unauthorized',
    ({ host, image }) => `${host} wants credentials for ${image}: check the name, the pull secret or the Docker login`,
  ],
  SignInRefused: [
    'Unauthorized',
    ({ host, image }) => `${host} refuses the credentials for ${image}: check the pull secret or the Docker login`,
  ],
  RealmNotTrusted: [
    'Unauthorized',
    ({ host, other }) =>
      `${host} has its tokens from ${other}, which was sent no credentials: list it under authRealms of ${host}`,
  ],
  Forbidden: ['Forbidden', ({ host, image }) => `${host} forbids ${image}: check what the credentials may read`],
  TooManyRequests: [
    'RateLimited',
    ({ host }) => `${host} takes no more requests for now: try again later, or sign in for a higher limit`,
  ],
  QueueFull: ['RateLimited', ({ host }) => `too many requests to ${host} are waiting: try again later`],
  TooManyQuestions: [
    'RateLimited',
    ({ host }) => `too many images are being resolved, ${host} was not asked: try again later`,
  ],
  NoConnection: [
    'Unreachable',
    ({ host }) => `${host} cannot be reached: check the name, the network and the registry`,
  ],
  CircuitOpen: ['Unreachable', ({ host }) => `${host} has not answered several times in a row: try again later`],
  Untrusted: [
    'Unreachable',
    ({ host }) => `${host} shows a certificate that is not trusted: set its certificateAuthority in the policy`,
  ],
  NotTls: [
    'Unreachable',
    ({ host }) => `${host} does not speak TLS: set its plainHttp in the policy, if that is meant`,
  ],
  BadAuthority: [
    'Unreachable',
    ({ host }) => `the certificateAuthority of ${host} cannot be used: check the policy's PEM text`,
  ],
  ServerError: ['Unreachable', ({ host }) => `${host} answers with a server error: try again later`],
  Closed: ['Unreachable', ({ host }) => `${host} is not asked any more, since tagpin is stopping`],
  TimedOut: ['Timeout', ({ host }) => `${host} did not answer in time: try again later`],
  HostNotAllowed: [
    'NotAllowed',
    ({ host }) => `${host} is not allowed by the policy: add it to registries.allow, or use another registry`,
  ],
  PrivateAddress: [
    'NotAllowed',
    ({ host }) => `${host} is at an address that is not asked: list it under registries.hosts, if it is your registry`,
  ],
  PrivateProxy: [
    'NotAllowed',
    ({ host }) =>
      `the proxy for ${host} is at an address that is not asked: list it under registries.hosts beside registries.allow`,
  ],
  ForbiddenAddress: ['NotAllowed', ({ host }) => `${host} is at an address that is never asked: use another registry`],
  RealmNotAllowed: [
    'NotAllowed',
    ({ host, other }) =>
      `${host} has its tokens from ${other}, which is refused: if that is right, list it under authRealms of ${host}`,
  ],
  RealmNotSafe: [
    'NotAllowed',
    ({ host }) =>
      `${host} names a token service without TLS, or with a user in its URL: correct the registry's settings`,
  ],
  RedirectNotAllowed: [
    'NotAllowed',
    ({ host, other }) => `${host} redirects to ${other}, which is refused: allow or list that host in the policy`,
  ],
  RedirectNotSafe: [
    'NotAllowed',
    ({ host }) =>
      `${host} redirects to where nothing is sent, such as out of TLS or to an unlisted port: check the registry`,
  ],
  RedirectLoop: ['InvalidResponse', ({ host }) => `${host} redirects without end: check the registry`],
  NoManifest: [
    'InvalidResponse',
    ({ host, image }) => `${host} answers with no image manifest for ${image}: check the registry`,
  ],
  OldManifest: [
    'InvalidResponse',
    ({ host, image }) => `${host} has ${image} in the retired schema 1 only: push the image again`,
  ],
  WrongDigest: [
    'InvalidResponse',
    ({ host, image }) =>
      `${host} names a digest for ${image} that is none, or not that of its content: check the registry`,
  ],
  NoTagList: [
    'InvalidResponse',
    ({ host, image }) => `${host} answers with no list of tags for ${image}: check the registry`,
  ],
  TooManyTags: [
    'InvalidResponse',
    ({ host, image }) => `${host} lists more tags of ${image} than are read: clean the repository up`,
  ],
  PagesElsewhere: [
    'NotAllowed',
    ({ host, image }) =>
      `${host} says that more tags of ${image} are elsewhere, which is not asked: check the registry`,
  ],
  PagesWithoutEnd: [
    'InvalidResponse',
    ({ host, image }) => `${host} lists the tags of ${image} in a circle: check the registry`,
  ],
  NoReferrers: [
    'InvalidResponse',
    ({ host, image }) => `${host} answers with no list of what refers to ${image}: check the registry`,
  ],
  ReferrersElsewhere: [
    'NotAllowed',
    ({ host, image }) =>
      `${host} says that more of what refers to ${image} is elsewhere, which is not asked: check the registry`,
  ],
  TooLarge: ['InvalidResponse', ({ host }) => `${host} answers with more than is read: check the registry`],
  NotUnderstood: ['InvalidResponse', ({ host }) => `${host} answers with what is not understood: check the registry`],
  NoPlatform: ['NoMatchingPlatform', ({ image }) => `${image} has no manifest for this platform: ask for another one`],
} as const satisfies Record<string, readonly [ResolutionFailureCode, Sentence]>;

/** The name of a way to fail; several share one of the codes that users see. */
export type FailureReason = keyof typeof FAILURES;

/**
 * Why a registry gave no answer.
 *
 * The message is a constant sentence about hosts and images. It never holds an upstream body, an address or a secret,
 * since it is shown to whoever named the image.
 */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: ResolutionFailureCode;
  readonly reason: FailureReason;
  /** When the registry may be asked again, where it said so. */
  readonly retryAfterMilliseconds: number | null;

  constructor(
    reason: FailureReason,
    facts: Facts,
    options?: ErrorOptions & { readonly retryAfterMilliseconds?: number | null },
  ) {
    const [code, sentence] = FAILURES[reason];
    super(
      sentence({ host: facts.host, image: facts.image ?? 'the image', other: facts.other ?? 'an address' }),
      options,
    );
    this.code = code;
    this.reason = reason;
    this.retryAfterMilliseconds = options?.retryAfterMilliseconds ?? null;
  }
}

/** Another credential may see what this one may not. What hangs on the host or the time is the same for all. */
const TRY_NEXT: ReadonlySet<ResolutionFailureCode> = new Set(['NotFound', 'Unauthorized', 'Forbidden']);

/** May another credential bring another answer? */
export function isWorthAnotherTry({ code }: RegistryError): boolean {
  return TRY_NEXT.has(code);
}

/** That an image is not there is worth more than that somebody may not see it; else what the first credential met. */
export function moreTelling(first: RegistryError | null, next: RegistryError): RegistryError {
  return first === null || (first.code !== 'NotFound' && next.code === 'NotFound') ? next : first;
}
