import { resolve } from 'node:path';
import { followSecret, watchTrust } from '../../certificates/follow.ts';
import type { ServingPair } from '../../certificates/serving.ts';
import { type CertificateFacts, startUpkeep } from '../../certificates/upkeep.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { openCertificateSecret } from '../../kubernetes/secrets/certificate-secret.ts';
import { openWebhookConfigurations } from '../../kubernetes/webhook-configurations.ts';
import { describeError, type Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { readAuthorities, type ServingCertificate, watchAuthorities } from '../../webhook/certificate.ts';
import type { CertificatePaths, ClusterCertificates, ClusterSettings } from '../configuration.ts';
import type { CommandIO } from '../output.ts';
import { explainCertificateError, followCertificateFiles, readFirstCertificate } from './certificate-files.ts';
import type { Instruments } from './serve.ts';

/** The serving certificate of a webhook in a cluster. */
export interface ClusterCertificate {
  /** Why API servers would not trust what is served; null where they do. */
  readonly problem: () => string | null;
  readonly start: (serve: (certificate: ServingCertificate) => void) => void;
  readonly stop: () => Promise<void>;
}

interface Needs extends Instruments {
  readonly client: KubernetesClient;
  readonly settings: ClusterSettings;
  readonly ownNamespace: string;
  /** The file of `--client-ca`; null without. */
  readonly clientAuthority: string | null;
}

type Serve = (certificate: ServingCertificate) => void;

const SECRET = 'tagpin-certificates';

/**
 * Opens where the serving certificate comes from, and what says whether it is trusted. In the modes without files nothing is
 * needed to begin: what is not there is waited for.
 *
 * @throws CommandError 2 where a file is not what it should be, 3 where one can't be read.
 */
export async function openClusterCertificate(io: CommandIO, needs: Needs): Promise<ClusterCertificate> {
  const { certificates } = needs.settings;
  return certificates.kind === 'files'
    ? await openFiles(io, needs, certificates)
    : await openSecret(io, needs, certificates);
}

async function openFiles(io: CommandIO, needs: Needs, paths: CertificatePaths): Promise<ClusterCertificate> {
  const { client, settings, log, metrics, clientAuthority } = needs;
  const first = await readFirstCertificate(io, paths, clientAuthority);
  let served = first.certificate;
  const trust = watchTrust({
    served: () => served,
    configurations: openWebhookConfigurations(client, settings.webhookConfiguration),
    log,
    observe: observeCertificates(metrics),
  });
  let end = (): void => {};
  return {
    problem: trust.problem,
    start(serve) {
      const remember: Serve = (certificate) => {
        served = certificate;
        serve(certificate);
      };
      end = followCertificateFiles(first, remember, needs);
    },
    async stop() {
      end();
      await trust.stop();
    },
  };
}

async function openSecret(
  io: CommandIO,
  needs: Needs,
  certificates: Exclude<ClusterCertificates, { kind: 'files' }>,
): Promise<ClusterCertificate> {
  const { client, settings, ownNamespace: namespace, log, metrics } = needs;
  const authorities = await openAuthorities(io, needs.clientAuthority, log);
  let pair: ServingPair | null = null;
  let serve: Serve = () => {};
  function serveBoth(): void {
    if (pair !== null) serve({ ...pair, clientAuthority: authorities.current() });
  }
  const surroundings = {
    secret: openCertificateSecret(client, { namespace, name: SECRET }),
    configurations: openWebhookConfigurations(client, settings.webhookConfiguration),
    log,
    observe: observeCertificates(metrics),
    renewed(next: ServingPair): void {
      pair = next;
      serveBoth();
    },
  };
  const upkeep =
    certificates.kind === 'self'
      ? startUpkeep({ ...surroundings, hosts: hostsOf(certificates, namespace) })
      : followSecret(surroundings);
  return {
    problem: () => upkeep.problem(),
    start(next) {
      serve = next;
      authorities.start(serveBoth);
      serveBoth();
    },
    async stop() {
      authorities.stop();
      await upkeep.stop();
    },
  };
}

function hostsOf({ service, hosts }: Extract<ClusterCertificates, { kind: 'self' }>, namespace: string) {
  const name = `${service}.${namespace}`;
  return [...new Set([`${name}.svc`, name, `${name}.svc.cluster.local`, ...hosts])];
}

/** The authorities of `--client-ca`, followed as their file changes. */
async function openAuthorities(io: CommandIO, file: string | null, log: Log) {
  if (file === null) return { current: () => null, start: () => {}, stop: () => {} };
  const path = resolve(io.directory, file);
  let current = await readAuthorities(path).catch((error: unknown) => {
    throw explainCertificateError(error);
  });
  let stop = (): void => {};
  return {
    current: () => current,
    start(changed: () => void): void {
      stop = watchAuthorities(path, current, {
        renewed(next) {
          current = next;
          changed();
          log.info('authorities of clients renewed', { file: path });
        },
        refused: (error) =>
          log.error('authorities of clients refused, the last good ones stay', { error: describeError(error) }),
      });
    },
    stop: () => stop(),
  };
}

function observeCertificates(metrics: Metrics): (facts: CertificateFacts) => void {
  const authority = metrics.gauge({
    name: 'tagpin_certificate_authority_expiry_timestamp_seconds',
    help: "Until when tagpin's own authority is valid, with --certificates self.",
    labels: ['name'],
  });
  const registered = metrics.gauge({
    name: 'tagpin_webhook_registered',
    help: '1 where the live webhook configurations have this webhook and trust what is served, 0 where they do not.',
    labels: ['webhook'],
  });
  return ({ authorityExpires, webhooks }) => {
    if (authorityExpires !== null) authority({ name: SECRET }, authorityExpires.getTime() / 1000);
    for (const webhook of webhooks) {
      registered({ webhook: webhook.name }, webhook.registered && webhook.trusted ? 1 : 0);
    }
  };
}
