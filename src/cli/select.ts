import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readStream } from 'node:stream/consumers';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Platform, parsePlatform } from '../core/image/platform.ts';
import { type ImageReference, withTag } from '../core/image/reference.ts';
import { parseTrackedImage } from '../core/target/tracked-image.ts';
import {
  type ImageFacts,
  needsFacts,
  parseSelection,
  type Selection,
  type SelectionRule,
  STRATEGIES,
  selectTag,
} from '../core/version/select.ts';
import { type OpenResolver, openResolver, type RegistryOptions, registryOptions } from './options/registry-options.ts';
import {
  CommandError,
  type CommandIO,
  type ExitCode,
  type OutputFormat,
  table,
  writeJson,
  writeLine,
} from './output.ts';
import { type FinishCommand, outputOption } from './program.ts';
import { withProgress } from './progress.ts';

interface SelectOptions extends RegistryOptions {
  readonly output: OutputFormat;
  readonly strategy: string;
  readonly constraint?: string;
  readonly allowTags?: string;
  readonly ignoreTags?: string;
  readonly extract?: string;
  readonly platform: readonly Platform[];
  readonly tags?: string;
}

/** `tagpin select IMAGE`: which tag a rule would choose, and why not the others. */
export function selectCommand(io: CommandIO, finish: FinishCommand): Command {
  return registryOptions(
    new Command('select')
      .description('which tag a rule would choose, and why not the others')
      .argument('<image>', 'a repository; what stands behind its colon is the constraint unless --constraint says one')
      .option('--strategy <strategy>', STRATEGIES.join(', '), 'semver')
      .option('--constraint <constraint>', 'a range for semver, the tag for digest')
      .option('--allow-tags <filter>', 'any, regexp:PATTERN (RE2) or glob:GLOB')
      .option('--ignore-tags <globs>', 'a comma list of globs, or regexp:PATTERN')
      .option('--extract <expression>', 'what of a tag is compared: groups of the allow pattern, as in $1')
      .addOption(
        new Option('--platform <os/arch[/variant]>', 'only images that run there; repeatable')
          .argParser(addPlatform)
          .default([]),
      )
      .option('--tags <file>', 'tags from a file, one a line, instead of the registry; - is standard input'),
  )
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The tag that is chosen stands first; the exit code is 1 where none is.

Example:
  tagpin select 'ghcr.io/acme/app:~1.2'
  tagpin select --strategy digest ghcr.io/acme/app:main
  git tag | tagpin select --constraint '>=1.0.0-0' --tags - app`,
    )
    .action((image: string, options: SelectOptions) => finish(select(io, image, options)));
}

async function select(io: CommandIO, image: string, options: SelectOptions): Promise<ExitCode> {
  const tracked = parseTrackedImage(image);
  if (!tracked.ok) throw new CommandError(2, `select: ${JSON.stringify(image)}: ${tracked.problem}`);
  const parsed = parseSelection({
    strategy: options.strategy,
    constraint: options.constraint ?? tracked.image.constraint,
    allowTags: options.allowTags ?? null,
    ignoreTags: options.ignoreTags ?? null,
    extract: options.extract ?? null,
  });
  if (!parsed.ok) throw new CommandError(2, `select: ${parsed.problem}`);
  const rule = parsed.value;
  if (options.tags !== undefined) {
    if (rule.strategy === 'newest-build' || options.platform.length > 0) {
      throw new CommandError(
        2,
        'select: --tags names tags alone: newest-build and --platform need the images themselves',
      );
    }
    return print(io, selectTag(await readTags(io, options.tags), rule), options.output);
  }
  const registries = await openResolver(io, options);
  try {
    return print(io, await selectAt(io, registries, tracked.image.repository, rule, options.platform), options.output);
  } finally {
    await registries.close();
  }
}

/** Chooses among a registry's tags, and looks into images only where the rule depends on what is in them. */
async function selectAt(
  io: CommandIO,
  registries: OpenResolver,
  repository: ImageReference,
  rule: SelectionRule,
  platforms: readonly Platform[],
): Promise<Selection> {
  const listed = await registries.listTags(repository);
  if (listed.kind === 'failed') throw new CommandError(1, `select: ${listed.code}: ${listed.message}`);
  const built = new Map<string, number>();
  const unfit = new Set<string>();
  const facts: ImageFacts = { built, unfit };
  const look = async (tag: string): Promise<void> => {
    const inspected = await registries.inspect(withTag(repository, tag), platforms);
    if (inspected.kind === 'failed') {
      writeLine(io.stderr, `tagpin select: ${tag} is left out: ${inspected.code}: ${inspected.message}`);
      unreadable.add(tag);
    } else if (!inspected.fits) unfit.add(tag);
    else if (inspected.built !== null) built.set(tag, inspected.built);
  };
  const unreadable = new Set<string>();
  const readable = (): readonly string[] => listed.tags.filter((tag) => !unreadable.has(tag));
  await withProgress(io, needsFacts(listed.tags, rule), look);
  if (rule.strategy === 'newest-build' || platforms.length === 0) return selectTag(readable(), rule, facts);
  // The best that runs there: usually the first that is looked into.
  for (;;) {
    const selection = selectTag(readable(), rule, facts);
    const { selected } = selection;
    if (selected === null) return selection;
    await look(selected);
    if (!unfit.has(selected) && !unreadable.has(selected)) return selection;
  }
}

function print(io: CommandIO, selection: Selection, output: OutputFormat): ExitCode {
  if (output === 'json') writeJson(io.stdout, selection);
  else {
    const rows = selection.candidates.map((each) =>
      each.accepted
        ? [each.tag, each.tag === selection.selected ? 'selected' : 'accepted', each.key]
        : [each.tag, 'refused', each.reason],
    );
    if (rows.length > 0) writeLine(io.stdout, table(['TAG', 'STATE', 'KEY OR REASON'], rows));
    if (selection.selected === null)
      writeLine(io.stderr, 'tagpin select: no tag fits: widen the constraint or the filters');
  }
  return selection.selected === null ? 1 : 0;
}

async function readTags(io: CommandIO, file: string): Promise<readonly string[]> {
  try {
    const text = file === '-' ? await readStream(io.stdin) : await readFile(resolve(io.directory, file), 'utf8');
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    const problem = code === 'ENOENT' ? 'there is no such file' : `the file can not be read (${code})`;
    throw new CommandError(3, `select: --tags ${file}: ${problem}`, { cause });
  }
}

function addPlatform(text: string, before: readonly Platform[]): readonly Platform[] {
  const parsed = parsePlatform(text);
  if (!parsed.ok) throw new InvalidArgumentError(`${parsed.problem}.`);
  return [...before, parsed.platform];
}
