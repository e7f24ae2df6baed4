import type { MakeCommand } from './program.ts';

/** A command that is loaded when it is needed: most of them need only a part of what there is. */
interface CommandEntry {
  readonly name: string;
  readonly load: () => Promise<MakeCommand>;
}

/** Every command, in the order in which `tagpin --help` lists them. */
const COMMANDS: readonly CommandEntry[] = [
  { name: 'webhook', load: async () => (await import('./webhook.ts')).webhookCommand },
  { name: 'sweep', load: async () => (await import('./sweep.ts')).sweepCommand },
  { name: 'pin', load: async () => (await import('./pin.ts')).pinCommand },
  { name: 'resolve', load: async () => (await import('./resolve.ts')).resolveCommand },
  { name: 'select', load: async () => (await import('./select.ts')).selectCommand },
  { name: 'verify', load: async () => (await import('./verify.ts')).verifyCommand },
  { name: 'parse', load: async () => (await import('./parse.ts')).parseCommand },
  { name: 'update', load: async () => (await import('./update.ts')).updateCommand },
  { name: 'audit', load: async () => (await import('./audit.ts')).auditCommand },
  { name: 'refresh', load: async () => (await import('./refresh.ts')).refreshCommand },
  { name: 'policy', load: async () => (await import('./policy.ts')).policyCommand },
  { name: 'namespace', load: async () => (await import('./namespace.ts')).namespaceCommand },
  { name: 'certificates', load: async () => (await import('./certificates.ts')).certificatesCommand },
  { name: 'version', load: async () => (await import('./version.ts')).versionCommand },
  { name: 'completion', load: async () => (await import('./completion.ts')).completionCommand },
];

/** The commands that a command line needs: the one that it names, or all, for the help and for completion scripts. */
export function neededCommands(argv: readonly string[]): readonly CommandEntry[] {
  const named = COMMANDS.filter(({ name }) => name === argv[0] && name !== 'completion');
  return named.length > 0 ? named : COMMANDS;
}
