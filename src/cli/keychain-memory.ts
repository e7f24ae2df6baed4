import type { Credential, Keychain } from '../core/image/credentials.ts';

/** A changed Docker configuration counts this soon, and is not looked at for every image. */
const LIFE_MILLISECONDS = 1000;
/** Images name repositories, so what is kept is bounded. */
const MOST_REPOSITORIES = 1000;

/**
 * Asks a keychain once a second for each repository, and once for those who ask meanwhile: looking whether its file has
 * changed costs as much as the rest of an answer.
 *
 * @param keychain must not reject.
 * @param now a clock that never goes back, in milliseconds.
 */
export function rememberKeychain(keychain: Keychain, now: () => number): Keychain {
  const known = new Map<string, { readonly until: number; readonly credentials: Promise<readonly Credential[]> }>();
  return (reference) => {
    const key = `${reference.registry}/${reference.repository}`;
    const found = known.get(key);
    if (found !== undefined && found.until > now()) return found.credentials;
    if (known.size >= MOST_REPOSITORIES) known.clear();
    const credentials = keychain(reference);
    known.set(key, { until: now() + LIFE_MILLISECONDS, credentials });
    return credentials;
  };
}
