import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Policy } from '../core/policy/schema.ts';
import { watchDefects } from '../platform/defects.ts';
import { addressText, type ListenAddress } from '../platform/listen.ts';
import { createLog, describeError, type Log } from '../platform/log.ts';
import { createMetrics } from '../platform/metrics.ts';
import { type OperationsServer, startOperations } from '../platform/operations.ts';
import { watchSignals } from '../platform/shutdown.ts';
import { createCloudKeychain } from '../registry/cloud/keychain.ts';
import { createDockerKeychain } from '../registry/docker-config.ts';
import { createResolver } from '../registry/resolver.ts';
import { createApp } from '../webhook/app.ts';
import { createAuditLog } from '../webhook/audit-log.ts';
import { BodyMemory } from '../webhook/body.ts';
import {
  CertificateError,
  type CertificateFiles,
  readCertificate,
  type ServingCertificate,
  watchCertificate,
} from '../webhook/certificate.ts';
import { createExchange, type ExchangeReport } from '../webhook/exchange.ts';
import { DEFAULT_GATE, DEFAULT_QUESTION_LIMITS, Gate, limitQuestions } from '../webhook/limits.ts';
import { createWebhookMetrics, type WebhookMetrics } from '../webhook/metrics.ts';
import { createMutate, type Mutate, type ResolveDigest } from '../webhook/mutate.ts';
import { watchPolicyFile } from '../webhook/policy-file.ts';
import { type AdmissionServer, startServer } from '../webhook/server.ts';
import { validatePolicy } from '../webhook/validate-policy.ts';
import type { StandaloneFiles, WebhookConfiguration } from './configuration.ts';
import { CommandError, type CommandIO, type ExitCode, writeLine } from './output.ts';
import { policyErrorText, readPolicyFile } from './policy-file.ts';
import { createRegistryMetrics } from './registry-metrics.ts';

/**
 * Runs the webhook without a cluster: constructs everything, serves until the process is asked to end, and takes it down.
 *
 * @throws CommandError 2 where a file is not what it should be, 3 where one can't be read or an address can't be had.
 */
export async function serveStandalone(
  io: CommandIO,
  configuration: WebhookConfiguration,
  standalone: StandaloneFiles,
): Promise<ExitCode> {
  const shutdown = watchSignals(process, () => performance.now());
  const policyFile = resolve(io.directory, standalone.policy);
  let policy = await readFirstPolicy(io, standalone.policy);
  const files = certificateFiles(io, configuration, standalone);
  let certificate = await readFirstCertificate(files);

  const log = createLog(configuration.logLevel, (lines) => io.stdout.write(lines));
  const metrics = createMetrics();
  const webhookMetrics = createWebhookMetrics(metrics);
  const defect = watchDefects(log);

  const resolver = createResolver({
    settings: () => policy.registries,
    observe: createRegistryMetrics(metrics),
    cloud: createCloudKeychain({
      environment: io.environment,
      observe: ({ cloud, host, problem }) => log.warn('no credential from the cloud', { cloud, host, problem }),
    }),
  });
  const dockerKeychain = createDockerKeychain({
    environment: io.environment,
    homeDirectory: io.environment['HOME'] ?? homedir(),
    observe: (problem) => log.warn('Docker configuration', { problem }),
  });
  const ask: ResolveDigest = (question) => resolver.resolve(question);
  const mutate = createMutate({
    policy: () => policy,
    resolve: limitQuestions(ask, { ...DEFAULT_QUESTION_LIMITS, now: () => performance.now() }),
    namespaceLabels: (namespace) => ({ 'kubernetes.io/metadata.name': namespace }),
    keychain: () => dockerKeychain,
  });
  const listener = createListener(mutate, webhookMetrics, log, configuration);

  let operations: OperationsServer | null = null;
  let server: AdmissionServer | null = null;
  const ends: (() => void)[] = [];
  try {
    operations = await orExplain('operations-listen', configuration.operationsListen, (listen) =>
      startOperations({
        listen,
        metrics,
        checks: [
          { name: 'admission', problem: () => (server === null ? 'not served yet' : null) },
          { name: 'certificate', problem: () => expiryProblem(certificate) },
          { name: 'shutdown', problem: () => (shutdown.requested.aborted ? 'under way' : null) },
        ],
      }),
    );
    const started = await orExplain('listen', configuration.listen, (listen) =>
      startServer({
        listener,
        listen,
        certificate,
        failed: (error) => log.error('a connection was not accepted', { error: describeError(error) }),
      }),
    );
    server = started;
    log.info('listening', { server: 'operations', address: operations.address });
    log.info('listening', { server: 'admission', address: started.address });

    webhookMetrics.policy('valid');
    webhookMetrics.certificate(certificate.expires);
    if (configuration.clientAuthority === null) {
      log.info('callers need no certificate: whoever reaches this port is answered; see --client-ca');
    }
    ends.push(
      watchPolicyFile(policyFile, {
        accepted(next) {
          policy = next;
          webhookMetrics.policy('valid');
          log.info('policy in force', { file: standalone.policy, rules: next.rules.length });
          warnOfSecrets(next, log);
        },
        refused(errors, reason) {
          webhookMetrics.policy('invalid');
          const problems = reason === null ? errors.map((each) => policyErrorText(standalone.policy, each)) : [reason];
          log.error('policy refused, the last good one stays in force', { file: standalone.policy, problems });
        },
      }),
      watchCertificate(files, certificate, {
        renewed(next) {
          started.renew(next);
          certificate = next;
          webhookMetrics.certificate(next.expires);
          log.info('certificate renewed', { file: files.certificate, expires: next.expires.toISOString() });
        },
        refused(error) {
          webhookMetrics.certificate(null);
          log.error('certificate refused, the last good one stays', { error: describeError(error) });
        },
      }),
    );

    await aborted(AbortSignal.any([shutdown.requested, defect.signal]));
    const reason = String(shutdown.requested.reason ?? 'defect');
    // Who presses Ctrl-C waits for it, and no Service has to be told.
    const drain = reason === 'SIGINT' ? 0 : configuration.drainMilliseconds;
    log.info('shutting down', { reason, drainSeconds: drain / 1000 });
    await started.drain(drain, shutdown.forced);
    log.info('stopped');
    return defect.signal.aborted ? 3 : 0;
  } finally {
    for (const end of ends) end();
    await operations?.close();
    await resolver.close();
    log.flush();
    defect.stop();
    shutdown.stop();
  }
}

