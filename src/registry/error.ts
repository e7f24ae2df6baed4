import type { ResolutionFailureCode } from '../core/image/resolution.ts';

/**
 * Why a registry gave no answer.
 *
 * The message is one sentence of constant parts: what failed, on which image and host, what next. It never holds an
 * upstream body, an address or a secret, since it is shown to whoever named the image.
 */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly code: ResolutionFailureCode;
  /** When the registry may be asked again, where it said so. */
  readonly retryAfterMilliseconds: number | null;

  constructor(
    code: ResolutionFailureCode,
    message: string,
    options?: ErrorOptions & { readonly retryAfterMilliseconds?: number | null },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMilliseconds = options?.retryAfterMilliseconds ?? null;
  }
}
