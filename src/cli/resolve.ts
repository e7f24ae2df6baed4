import { Command, InvalidArgumentError } from 'commander';
import { type Platform, parsePlatform } from '../core/image/platform.ts';
import { parseReference, pinnedText } from '../core/image/reference.ts';
import { type OpenResolver, openResolver, type RegistryOptions, registryOptions } from './options/registry-options.ts';
import { type CommandIO, type ExitCode, highest, type OutputFormat, writeJson, writeLine } from './output.ts';
import { describeImage } from './parse.ts';
import { type FinishCommand, imageArgument, outputOption } from './program.ts';
import { withProgress } from './progress.ts';

interface ResolveOptions extends RegistryOptions {
  readonly output: OutputFormat;
  readonly platform?: Platform;
}

/** `tagpin resolve IMAGE…`: what references mean now. */
export function resolveCommand(io: CommandIO, finish: FinishCommand): Command {
  return registryOptions(
    new Command('resolve')
      .description('what a reference means now, one pinned reference a line')
      .addArgument(imageArgument())
      .option('--platform <os/arch[/variant]>', "the digest of that platform's own manifest", readPlatform),
  )
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
Credentials are those of the Docker configuration (DOCKER_CONFIG, credential helpers). An image that cannot be resolved is
named on stderr, the others are answered all the same, and the exit code is 1.

Example:
  tagpin resolve nginx:1.27 ghcr.io/acme/app:main
  tagpin resolve --platform linux/arm64 -o json nginx`,
    )
    .action((images: string[], options: ResolveOptions) => finish(resolve(io, images, options)));
}

async function resolve(io: CommandIO, images: readonly string[], options: ResolveOptions): Promise<ExitCode> {
  const registries = await openResolver(io, options);
  try {
    const answers = await withProgress(io, images, (image) => answerFor(registries, image, options));
    for (const answer of answers) {
      if (options.output === 'json') writeJson(io.stdout, answer);
      else if ('pinned' in answer) writeLine(io.stdout, answer.pinned);
      else if (answer.error !== undefined) {
        const { code, message } = answer.error;
        writeLine(io.stderr, `tagpin resolve: ${JSON.stringify(answer.image)}: ${code}: ${message}`);
      }
    }
    return highest(answers.map((answer) => ('pinned' in answer ? 0 : 1)));
  } finally {
    await registries.close();
  }
}

/** The JSON form of one answer. */
async function answerFor(registries: OpenResolver, image: string, { platform }: ResolveOptions) {
  const described = describeImage(image);
  if ('error' in described) return described;
  const parsed = parseReference(image);
  if (!parsed.ok) throw new Error('an image can not be both, right and wrong');
  const resolution = await registries.ask(parsed.reference, platform);
  switch (resolution.kind) {
    case 'failed':
      return { ...described, error: { code: resolution.code, message: resolution.message } } as const;
    case 'resolved': {
      const { digest, mediaType } = resolution;
      return {
        ...described,
        resolved: digest,
        mediaType,
        pinned: pinnedText(parsed.reference, digest, 'digest'),
      } as const;
    }
  }
}

function readPlatform(text: string): Platform {
  const parsed = parsePlatform(text);
  if (!parsed.ok) throw new InvalidArgumentError(`${parsed.problem}.`);
  return parsed.platform;
}
