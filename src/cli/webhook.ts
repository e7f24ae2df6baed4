import { Command } from 'commander';
import { readWebhookConfiguration, WEBHOOK_SETTINGS } from './configuration.ts';
import { CommandError, type CommandIO, type ExitCode } from './output.ts';
import type { FinishCommand } from './program.ts';
import { type Flags, variableOf } from './settings.ts';

/** `tagpin webhook`: serves admission until it is asked to end. */
export function webhookCommand(io: CommandIO, finish: FinishCommand): Command {
  const command = new Command('webhook').description('serves admission: POST /mutate and POST /validate-policy');
  for (const { name, value, help, default: fallback } of WEBHOOK_SETTINGS) {
    const standard = fallback === null ? '' : ` (default: ${fallback})`;
    command.option(value === null ? `--${name}` : `--${name} <${value}>`, `${help}${standard} [${variableOf(name)}]`);
  }
  return command
    .addHelpText(
      'after',
      `
In a cluster the policy is the ConfigMap tagpin-policy, key policy.yaml, of tagpin's own namespace. A flag beats its
environment variable, which beats the default.

Examples:
  tagpin webhook
  tagpin webhook --kubeconfig admin.kubeconfig --certificate-hosts 127.0.0.1
  tagpin certificates --directory certs --host localhost,127.0.0.1
  tagpin webhook --standalone --policy policy.yaml --certificate certs/tls.crt --key certs/tls.key`,
    )
    .action((options: Readonly<Record<string, string | true>>) => {
      const flags = WEBHOOK_SETTINGS.map(({ name }) => [name, options[camelCase(name)]] as const);
      return finish(webhook(io, Object.fromEntries(flags)));
    });
}

async function webhook(io: CommandIO, flags: Flags): Promise<ExitCode> {
  const parsed = readWebhookConfiguration(flags, io.environment);
  if (!parsed.ok) throw new CommandError(2, parsed.problems.map((problem) => `webhook: ${problem}`).join('\ntagpin: '));
  const { configuration } = parsed;
  const { mode } = configuration;
  // Each mode loads only what it needs: what speaks to a cluster takes time and memory.
  switch (mode.kind) {
    case 'standalone': {
      const { serveStandalone } = await import('./webhook/standalone.ts');
      return await serveStandalone(io, configuration, mode);
    }
    case 'cluster': {
      const { serveInCluster } = await import('./webhook/cluster.ts');
      return await serveInCluster(io, configuration, mode);
    }
  }
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
