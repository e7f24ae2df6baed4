import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Policy } from '../../core/policy/schema.ts';
import type { Log } from '../../platform/log.ts';
import { createDockerKeychain } from '../../registry/docker-config.ts';
import { watchPolicyFile } from '../../webhook/policy-file.ts';
import type { StandaloneSettings, WebhookConfiguration } from '../configuration.ts';
import { CommandError, type CommandIO, type ExitCode, writeLine } from '../output.ts';
import { policyErrorText, readPolicyFile } from '../policy/policy-file.ts';
import { followCertificateFiles, readFirstCertificate } from './certificate-files.ts';
import { type Instruments, type Sources, serveWebhook } from './serve.ts';

/**
 * Runs the webhook without a cluster.
 *
 * @throws CommandError 2 where a file is not what it should be, 3 where one can't be read or an address can't be had.
 */
export async function serveStandalone(
  io: CommandIO,
  configuration: WebhookConfiguration,
  settings: StandaloneSettings,
): Promise<ExitCode> {
  return await serveWebhook(io, configuration, (instruments) =>
    openFiles(io, settings, configuration.clientAuthority, instruments),
  );
}

/** What a webhook without a cluster serves with: files, and the Docker configuration. */
async function openFiles(
  io: CommandIO,
  settings: StandaloneSettings,
  clientAuthority: string | null,
  instruments: Instruments,
): Promise<Sources> {
  const { log, webhookMetrics } = instruments;
  let policy = await readFirstPolicy(io, settings.policy);
  const certificate = await readFirstCertificate(io, settings, clientAuthority);
  const dockerKeychain = createDockerKeychain({
    environment: io.environment,
    homeDirectory: io.environment['HOME'] ?? homedir(),
    observe: (problem) => log.warn('Docker configuration', { problem }),
  });
  const ends: (() => void)[] = [];
  return {
    policy: () => policy,
    namespaceLabels: (namespace) => ({ 'kubernetes.io/metadata.name': namespace }),
    keychain: () => ({ credentials: dockerKeychain, unread: () => [] }),
    ownNamespace: 'tagpin-system',
    checks: [],
    start(serve) {
      webhookMetrics.policy('valid');
      webhookMetrics.policySource('file');
      ends.push(
        watchPolicyFile(resolve(io.directory, settings.policy), {
          accepted(next) {
            policy = next;
            webhookMetrics.policy('valid');
            log.info('policy in force', { file: settings.policy, rules: next.rules.length });
            warnOfSecrets(next, log);
          },
          refused(errors, reason) {
            webhookMetrics.policy('invalid');
            const problems = reason === null ? errors.map((each) => policyErrorText(settings.policy, each)) : [reason];
            log.error('policy refused, the last good one stays in force', { file: settings.policy, problems });
          },
        }),
        followCertificateFiles(certificate, serve, instruments),
      );
    },
    async stop() {
      for (const end of ends) end();
    },
  };
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

function warnOfSecrets({ registries }: Policy, log: Log): void {
  const hosts = registries.hosts.filter((each) => each.credentials !== null).map((each) => each.host);
  if (hosts.length > 0) {
    log.warn('credentials.secret is ignored without a cluster, the Docker configuration is asked', { hosts });
  }
}
