import type { Credential } from '../../core/image/credentials.ts';

/** One cloud's way to sign in at its own registries with the identity that this process has there. */
export interface CloudIdentity {
  readonly name: 'amazon' | 'google' | 'azure';
  /**
   * What a credential for a registry is good for, such as a region: registries with the same key share one. Null where the
   * host is not one of this cloud's registries.
   *
   * @param host in canonical form; with a port it is none of them.
   */
  keyOf(host: string): string | null;
  /** Whether this process has such an identity, as far as can be told without a request. */
  isPresent(): Promise<boolean>;
  /** Signs in. Rejects never, and ends with the signal. */
  signIn(host: string, signal: AbortSignal): Promise<SignIn>;
}

/** A credential, and for how long from now it is good; or a sentence without secrets. */
export type SignIn =
  | { readonly ok: true; readonly credential: Credential; readonly lifeMilliseconds: number }
  | { readonly ok: false; readonly problem: string };

/** The process's environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;
