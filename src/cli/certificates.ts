import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { hostProblem, issueAuthority, issueServing, validFor } from '../certificates/issue.ts';
import {
  authorityProblem,
  type CertificatePair,
  type ParsedPair,
  parsePair,
  servingProblem,
} from '../certificates/pair.ts';
import { CommandError, type CommandIO, type ExitCode, writeLine } from './output.ts';
import type { FinishCommand } from './program.ts';

const DAY = 24 * 60 * 60_000;
const AUTHORITY_LIFE = 3650 * DAY;
const SERVING_LIFE = 365 * DAY;

const DEFAULT_HOSTS = ['localhost', '127.0.0.1'];

interface Options {
  readonly directory: string;
  readonly host?: readonly string[];
  readonly force: boolean;
}

/** `tagpin certificates`: an authority and a serving certificate for development. */
export function certificatesCommand(io: CommandIO, finish: FinishCommand): Command {
  return new Command('certificates')
    .description('an authority and a serving certificate for development: ca.crt, ca.key, tls.crt, tls.key')
    .option('--directory <folder>', 'where the files are, or shall be', 'certs')
    .option(
      '--host <hosts>',
      `DNS names and addresses to serve, comma list, repeatable (default: "${DEFAULT_HOSTS.join(',')}")`,
      (value, previous: readonly string[] | undefined) => [
        ...new Set([...(previous ?? []), ...value.split(',').map(hostName)]),
      ],
    )
    .option('--force', 'make all four files anew; without it, files that are there are kept', false)
    .addHelpText(
      'after',
      `
An authority that is there signs a missing serving certificate. Files that do not belong together, have expired or are
not for the hosts named are an error: they are neither used nor overwritten.

Example:
  tagpin certificates --directory certs --host localhost,127.0.0.1`,
    )
    .action((options: Options) => finish(certificates(io, options)));
}

async function certificates(io: CommandIO, options: Options): Promise<ExitCode> {
  const hosts = options.host ?? DEFAULT_HOSTS;
  for (const host of hosts) {
    const problem = hostProblem(host);
    if (problem !== null) throw new CommandError(2, `--host ${JSON.stringify(host)}: ${problem}`);
  }
  const folder = new Folder(resolve(io.directory, options.directory), options.directory);
  const now = new Date();
  const kept = options.force ? { authority: null, serving: null } : await keepable(folder, options.host ?? [], now);

  const authority =
    kept.authority ??
    (await issueAuthority({ name: 'tagpin development authority', ...validFor(now, AUTHORITY_LIFE) }));
  const serving =
    kept.serving ??
    (await issueServing({ authority, name: 'tagpin', hosts, ...validFor(now, SERVING_LIFE) }).catch(
      (cause: unknown) => {
        throw new CommandError(
          1,
          `${folder.show('ca.crt')}: ${cause instanceof Error ? cause.message : String(cause)}`,
          { cause },
        );
      },
    ));
  const write = options.force ? replaceFile : createFile;
  if (kept.authority === null) await folder.write('ca', authority, write);
  if (kept.serving === null) await folder.write('tls', serving, write);

  const until = (pair: CertificatePair) => parsed(pair).certificate.validToDate.toISOString().slice(0, 10);
  const names = parsed(serving).certificate.subjectAltName?.replace(/(?:DNS|IP Address):/g, '') ?? '';
  writeLine(io.stdout, `${state(kept.authority)} ${folder.show('ca.crt')}: an authority, until ${until(authority)}`);
  writeLine(io.stdout, `${state(kept.authority)} ${folder.show('ca.key')}`);
  writeLine(io.stdout, `${state(kept.serving)} ${folder.show('tls.crt')}: for ${names}, until ${until(serving)}`);
  writeLine(io.stdout, `${state(kept.serving)} ${folder.show('tls.key')}`);
  return 0;
}

/**
 * The pairs that are there. Each is whole, valid and fits the other, or it is a CommandError that says what to do:
 * replacing a file on our own could take a trusted authority from under somebody, and keeping it would not serve.
 */
