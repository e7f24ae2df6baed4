import type { RegistriesPolicy } from '../../core/policy/schema.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { createObjectSecrets, type ObjectSecrets } from '../../kubernetes/secrets/connection-secrets.ts';
import { createTargetSecrets } from '../../kubernetes/secrets/target-secrets.ts';
import { createTrustRoots } from '../../kubernetes/trust-roots.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { createCloudKeychain } from '../../registry/cloud/keychain.ts';
import type { RegistrySettings } from '../../registry/connection/own.ts';
import { createResolver } from '../../registry/resolver.ts';
import type { AskNeeds } from '../../sweeper/ask.ts';
import type { CommandIO } from '../output.ts';
import { createRegistryMetrics } from '../registry-metrics.ts';
import { openVerifier } from '../signatures.ts';
import { type Asker, createConnections } from './connections.ts';

/** Where registries are asked from, and by what. */
export interface RegistriesOptions {
  readonly client: KubernetesClient;
  readonly ownNamespace: string;
  readonly environment: CommandIO['environment'];
  /** Those of the policy in force; read for every question. */
  readonly registries: () => RegistriesPolicy;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Registries, ready to be asked. */
export interface OpenRegistries {
  readonly needs: AskNeeds;
  /** The Secrets that OCIRepositories name. */
  readonly secrets: ObjectSecrets;
  close(): Promise<void>;
}

/** A cold registry far away that limits its clients: nobody waits for a sweep. */
const FLIGHT_MILLISECONDS = 20_000;

/** Makes ready to ask registries. Nothing is asked yet. */
export function openRegistries(options: RegistriesOptions): OpenRegistries {
  const { client, ownNamespace, environment, registries, log, metrics } = options;
  const now = () => performance.now();
  const observe = createRegistryMetrics(metrics);
  const cloud = createCloudKeychain({
    environment,
    observe: ({ cloud: name, host, problem }) =>
      log.warn('no credential from the cloud', { cloud: name, host, problem }),
  });
  const readTrustRoot = createTrustRoots({
    client,
    namespace: ownNamespace,
    observe: (problem) => log.warn('a trust root could not be read', { ...problem }),
    now,
  });
  const make = (settings: () => RegistrySettings, ours: 'sent' | 'kept'): Asker => {
    const flightMilliseconds = FLIGHT_MILLISECONDS;
    const resolver = createResolver({ settings, observe, flightMilliseconds, ...(ours === 'sent' && { cloud }) });
    return { resolver, verifier: openVerifier({ resolver, flightMilliseconds, readTrustRoot }) };
  };
  const standard = make(registries, 'sent');
  const secrets = createObjectSecrets({ client, ownNamespace, now });
  const { close, ...asking } = createConnections({
    registries,
    standard,
    make,
    readConnection: (source) => secrets.connection(source),
  });
  return {
    secrets,
    needs: {
      ...asking,
      credentials: createTargetSecrets({
        client,
        registries,
        ownNamespace,
        observe: (problem) => log.warn('credentials', { ...problem }),
      }),
    },
    async close() {
      await Promise.all([close(), standard.resolver.close()]);
    },
  };
}
