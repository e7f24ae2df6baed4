import type { Digest } from './digest.ts';

/** Why a registry gave no digest. A closed set, part of the command line's contract. */
export type ResolutionFailureCode =
  | 'NotFound'
  | 'Unauthorized'
  | 'Forbidden'
  | 'RateLimited'
  | 'Unreachable'
  | 'Timeout'
  | 'NotAllowed'
  | 'InvalidResponse'
  | 'NoMatchingPlatform';

/** What a reference means, or why that could not be learnt. */
export type Resolution =
  | {
      readonly kind: 'resolved';
      readonly digest: Digest;
      /** The manifest's media type, null where only a remembered digest is known. */
      readonly mediaType: string | null;
      readonly source: 'registry' | 'cache';
    }
  | {
      readonly kind: 'failed';
      readonly code: ResolutionFailureCode;
      /** One sentence for people: what failed, on what, what next. Never an upstream body, an address or a secret. */
      readonly message: string;
      /** The last digest seen with the same credential, at most 24 hours old. */
      readonly lastKnown: Digest | null;
    };
