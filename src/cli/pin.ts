import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { canonicalText, type PinFormat } from '../core/image/reference.ts';
import { explainProblem } from '../files/file-problem.ts';
import type { ManifestImage } from '../files/images.ts';
import { joinTexts } from '../files/join.ts';
import { type Lock, lockText, readLockFile } from '../files/lock.ts';
import {
  type Answers,
  checkImage,
  editsOf,
  extendLock,
  findQuestions,
  type PinRules,
  pinImage,
  unwritten,
} from '../files/pin.ts';
import { editText, readSource, replaceText } from '../files/source.ts';
import { type FoundFile, findFiles, STANDARD_INPUT } from '../files/walk.ts';
import { writeFileAtomically } from '../platform/file.ts';
import { openResolver, type RegistryOptions, readRegistryPolicy, registryOptions } from './options/registry-options.ts';
import { CommandError, type CommandIO, type ExitCode, type OutputFormat } from './output.ts';
import { createPinReport, fileLabel, type PinReport } from './pin/pin-report.ts';
import { type FinishCommand, outputOption } from './program.ts';
import { withProgress } from './progress.ts';

interface PinOptions extends RegistryOptions {
  readonly inPlace?: true;
  readonly check?: true;
  readonly format: PinFormat;
  readonly refresh?: true;
  readonly lock?: string;
  readonly output: OutputFormat;
}

/** A file that was read, and its images. */
interface ReadFile extends FoundFile {
  readonly text: string;
  readonly images: readonly ManifestImage[];
}

/** `tagpin pin FILE|DIR|-…`: the images of manifests get their digests. */
export function pinCommand(io: CommandIO, finish: FinishCommand): Command {
  const command = new Command('pin')
    .description('rewrites the images of manifests to digests, and no other byte')
    .argument('<file|dir|-...>', 'manifests, folders of *.yaml, *.yml and *.json, or - for standard input')
    .addOption(new Option('--in-place', 'write the files instead of stdout').conflicts('check'))
    .addOption(
      new Option('--check', 'write nothing, ask no registry; exit 1 where an image has no digest').conflicts('refresh'),
    )
    .addOption(
      new Option('--format <format>', 'how a pinned image is written')
        .choices(['digest', 'tag+digest'])
        .default('digest'),
    )
    .option('--refresh', 'resolve repo:tag@digest and the entries of the lock again')
    .option('--lock <file>', 'digests that are known already; missing ones are added');
  return registryOptions(command)
    .addOption(outputOption())
    .addHelpText('after', HELP)
    .action((names: string[], options: PinOptions) => finish(pin(io, names, options)));
}

const HELP = `
Several files come out as one stream of YAML documents; with -o json there is one line for each image instead. Files that
hold {{ are skipped. A broken file is named and not written. An image that cannot be resolved stays as it is, the others are
pinned all the same, and the exit code is 1. Of a policy only "registries" counts, its rules are the webhook's. Images
with imagePullPolicy Never, or that tagpin.dev/skip names, are left alone.

Example:
  tagpin pin deploy.yaml | kubectl apply -f -
  tagpin pin --in-place --lock tagpin.lock k8s/
  tagpin pin --check k8s/`;

async function pin(io: CommandIO, names: readonly string[], options: PinOptions): Promise<ExitCode> {
  refuseContradictions(names, options);
  const report = createPinReport(io, options.output, options.inPlace === true ? 'changes' : 'nothing');
  const lock = await readLock(io, options.lock);
  const rules: PinRules = { format: options.format, ask: options.refresh === true ? 'all' : 'missing', lock };
  if (options.check === true) {
    await readRegistryPolicy(io, options);
    const files = await readFiles(io, names, options, report);
    for (const { name, images } of files)
      report.images(
        name,
        images.map((image) => checkImage(image, rules)),
      );
    return report.exitCode();
  }

  const registries = await openResolver(io, options);
  try {
    const files = await readFiles(io, names, options, report);
    const questions = findQuestions(
      files.flatMap(({ images }) => images),
      rules,
    );
    const resolutions = await withProgress(
      io,
      questions,
      async (question) => [canonicalText(question), await registries.ask(question)] as const,
    );
    const answers: Answers = new Map(resolutions);
    // First the lock: what the files then say can be made again, whatever happens to the rest.
    await writeLock(io, options.lock, lock, extendLock(lock, answers));
    const texts: string[] = [];
    for (const file of files) texts.push(await pinFile(file, answers, rules, options, report));
    if (options.inPlace !== true && options.output === 'text') io.stdout.write(joinTexts(texts));
    return report.exitCode();
  } finally {
    await registries.close();
  }
}

