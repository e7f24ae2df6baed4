import { Command } from 'commander';
import { readWebhookConfiguration, variableOf, WEBHOOK_SETTINGS } from './configuration.ts';
import { CommandError, type CommandIO, type ExitCode } from './output.ts';
import type { FinishCommand } from './program.ts';

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
A flag beats its environment variable, which beats the default.

Example:
  tagpin certificates --directory certs --host localhost,127.0.0.1
  tagpin webhook --standalone --policy policy.yaml --certificate certs/tls.crt --key certs/tls.key`,
    )
    .action((options: Readonly<Record<string, string | true>>) => {
      const flags = WEBHOOK_SETTINGS.map(({ name }) => [name, options[camelCase(name)]] as const);
      return finish(webhook(io, Object.fromEntries(flags)));
    });
}

async function webhook(io: CommandIO, flags: Readonly<Record<string, string | true | undefined>>): Promise<ExitCode> {
  const parsed = readWebhookConfiguration(flags, io.environment);
  if (!parsed.ok) throw new CommandError(2, parsed.problems.map((problem) => `webhook: ${problem}`).join('\ntagpin: '));
  const { standalone } = parsed.configuration;
  if (standalone === null) {
    const instead = 'tagpin webhook --standalone --policy FILE --certificate FILE --key FILE';
    throw new CommandError(3, `webhook: this version does not run in a cluster yet, a later one will: use ${instead}`);
  }
  // Other commands start faster without what only this one needs.
  const { serveStandalone } = await import('./standalone.ts');
  return await serveStandalone(io, parsed.configuration, standalone);
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
