import type { RegistriesPolicy } from '../../core/policy/schema.ts';

/**
 * How one registry is reached where an object says more of that than the policy, as a Flux OCIRepository may. It widens nothing that
 * the policy allows: neither hosts nor addresses.
 */
export interface OwnConnection {
  /** The registry, as references name it. */
  readonly host: string;
  /** PEM, added to the system's and the policy's, also for who the registry sends us to. */
  readonly certificateAuthority: string | null;
  /** Shown to the registry alone. */
  readonly clientCertificate: ClientCertificate | null;
  /** URL, with its user and password; it comes in the place of the policy's. */
  readonly proxy: string | null;
  readonly plainHttp: boolean;
}

/** What a server is shown that asks who we are; both PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** What a policy says of registries, and what somebody else says of one of them. */
export interface RegistrySettings extends RegistriesPolicy {
  readonly own?: OwnConnection;
}

/** PEM texts as one; null where there is none. */
export function joinAuthorities(one: string | null, other: string | null): string | null {
  return one === null || other === null ? (one ?? other) : `${one}\n${other}`;
}