async function keepable(folder: Folder, hosts: readonly string[], now: Date) {
  const authority = await folder.read('ca');
  const serving = await folder.read('tls');
  const again = 'or make all four anew with --force';
  const refuse = (file: string, problem: string, remedy: string) =>
    new CommandError(1, `${folder.show(file)}: ${problem}: ${remedy}, ${again}`);
  if (authority === null) {
    if (serving === null) return { authority, serving };
    throw refuse('tls.crt', 'the authority that issued it is not here', 'put ca.crt and ca.key beside it');
  }
  const issuer = parsePair(authority);
  const problem = issuer.ok ? authorityProblem(issuer.pair, now) : issuer.problem;
  if (!issuer.ok || problem !== null) throw refuse('ca.crt', problem ?? '', 'move ca.crt and ca.key away');
  if (serving === null) return { authority, serving };
  const served = parsePair(serving);
  const wish = { authority: issuer.pair.certificate, hosts, now };
  const misfit = served.ok ? servingProblem(served.pair, wish) : served.problem;
  if (misfit !== null) throw refuse('tls.crt', misfit, 'remove tls.crt and tls.key and run this again');
  return { authority, serving };
}

type WriteFile = (path: string, text: string, mode: number) => Promise<void>;

/** The folder of the four files. */
class Folder {
  readonly #path: string;
  readonly #name: string;

  /** @param name as the user wrote it, for messages. */
  constructor(path: string, name: string) {
    this.#path = path;
    this.#name = name;
  }

  show(file: string): string {
    return join(this.#name, file);
  }

  /** Both files of a pair; null where neither is there. */
  async read(pair: 'ca' | 'tls'): Promise<CertificatePair | null> {
    const certificate = await this.#readFile(`${pair}.crt`);
    const key = await this.#readFile(`${pair}.key`);
    if (certificate !== null && key !== null) return { certificate, key };
    if (certificate === null && key === null) return null;
    const [there, missing] = key === null ? [`${pair}.crt`, `${pair}.key`] : [`${pair}.key`, `${pair}.crt`];
    const remedy = 'put it back, or make all four anew with --force';
    throw new CommandError(1, `${this.show(missing)}: missing beside ${this.show(there)}: ${remedy}`);
  }

  /** The key first: who finds the certificate, finds its key. */
  async write(pair: 'ca' | 'tls', { certificate, key }: CertificatePair, write: WriteFile): Promise<void> {
    for (const [file, text, mode] of [
      [`${pair}.key`, key, 0o600],
      [`${pair}.crt`, certificate, 0o644],
    ] as const) {
      try {
        await mkdir(this.#path, { recursive: true });
        await write(join(this.#path, file), text, mode);
      } catch (cause) {
        throw untried(this.show(file), 'written', cause);
      }
    }
  }

  async #readFile(file: string): Promise<string | null> {
    try {
      return await readFile(join(this.#path, file), 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw untried(this.show(file), 'read', cause);
    }
  }
}

/** Fails where somebody else has made the file meanwhile. */
const createFile: WriteFile = (path, text, mode) => writeFile(path, text, { mode, flag: 'wx' });

/** A reader finds the old file or the new one, never half of one. */
const replaceFile: WriteFile = async (path, text, mode) => {
  const temporary = `${path}.${process.pid}.new`;
  try {
    await createFile(temporary, text, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

function untried(file: string, verb: string, cause: unknown): CommandError {
  const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new CommandError(3, `${file}: can not be ${verb} (${why}): is the folder yours?`, { cause });
}

function parsed(pair: CertificatePair): ParsedPair {
  const result = parsePair(pair);
  if (!result.ok) throw new Error(`a pair that was just checked: ${result.problem}`);
  return result.pair;
}

/** As a certificate names it: without the brackets of an IPv6 address in a URL. */
function hostName(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1');
}

function state(kept: CertificatePair | null): string {
  return kept === null ? 'made' : 'kept';
}
