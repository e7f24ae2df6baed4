import { readFile } from 'node:fs/promises';
import { posix, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_POLICY } from '../core/policy/schema.ts';
import { explainProblem } from '../files/file-problem.ts';
import { openFileTree } from '../files/file-tree.ts';
import { parseSetting, type Setting } from '../files/setting.ts';
import { planUpdate, type Update, type UpdateKind, type UpdateRefusal } from '../files/update.ts';
import type { HostingProvider } from '../git/hosting/access.ts';
import type { SigningKey } from '../git/signing.ts';
import { CommandError, type CommandIO, type ExitCode, type OutputFormat, printable, writeLine } from './output.ts';
import { type FinishCommand, outputOption } from './program.ts';
import { commitFolder, pushFolder, writeFolder } from './update/folder.ts';
import { reportUpdate } from './update/report.ts';
import { TOKEN_VARIABLE, updateRemote } from './update/repository.ts';

interface UpdateOptions {
  readonly repository: string;
  readonly branch?: string;
  readonly path: string;
  readonly kind?: UpdateKind;
  readonly set: readonly Setting[];
  readonly dryRun?: true;
  readonly commit?: true;
  readonly push?: true;
  readonly pullRequest?: HostingProvider;
  readonly message?: string;
  readonly author?: Author;
  readonly sign?: string;
  readonly output: OutputFormat;
}

interface Author {
  readonly name: string;
  readonly email: string;
}

/** `tagpin update`: images into manifests, a kustomization or Helm values. */
export function updateCommand(io: CommandIO, finish: FinishCommand): Command {
  return new Command('update')
    .description('sets images in manifests, a kustomization or Helm values, and no other byte')
    .option('--repository <url|dir>', 'a git repository, or a folder', '.')
    .option('--branch <branch>', "the branch; without, a URL's default, or what is checked out")
    .option('--path <path>', 'the file or folder in it', '.')
    .addOption(
      new Option('--set <name=reference>', 'an image, or the path of a Helm value, and what it is to be; repeatable')
        .argParser(collectSetting)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--kind <kind>', 'what the files are; without, they are looked at').choices([
        'manifests',
        'kustomization',
        'helm',
      ]),
    )
    .option('--dry-run', 'write nothing, print the difference')
    .option('--commit', 'commit what was written')
    .option('--push', 'commit, and push to the branch')
    .addOption(
      new Option('--pull-request <host>', 'push to a branch of its own, and open a pull request there').choices([
        'github',
        'gitlab',
        'gitea',
      ]),
    )
    .option('--message <text>', 'of the commit')
    .addOption(new Option('--author <author>', 'of the commit: NAME <EMAIL>').argParser(readAuthor))
    .option('--sign <file>', 'a private key, of SSH or armored of GPG, to sign the commit with')
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action((options: UpdateOptions) => finish(update(io, options)));
}

const HELP = `
A reference is a tag (1.27), a digest (sha256:…), both (1.27@sha256:…) or a whole image; it is written as it is given, and no
registry is asked. A folder is a kustomization where it has one, a Helm chart where it has a Chart.yaml, else all its
manifests; hidden folders, links and files that hold {{ are passed over. Where one --set can not be done nothing is written,
and the exit code is 1. A folder is written in place, and committed with your own git; a URL is fetched with your own
credentials, or the token in TAGPIN_GIT_TOKEN, and wants --push, --pull-request or --dry-run.

Example:
  tagpin update --path k8s/ --set nginx=1.27 --set ghcr.io/acme/app=v2@sha256:…
  tagpin update --path charts/web/values.yaml --set image.tag=1.27 --dry-run
  tagpin update --path overlays/prod --set nginx=1.27 --commit --sign ~/.ssh/id_ed25519
  tagpin update --repository https://git.example.com/shop.git --path overlays/prod --set nginx=1.27 --push`;

async function update(io: CommandIO, options: UpdateOptions): Promise<ExitCode> {
  const path = insidePath(options.path);
  refuseContradictions(io, options);
  const signing = options.sign === undefined ? null : await readSigningKey(io, options.sign);
  const updateIn = isUrl(options.repository) ? updateUrl : updateFolder;
  return await updateIn(io, options, path, signing);
}

async function updateUrl(
  io: CommandIO,
  options: UpdateOptions,
  path: string,
  signing: SigningKey | null,
): Promise<ExitCode> {
  const what = options.dryRun === true ? 'preview' : 'push';
  const {
    update: planned,
    commit,
    pullRequest,
  } = await updateRemote(
    io,
    {
      url: options.repository,
      branch: options.branch ?? null,
      path,
      kind: options.kind ?? null,
      settings: options.set,
      message: options.message ?? null,
      author: options.author ?? DEFAULT_POLICY.sweep.git.author,
      signing,
      pullRequest: options.pullRequest ?? null,
    },
    what,
  );
  const code = tell(io, planned);
  if (planned.ok)
    reportUpdate(io, options.output, what === 'push' ? 'pushed' : 'planned', planned, commit, pullRequest);
  return code;
}

