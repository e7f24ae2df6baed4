import { createHmac, randomBytes } from 'node:crypto';
import type { Credential } from '../../core/image/credentials.ts';

/** Tells credentials apart without holding them: equal credentials, and only those, have equal fingerprints. */
export type Fingerprint = (credential: Credential | null) => string;

/** No credential is a class of its own, that no fingerprint can equal. */
export const ANONYMOUS = 'anonymous';

/** Makes fingerprints that mean nothing outside of this process: HMAC-SHA256 under a key that is never shown. */
export function createFingerprint(): Fingerprint {
  const key = randomBytes(32);
  const known = new WeakMap<Credential, string>();
  return (credential) => {
    if (credential === null) return ANONYMOUS;
    const made = known.get(credential) ?? createHmac('sha256', key).update(canonical(credential)).digest('base64url');
    known.set(credential, made);
    return made;
  };
}

function canonical(credential: Credential): string {
  const { kind } = credential;
  return JSON.stringify(kind === 'basic' ? [kind, credential.username, credential.password] : [kind, credential.token]);
}
