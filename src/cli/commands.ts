import { certificatesCommand } from './certificates.ts';
import { completionCommand } from './completion.ts';
import { parseCommand } from './parse.ts';
import { pinCommand } from './pin.ts';
import { policyCommand } from './policy.ts';
import type { MakeCommand } from './program.ts';
import { resolveCommand } from './resolve.ts';
import { versionCommand } from './version.ts';
import { webhookCommand } from './webhook.ts';

/** Every command, in the order in which `tagpin --help` lists them. */
export const COMMANDS: readonly MakeCommand[] = [
  webhookCommand,
  pinCommand,
  resolveCommand,
  parseCommand,
  policyCommand,
  certificatesCommand,
  versionCommand,
  completionCommand,
];