async function updateFolder(
  io: CommandIO,
  options: UpdateOptions,
  path: string,
  signing: SigningKey | null,
): Promise<ExitCode> {
  const folder = resolve(io.directory, options.repository);
  const planned = await planUpdate(openFileTree(folder), { path, kind: options.kind ?? null, settings: options.set });
  const code = tell(io, planned);
  if (!planned.ok || planned.files.length === 0) return code;
  if (options.dryRun === true) {
    reportUpdate(io, options.output, 'planned', planned, null, null);
    return code;
  }
  if (options.commit !== true && options.push !== true) {
    await writeFolder(folder, planned.files);
    reportUpdate(io, options.output, 'written', planned, null, null);
    return code;
  }
  if (signing?.kind === 'openpgp') {
    throw new CommandError(2, "update: --sign: set git's user.signingKey to a key of GPG that is to sign in a folder");
  }
  const what = options.push === true ? 'push' : 'commit';
  const commit = await commitFolder(io, folder, planned, {
    branch: options.branch ?? null,
    message: options.message ?? null,
    author: options.author ?? null,
    signingKey: options.sign === undefined ? null : resolve(io.directory, options.sign),
  });
  if (what === 'push') await pushFolder(commit);
  reportUpdate(io, options.output, what === 'push' ? 'pushed' : 'committed', planned, commit, null);
  return code;
}

/** What went wrong, or was passed over. */
function tell(io: CommandIO, planned: Update): ExitCode {
  for (const text of planned.ok ? planned.notices : planned.problems) {
    writeLine(io.stderr, `tagpin update: ${printable(text)}`);
  }
  return planned.ok ? 0 : EXIT_CODES[planned.reason];
}

const EXIT_CODES: Readonly<Record<UpdateRefusal, ExitCode>> = { NotEditable: 1, WrongUse: 2, NoFile: 3 };

function refuseContradictions(io: CommandIO, options: UpdateOptions): void {
  const { repository, dryRun, commit, push, pullRequest, ...rest } = options;
  if (pullRequest !== undefined && !isUrl(repository)) {
    throw new CommandError(2, 'update: --pull-request: name the https:// URL of the repository with --repository');
  }
  if (pullRequest !== undefined && dryRun !== true && (io.environment[TOKEN_VARIABLE] ?? '') === '') {
    throw new CommandError(2, `update: --pull-request: set ${TOKEN_VARIABLE} to a token that may push and open one`);
  }
  if (isUrl(repository) && push !== true && pullRequest === undefined && dryRun !== true) {
    const ways = 'with --push or --pull-request; --dry-run shows what would be';
    throw new CommandError(2, `update: a repository by its URL is only changed ${ways}`);
  }
  const isCommitted = commit === true || push === true;
  const idle = (['branch', 'sign', 'message', 'author'] as const).filter((name) => rest[name] !== undefined);
  if (!isUrl(repository) && !isCommitted && idle.length > 0) {
    throw new CommandError(2, `update: --${idle.join(', --')}: only a commit has that: add --commit`);
  }
}

/** `https://…`, `ssh://…`, `git@host:path`; everything else is a folder. */
function isUrl(repository: string): boolean {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(repository) || /^[\w.+-]+@[^/\\]+:/.test(repository);
}

/** The path from the repository's root; '' for the root. */
function insidePath(path: string): string {
  const inside = posix.normalize(path).replace(/\/+$/, '');
  if (path === '' || inside.startsWith('/') || inside === '..' || inside.startsWith('../')) {
    throw new CommandError(2, `update: --path ${JSON.stringify(path)} is not inside of the repository`);
  }
  return inside === '.' ? '' : inside;
}

function collectSetting(text: string, before: readonly Setting[] = []): readonly Setting[] {
  const parsed = parseSetting(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.problem);
  return [...before, parsed.setting];
}

function readAuthor(text: string): Author {
  const groups = /^(?<name>[^<>]*[^<>\s])\s*<(?<email>[^<>@\s]+@[^<>@\s]+)>$/.exec(text)?.groups;
  const { name, email } = groups ?? {};
  if (name === undefined || email === undefined) throw new InvalidArgumentError('write NAME <EMAIL>.');
  return { name, email };
}

async function readSigningKey(io: CommandIO, file: string): Promise<SigningKey> {
  const text = await readFile(resolve(io.directory, file), 'utf8').catch((error: unknown) => {
    throw new CommandError(3, `update: --sign ${file}: ${explainProblem(error)}`, { cause: error });
  });
  if (text.includes('BEGIN PGP PRIVATE KEY BLOCK')) return { kind: 'openpgp', privateKey: text, passphrase: null };
  if (/BEGIN (?:[A-Z]+ )?PRIVATE KEY/.test(text)) return { kind: 'ssh', privateKey: text };
  throw new CommandError(2, `update: --sign ${file}: it is no private key, of SSH or armored of GPG`);
}