function createListener(mutate: Mutate, metrics: WebhookMetrics, log: Log, configuration: WebhookConfiguration) {
  const audit = createAuditLog(configuration.clientAuthority === null ? 'claimed' : 'verified', (message, facts) =>
    log.record(message, facts),
  );
  const gate = new Gate(DEFAULT_GATE);
  const memory = new BodyMemory();
  const failed = (uid: string, error: unknown): void =>
    log.error('a review failed', { uid, error: describeError(error) });
  const report = (exchange: ExchangeReport): void => {
    metrics.exchange(exchange);
    const record = exchange.result?.record ?? null;
    if (record !== null) audit(record, exchange.seconds);
  };
  return createApp(
    {
      '/mutate': createExchange({ review: mutate, gate, memory, report, failed }),
      '/validate-policy': createExchange({ review: validatePolicy, gate, memory, report: () => {}, failed }),
    },
    (error) => log.error('a request failed', { error: describeError(error) }),
  );
}

async function readFirstPolicy(io: CommandIO, file: string): Promise<Policy> {
  const parsed = await readPolicyFile(io, file);
  if (parsed.ok) return parsed.policy;
  for (const error of parsed.errors) writeLine(io.stderr, policyErrorText(file, error));
  throw new CommandError(
    2,
    `webhook: --policy ${file}: the policy is not valid: mend it, and try it with tagpin policy check`,
  );
}

function certificateFiles(
  io: CommandIO,
  configuration: WebhookConfiguration,
  files: StandaloneFiles,
): CertificateFiles {
  const { clientAuthority } = configuration;
  return {
    certificate: resolve(io.directory, files.certificate),
    key: resolve(io.directory, files.key),
    clientAuthority: clientAuthority === null ? null : resolve(io.directory, clientAuthority),
  };
}

async function readFirstCertificate(files: CertificateFiles): Promise<ServingCertificate> {
  try {
    return await readCertificate(files);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const next = 'tagpin certificates makes one for development';
    throw new CommandError(error.code === 'Unreadable' ? 3 : 2, `webhook: ${error.message}: ${next}`, { cause: error });
  }
}

function expiryProblem({ expires }: ServingCertificate): string | null {
  return expires.getTime() < Date.now() ? `it expired at ${expires.toISOString()}` : null;
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

function warnOfSecrets({ registries }: Policy, log: Log): void {
  const hosts = registries.hosts.filter((each) => each.credentials !== null).map((each) => each.host);
  if (hosts.length > 0) {
    log.warn('credentials.secret is ignored without a cluster, the Docker configuration is asked', { hosts });
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((done) => {
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
