import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Policy } from '../../core/policy/schema.ts';
import type { Log } from '../../platform/log.ts';
import { createDockerKeychain } from '../../registry/docker-config.ts';
import { watchPolicyFile } from '../../webhook/policy/policy-file.ts';
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
  const refused = (problems: readonly string[]): void => {
    webhookMetrics.policy('invalid');
    log.error('policy refused, the last good one stays in force', { file: settings.policy, problems });
  };
  return {
    policy: () => policy,
    namespaceLabels: (namespace) => ({ 'kubernetes.io/metadata.name': namespace }),
    keychain: () => ({ credentials: dockerKeychain, unread: () => [] }),
    readTrustRoot: null,
    ownNamespace: 'tagpin-system',
    checks: [],
    start(serve) {
      webhookMetrics.policy('valid');
      webhookMetrics.policySource('file');
      ends.push(
        watchPolicyFile(resolve(io.directory, settings.policy), {
          accepted(next) {
            const problem = trustRootProblem(next);
            if (problem !== null) return refused([problem]);
            policy = next;
            webhookMetrics.policy('valid');
            log.info('policy in force', { file: settings.policy, rules: next.rules.length });
            warnOfSecrets(next, log);
          },
          refused: (errors, reason) =>
            refused(reason === null ? errors.map((each) => policyErrorText(settings.policy, each)) : [reason]),
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
  if (parsed.ok) {
    const problem = trustRootProblem(parsed.policy);
    if (problem !== null) throw new CommandError(2, `webhook: --policy ${file}: ${problem}`);
    return parsed.policy;
  }
  for (const error of parsed.errors) writeLine(io.stderr, policyErrorText(file, error));
  throw new CommandError(
    2,
    `webhook: --policy ${file}: the policy is not valid: mend it, and try it with tagpin policy check`,
  );
}

/** What is signed by somebody's own authority can't be verified without its trust root. */
function trustRootProblem({ verify }: Policy): string | null {
  for (const { name, trustRoot } of verify) {
    if (trustRoot === 'public') continue;
    const entry = `the verify entry ${JSON.stringify(name)}`;
    return `${entry} has its trust root in the ConfigMap ${trustRoot.configMap}, which only a cluster has: write trustRoot: public, or run in a cluster`;
  }
  return null;
}

function warnOfSecrets({ registries }: Policy, log: Log): void {
  const hosts = registries.hosts.filter((each) => each.credentials !== null).map((each) => each.host);
  if (hosts.length > 0) {
    log.warn('credentials.secret is ignored without a cluster, the Docker configuration is asked', { hosts });
  }
}
