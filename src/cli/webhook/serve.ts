import type { RegistriesPolicy } from '../../core/policy/schema.ts';
import { DEFAULT_POLICY, type Policy } from '../../core/policy/schema.ts';
import { createLog, describeError, type Log } from '../../platform/log.ts';
import { createMetrics, type Metrics } from '../../platform/metrics.ts';
import { addressText, type ListenAddress } from '../../platform/network/listen.ts';
import { type OperationsServer, type ReadinessCheck, startOperations } from '../../platform/operations.ts';
import { watchDefects } from '../../platform/process/defects.ts';
import { watchSignals } from '../../platform/process/shutdown.ts';
import { createCloudKeychain } from '../../registry/cloud/keychain.ts';
import { createResolver } from '../../registry/resolver.ts';
import type { ServingCertificate } from '../../webhook/certificate.ts';
import { NotReady } from '../../webhook/exchange.ts';
import {
  DEFAULT_QUESTION_LIMITS,
  DEFAULT_VERIFICATION_LIMITS,
  limitQuestions,
  limitVerifications,
} from '../../webhook/limits.ts';
import { createWebhookMetrics, type WebhookMetrics } from '../../webhook/metrics.ts';
import { createMutate, type MutateNeeds, type ResolveDigest } from '../../webhook/mutate.ts';
import { createValidatePolicy } from '../../webhook/policy/validate-policy.ts';
import { type AdmissionServer, startServer } from '../../webhook/server.ts';
import type { WebhookConfiguration } from '../configuration.ts';
import { CommandError, type CommandIO, type ExitCode } from '../output.ts';
import { createRegistryMetrics } from '../registry-metrics.ts';
import { openVerifier, type SignaturesOptions } from '../signatures.ts';
import { createListener } from './listener.ts';

/** Where a webhook tells what it does. */
export interface Instruments {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly webhookMetrics: WebhookMetrics;
}

/** What a webhook serves with; where that comes from is all that differs between a cluster and none. */
export interface Sources {
  /** What is in force; why there is nothing yet. */
  readonly policy: () => Policy | NotReady;
  readonly namespaceLabels: MutateNeeds['namespaceLabels'];
  readonly keychain: MutateNeeds['keychain'];
  /** The trust root under a key of a ConfigMap; null where there are none. */
  readonly readTrustRoot: SignaturesOptions['readTrustRoot'];
  /** Where the policy's ConfigMap is judged. */
  readonly ownNamespace: string;
  /** Conditions of readiness besides those of the servers. */
  readonly checks: readonly ReadinessCheck[];
  /**
   * Begins to follow what changes. Nothing is served before the first certificate.
   *
   * @param serve takes the first certificate, and each later one.
   */
  readonly start: (serve: (certificate: ServingCertificate) => void) => void;
  /** Ends that, also where it never began. */
  readonly stop: () => Promise<void>;
}

/**
 * Runs the webhook: opens its sources, serves until the process is asked to end, and takes it down.
 *
 * @throws CommandError 3 where an address can't be had, and what `open` throws.
 */