function refuseContradictions(names: readonly string[], { inPlace, policy }: PinOptions): void {
  if (!names.includes(STANDARD_INPUT)) return;
  if (inPlace === true)
    throw new CommandError(2, 'pin: standard input cannot be written in place: leave --in-place out');
  if (policy === STANDARD_INPUT) throw new CommandError(2, 'pin: standard input cannot be both, manifest and policy');
}

/** All files that can be read as manifests; about the others the report is told. */
async function readFiles(
  io: CommandIO,
  names: readonly string[],
  { lock }: PinOptions,
  report: PinReport,
): Promise<readonly ReadFile[]> {
  const lockPath = lock === undefined ? null : await realpath(resolve(io.directory, lock)).catch(() => null);
  const { files, problems } = await findFiles(names, io.directory);
  for (const { name, message } of problems) report.problem(3, name, message);
  const read: ReadFile[] = [];
  for (const file of files) {
    if (file.isFromFolder && file.path === lockPath) continue;
    const source = await readSource(file, io.stdin);
    switch (source.kind) {
      case 'manifest':
        read.push({ ...file, text: source.text, images: source.images });
        break;
      case 'template':
        report.notice(fileLabel(file.name), 'skipped, since it holds {{: pin what is rendered from it');
        // What was named goes on to stdout as it is: whoever reads there must not miss a part of it.
        if (!file.isFromFolder) read.push({ ...file, text: source.text, images: [] });
        break;
      case 'broken': {
        const { line, column, message } = source.problem;
        report.problem(1, `${fileLabel(file.name)}:${line}:${column}`, message);
        break;
      }
      case 'unreadable':
        report.problem(3, fileLabel(file.name), source.message);
        break;
    }
  }
  return read;
}

/** Pins one file, and writes it where it is to be written in place. Returns its text, as far as it could be pinned. */
async function pinFile(
  file: ReadFile,
  answers: Answers,
  rules: PinRules,
  options: PinOptions,
  report: PinReport,
): Promise<string> {
  const { name, path, text } = file;
  const images = file.images.map((image) => pinImage(image, answers, rules));
  const edits = editsOf(images);
  const edited = edits.length === 0 ? ({ ok: true, text } as const) : editText(text, edits);
  if (!edited.ok) {
    const { line, column, message } = edited.problem;
    report.problem(1, `${fileLabel(name)}:${line}:${column}`, `not written: ${message}`);
    report.images(
      name,
      images.map((image) => unwritten(image, message)),
    );
    return text;
  }
  const problem =
    options.inPlace === true && path !== null && edits.length > 0
      ? await replaceText({ ...file, path }, text, edited.text)
      : null;
  if (problem !== null) report.problem(3, name, `not written: ${problem}`);
  report.images(name, problem === null ? images : images.map((image) => unwritten(image, problem)));
  return edited.text;
}

async function readLock(io: CommandIO, name: string | undefined): Promise<Lock> {
  if (name === undefined) return new Map();
  const parsed = await readLockFile(resolve(io.directory, name)).catch((error: unknown) => {
    throw new CommandError(3, `pin: lock ${name}: ${explainProblem(error)}`, { cause: error });
  });
  if (!parsed.ok)
    throw new CommandError(2, `pin: lock ${name}: ${parsed.problem}: mend it, or delete it to make it anew`);
  return parsed.lock;
}

async function writeLock(io: CommandIO, name: string | undefined, before: Lock, after: Lock): Promise<void> {
  const text = lockText(after);
  if (name === undefined || text === lockText(before)) return;
  await writeFileAtomically(resolve(io.directory, name), text).catch((error: unknown) => {
    throw new CommandError(3, `pin: lock ${name}: not written, and nothing else is: ${explainProblem(error)}`, {
      cause: error,
    });
  });
}
