import { HttpError } from '../../platform/network/http.ts';
import { presentable } from '../error.ts';

/** Where it happened. */
interface Facts {
  /** The repository as messages show it. */
  readonly repository: string;
  /** `GitHub`, `GitLab`, `Gitea`. */
  readonly host: string;
  /** What the API said, fit to be shown, or what is wrong. */
  readonly what: string;
}

type Sentence = (facts: Facts) => string;

/** Every way to fail. `refused` stays so until somebody changes something, `failed` may pass. */
const FAILURES = {
  NotHttps: [
    'refused',
    ({ repository }) =>
      `pull requests are opened over https: ${repository} wants an https URL and a token, ssh opens none`,
  ],
  NoToken: [
    'refused',
    ({ repository, what }) => `there is no token to open pull requests of ${repository} with: ${what}`,
  ],
  BadPath: ['refused', ({ repository, what }) => `${repository} is not used for pull requests: ${what}`],
  Unauthorized: [
    'refused',
    ({ repository, host, what }) =>
      `${host} does not take the token of ${repository}: check that it is valid, and an access token that may use the API (${what})`,
  ],
  Forbidden: [
    'refused',
    ({ repository, host, what }) =>
      `${host} forbids the token of ${repository} to open pull requests: let it write them (${what})`,
  ],
  NotFound: [
    'refused',
    ({ repository, host }) =>
      `${host} shows no such repository, branch or pull request of ${repository}: check the URL, the provider, and what the token may see`,
  ],
  Redirected: [
    'refused',
    ({ repository }) => `${repository} has moved, which is not followed: write the URL that it has now`,
  ],
  Invalid: ['refused', ({ repository, host, what }) => `${host} refuses the pull request of ${repository}: ${what}`],
  Untrusted: [
    'refused',
    ({ repository, host }) =>
      `the API of ${host} for ${repository} shows a certificate that is not trusted: add its authority to argocd-tls-certs-cm`,
  ],
  NotUnderstood: [
    'refused',
    ({ repository, host }) =>
      `what answers for ${repository} is not the API of ${host}: check the provider and the URL`,
  ],
  Limited: ['failed', ({ repository, host }) => `${host} limits what is asked of ${repository}: try again later`],
  Unreachable: [
    'failed',
    ({ repository, host }) => `the API of ${host} for ${repository} cannot be reached: try again later`,
  ],
  TimedOut: [
    'failed',
    ({ repository, host }) => `the API of ${host} for ${repository} did not answer in time: try again later`,
  ],
} as const satisfies Record<string, readonly ['refused' | 'failed', Sentence]>;

/** The name of a way to fail. */
export type HostingReason = keyof typeof FAILURES;

/** Why there is no pull request. The message holds no secret, and of the API's own words one cleaned line. */
export class HostingError extends Error {
  override readonly name = 'HostingError';
  readonly reason: HostingReason;
  /** `refused` stays so until somebody changes something, `failed` may pass. */
  readonly kind: 'refused' | 'failed';

  constructor(reason: HostingReason, facts: Partial<Facts>, options?: ErrorOptions) {
    const [kind, sentence] = FAILURES[reason];
    const { repository = 'the repository', host = 'the host', what = 'no reason given' } = facts;
    super(sentence({ repository, host, what }), options);
    this.reason = reason;
    this.kind = kind;
  }
}

/** The error of an answer that is none of success. @param saying what its body says, in its own words. */
export function explainStatus(
  answer: { readonly status: number; readonly isLimited: boolean; readonly saying: string },
  facts: { readonly repository: string; readonly host: string; readonly secrets: readonly string[] },
): HostingError {
  const what = presentable(answer.saying === '' ? `status ${answer.status}` : answer.saying, facts.secrets);
  return new HostingError(reasonOf(answer), { repository: facts.repository, host: facts.host, what });
}

function reasonOf({ status, isLimited }: { readonly status: number; readonly isLimited: boolean }): HostingReason {
  if (isLimited || status === 429) return 'Limited';
  if (status >= 500) return 'Unreachable';
  if (status >= 300 && status < 400) return 'Redirected';
  switch (status) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
    case 410:
      return 'NotFound';
    case 408:
      return 'TimedOut';
    default:
      return 'Invalid';
  }
}

/** The error of a request that brought no answer; anything that is not of HTTP stays what it is. */
export function explainFailure(error: unknown, facts: { readonly repository: string; readonly host: string }): unknown {
  if (!(error instanceof HttpError)) return error;
  switch (error.failure) {
    case 'Untrusted':
      return new HostingError('Untrusted', facts, { cause: error });
    case 'TimedOut':
      return new HostingError('TimedOut', facts, { cause: error });
    case 'TooLarge':
    case 'Malformed':
    case 'NotTls':
      return new HostingError('NotUnderstood', facts, { cause: error });
    case 'Unreachable':
      return new HostingError('Unreachable', facts, { cause: error });
  }
}