export async function serveWebhook(
  io: CommandIO,
  configuration: WebhookConfiguration,
  open: (instruments: Instruments) => Promise<Sources>,
): Promise<ExitCode> {
  const shutdown = watchSignals(process, () => performance.now());
  const log = createLog(configuration.logLevel, (lines) => io.stdout.write(lines));
  const defect = watchDefects(log);
  const end = AbortSignal.any([shutdown.requested, defect.signal]);
  const metrics = createMetrics();
  const webhookMetrics = createWebhookMetrics(metrics);

  let sources: Sources | null = null;
  let resolver: ReturnType<typeof createResolver> | null = null;
  let operations: OperationsServer | null = null;
  let server: AdmissionServer | null = null;
  let hasServed = false;
  const served = new ServedCertificate(webhookMetrics);
  try {
    sources = await open({ log, metrics, webhookMetrics });
    const { policy } = sources;
    resolver = createResolver({
      settings: () => registriesOf(policy()),
      observe: createRegistryMetrics(metrics),
      cloud: createCloudKeychain({
        environment: io.environment,
        observe: ({ cloud, host, problem }) => log.warn('no credential from the cloud', { cloud, host, problem }),
      }),
    });
    const answering = resolver;
    const ask: ResolveDigest = (question) => answering.resolve(question);
    const verifier = openVerifier({ resolver, readTrustRoot: sources.readTrustRoot });
    const mutate = createMutate({
      policy: () => orThrow(policy()),
      resolve: limitQuestions(ask, { ...DEFAULT_QUESTION_LIMITS, now: () => performance.now() }),
      verify: limitVerifications((question) => verifier.verify(question), {
        ...DEFAULT_VERIFICATION_LIMITS,
        now: () => performance.now(),
      }),
      namespaceLabels: sources.namespaceLabels,
      keychain: sources.keychain,
    });
    const listener = createListener(
      { '/mutate': mutate, '/validate-policy': createValidatePolicy(sources.ownNamespace) },
      { metrics: webhookMetrics, log, callers: configuration.clientAuthority === null ? 'claimed' : 'verified' },
    );

    const checks: readonly ReadinessCheck[] = [
      { name: 'admission', problem: () => (server === null ? 'not served yet' : null) },
      { name: 'certificate', problem: () => served.problem() },
      ...sources.checks,
      { name: 'shutdown', problem: () => (shutdown.requested.aborted ? 'under way' : null) },
    ];
    operations = await orExplain('operations-listen', configuration.operationsListen, (listen) =>
      startOperations({ listen, metrics, checks }),
    );
    log.info('listening', { server: 'operations', address: operations.address });

    sources.start((certificate) => served.take(certificate));
    const certificate = await served.first(end);
    if (certificate !== null) {
      const started = await orExplain('listen', configuration.listen, (listen) =>
        startServer({
          listener,
          listen,
          certificate,
          failed: (error) => log.error('a connection was not accepted', { error: describeError(error) }),
        }),
      );
      server = started;
      served.renew = (next) => started.renew(next);
      log.info('listening', { server: 'admission', address: started.address });
      if (configuration.clientAuthority === null) {
        log.info('callers need no certificate: whoever reaches this port is answered; see --client-ca');
      }
      await aborted(end);
    }

    const reason = String(shutdown.requested.reason ?? 'defect');
    // Who presses Ctrl-C waits for it, and no Service has to be told.
    const drain = reason === 'SIGINT' || server === null ? 0 : configuration.drainMilliseconds;
    log.info('shutting down', { reason, drainSeconds: drain / 1000 });
    await server?.drain(drain, shutdown.forced);
    hasServed = true;
    return defect.signal.aborted ? 3 : 0;
  } finally {
    await sources?.stop();
    await operations?.close();
    await resolver?.close();
    // The last line: what follows the cluster may have something to say until it is closed.
    if (hasServed) log.info('stopped');
    log.flush();
    defect.stop();
    shutdown.stop();
  }
}

/** The certificate that is served, which may be renewed while the server for the first one still starts. */
class ServedCertificate {
  /** Gives a certificate to the server. */
  renew: (certificate: ServingCertificate) => void = () => {};
  readonly #metrics: WebhookMetrics;
  readonly #first = Promise.withResolvers<void>();
  #current: ServingCertificate | null = null;

  constructor(metrics: WebhookMetrics) {
    this.#metrics = metrics;
  }

  take(certificate: ServingCertificate): void {
    this.#current = certificate;
    this.#metrics.certificate(certificate.expires);
    this.#first.resolve();
    this.renew(certificate);
  }

  /** Waits until there is one; null where the end comes before. */
  async first(end: AbortSignal): Promise<ServingCertificate | null> {
    await Promise.race([this.#first.promise, aborted(end)]);
    return end.aborted ? null : this.#current;
  }

  problem(): string | null {
    if (this.#current === null) return 'there is none yet';
    const { expires } = this.#current;
    return expires.getTime() < Date.now() ? `it expired at ${expires.toISOString()}` : null;
  }
}

function registriesOf(policy: Policy | NotReady): RegistriesPolicy {
  return policy instanceof NotReady ? DEFAULT_POLICY.registries : policy.registries;
}

function orThrow(policy: Policy | NotReady): Policy {
  if (policy instanceof NotReady) throw policy;
  return policy;
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there: stop it, or choose another port',
  EACCES: 'not permitted: choose a port above 1023',
  EADDRNOTAVAIL: 'no such address on this machine',
  ENOTFOUND: 'there is no host of that name',
};

async function orExplain<T>(flag: string, address: ListenAddress, start: (listen: ListenAddress) => Promise<T>) {
  try {
    return await start(address);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    const message = `webhook: --${flag} ${addressText(address)}: ${WHY[code] ?? 'can not listen there'} (${code})`;
    throw new CommandError(3, message, { cause });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => {
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
