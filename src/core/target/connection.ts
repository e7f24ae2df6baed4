import type { PullSecretSource } from './settings.ts';

/** What a target says of how its image's registry is asked. */
export type RegistryAccess = PullSecretSource | ConnectionSource | PodCredentials;

/** Where the credentials of a workload's Pods come from, all of it in its own namespace. */
export interface PodCredentials {
  readonly kind: 'pod';
  readonly namespace: string;
  /** `imagePullSecrets`, in their order. */
  readonly secrets: readonly string[];
  /** Its own `imagePullSecrets` count. */
  readonly serviceAccount: string | null;
}

/**
 * How a Flux OCIRepository says that its registry is reached: names of Secrets and of a ServiceAccount, all of them in its own
 * namespace.
 */
export interface ConnectionSource {
  readonly kind: 'connection';
  readonly namespace: string;
  /** Of the type `kubernetes.io/dockerconfigjson`. */
  readonly secret: string | null;
  /** Its own `imagePullSecrets` count. */
  readonly serviceAccount: string | null;
  /** Whose identity signs in; `generic` for nobody's. */
  readonly provider: 'generic' | 'aws' | 'azure' | 'gcp';
  /** Holds `ca.crt`, or `tls.crt` and `tls.key`, or both. */
  readonly certificateSecret: string | null;
  /** Holds `address`, and may hold `username` and `password`. */
  readonly proxySecret: string | null;
  /** Plain HTTP will do. */
  readonly insecure: boolean;
}

/**
 * May the registry be shown what is not the object's own: the policy's credentials for the host, and the identity that a cloud gives
 * tagpin? Not over plain HTTP, nor where the object says whose certificates are good: whoever wrote that could be at the other end.
 */
export function isTrustedWithOurs({ insecure, certificateSecret }: ConnectionSource): boolean {
  return !insecure && certificateSecret === null;
}

/** Does the object say nothing of how the registry is connected to? */
export function isPlainConnection({ insecure, certificateSecret, proxySecret }: ConnectionSource): boolean {
  return !insecure && certificateSecret === null && proxySecret === null;
}

/** Is the registry asked over plain HTTP? Who says whose certificates are good has some: as Flux, which tries TLS first then. */
export function isPlainHttp({ insecure, certificateSecret }: ConnectionSource): boolean {
  return insecure && certificateSecret === null;
}

/** What there is to say of how a registry is asked; null where it is asked as it is for everybody, so that all may share the answer. */
export function accessOf(source: ConnectionSource): ConnectionSource | null {
  const { secret, serviceAccount } = source;
  return isPlainConnection(source) && secret === null && serviceAccount === null ? null : source;
}
