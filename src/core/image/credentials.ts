import type { ImageReference } from './reference.ts';

/**
 * What a registry may be shown: a user and a password, an OAuth2 refresh token for its token service (`identitytoken`), or
 * a ready bearer token for the registry itself (`registrytoken`).
 */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** The credentials that fit a reference, in the order in which to try them; none means anonymous. */
export type Keychain = (reference: ImageReference) => Promise<readonly Credential[]>;
