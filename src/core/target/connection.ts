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
  /** Plain HTTP. */
  readonly insecure: boolean;
}
