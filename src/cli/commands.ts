import { certificatesCommand } from './certificates.ts';
import { parseCommand } from './parse.ts';
import { policyCommand } from './policy.ts';
import type { MakeCommand } from './program.ts';

/** Every command, in the order in which `tagpin --help` lists them. */
export const COMMANDS: readonly MakeCommand[] = [parseCommand, certificatesCommand, policyCommand];
