import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { type CheckedPolicy, checkPolicyFile } from '../../core/lint/policy-text.ts';
import { parsePolicyFile } from '../../core/policy/manifest.ts';
import type { ParsedPolicy, Policy, PolicyError } from '../../core/policy/schema.ts';
import { CommandError, type CommandIO, writeLine } from '../output.ts';

/**
 * Reads a file that should hold a policy, or the ConfigMap of one, and looks for what of it can't act; `-` is standard input.
 *
 * @throws CommandError with exit code 3 where the file can't be read.
 */
export async function checkFile(io: CommandIO, file: string): Promise<CheckedPolicy> {
  return checkPolicyFile(await readText(io, file));
}

/** Reads a file that should hold a policy, or the ConfigMap of one. Errors as of `checkFile`. */
export async function readPolicyFile(io: CommandIO, file: string): Promise<ParsedPolicy> {
  return parsePolicyFile(await readText(io, file));
}

/**
 * Reads the policy that a command was given, which must be valid.
 *
 * @throws CommandError with exit code 2, its errors written to stderr, or 3 where the file can't be read.
 */
export async function readPolicy(io: CommandIO, file: string): Promise<Policy> {
  const parsed = await readPolicyFile(io, file);
  if (parsed.ok) return parsed.policy;
  for (const error of parsed.errors) writeLine(io.stderr, policyErrorText(file, error));
  throw new CommandError(2, `${file}: the policy is not valid: mend it, or leave --policy away`);
}

/** One error as compilers write it, so that editors find the place. */
export function policyErrorText(file: string, { line, column, path, message }: PolicyError): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** One warning as compilers write it. */
export function policyWarningText(file: string, { line, column, path, message }: PolicyError): string {
  return `${file}:${line}:${column}: warning: ${path}: ${message}`;
}

async function readText(io: CommandIO, file: string): Promise<string> {
  try {
    return file === '-' ? await readStream(io.stdin) : await readFile(resolve(io.directory, file), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    const problem = code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${String(code)})`;
    throw new CommandError(3, `policy: ${file}: ${problem}`, { cause: error });
  }
}
