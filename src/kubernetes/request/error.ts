/**
 * Why the API server did not do what it was asked. `NoCluster`: nothing says where one is; `BadKubeconfig`: what says so can't
 * be used; `Expired`: 410, what was to be continued is too old; `Unavailable`: 5xx; `Unreachable`: no connection, or one that
 * broke; `BadAnswer`: not what an API server sends.
 */
export type KubernetesErrorCode =
  | 'NoCluster'
  | 'BadKubeconfig'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Invalid'
  | 'Expired'
  | 'TooManyRequests'
  | 'Unavailable'
  | 'Timeout'
  | 'Unreachable'
  | 'BadAnswer';

/** A failed request to the API server. The message says what was asked and what it said; it holds no header and no body of ours. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  readonly code: KubernetesErrorCode;
  /** The HTTP status; null where there was no answer. */
  readonly status: number | null;
  /** How long the server asks to be left alone; null where it says nothing. */
  readonly retryAfterMilliseconds: number | null;

  constructor(
    code: KubernetesErrorCode,
    message: string,
    facts: { readonly status?: number; readonly retryAfterMilliseconds?: number | null } & ErrorOptions = {},
  ) {
    super(message, 'cause' in facts ? { cause: facts.cause } : {});
    this.code = code;
    this.status = facts.status ?? null;
    this.retryAfterMilliseconds = facts.retryAfterMilliseconds ?? null;
  }
}

const PASSING: ReadonlySet<KubernetesErrorCode> = new Set([
  'Expired',
  'TooManyRequests',
  'Unavailable',
  'Timeout',
  'Unreachable',
]);

/** May the same request succeed a little later, with nothing changed by us? */
export function isPassing(error: unknown): boolean {
  return error instanceof KubernetesError && PASSING.has(error.code);
}

/** Is it that error? Saves callers the two checks. */
export function isKubernetesError(error: unknown, ...codes: readonly KubernetesErrorCode[]): error is KubernetesError {
  return error instanceof KubernetesError && codes.includes(error.code);
}

/** What the API server says of a JSON Patch that can't be applied (`NewGenericServerResponse` of apimachinery, 422). */
const UNAPPLIED = 'the server rejected our request due to an error in our request';

/**
 * Did a JSON Patch fail since the object is gone, or is not what it was: a `test` that does not hold, a path that is not there? What a
 * schema, a webhook or a policy of the cluster refuses has the same status, and says why.
 */
export function isOutrunPatch(error: unknown): error is KubernetesError {
  if (isKubernetesError(error, 'Conflict', 'NotFound')) return true;
  return isKubernetesError(error, 'Invalid') && error.message.endsWith(UNAPPLIED);
}

/** `Status` objects say more with their reason than with their code: 409 is a conflict, or a name that is taken. */
export function codeOfStatus(status: number, reason: string): KubernetesErrorCode {
  if (reason === 'AlreadyExists') return 'AlreadyExists';
  if (reason === 'Expired' || reason === 'Gone' || status === 410) return 'Expired';
  switch (status) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return 'Conflict';
    case 429:
      return 'TooManyRequests';
    case 504:
      return 'Timeout';
    default:
      if (status >= 500) return 'Unavailable';
      return status >= 400 ? 'Invalid' : 'BadAnswer';
  }
}
