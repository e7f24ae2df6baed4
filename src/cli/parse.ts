import { Command } from 'commander';
import { canonicalText, parseReference } from '../core/image/reference.ts';
import { type CommandIO, type ExitCode, highest, type OutputFormat, table, writeJson, writeLine } from './output.ts';
import { type FinishCommand, imageArgument, outputOption } from './program.ts';

/** `tagpin parse IMAGE…`: how references are read, without asking anyone. */
export function parseCommand(io: CommandIO, finish: FinishCommand): Command {
  return new Command('parse')
    .description('how a reference is read, without asking anyone')
    .addArgument(imageArgument())
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  tagpin parse nginx ghcr.io/acme/app:1.2')
    .action((images: string[], options: { output: OutputFormat }) => finish(parse(io, images, options.output)));
}

function parse(io: CommandIO, images: readonly string[], output: OutputFormat): ExitCode {
  const readings = images.map((image) => describeImage(image));
  if (output === 'json') {
    for (const reading of readings) writeJson(io.stdout, reading);
  } else {
    const rows = readings.flatMap((reading) =>
      'error' in reading
        ? []
        : [[reading.image, reading.registry, reading.repository, reading.tag ?? '-', reading.digest ?? '-']],
    );
    if (rows.length > 0) writeLine(io.stdout, table(['IMAGE', 'REGISTRY', 'REPOSITORY', 'TAG', 'DIGEST'], rows));
    for (const reading of readings) {
      if ('error' in reading)
        writeLine(io.stderr, `tagpin parse: ${JSON.stringify(reading.image)}: ${reading.error.message}`);
    }
  }
  return highest(readings.map((reading) => ('error' in reading ? 1 : 0)));
}

/** The JSON form of one image, or of what is wrong with it; `resolve` prints the same fields. */
export function describeImage(image: string) {
  const parsed = parseReference(image);
  if (!parsed.ok) return { image, error: { code: 'InvalidReference', message: parsed.problem } } as const;
  const { registry, repository, tag, digest } = parsed.reference;
  return { image, registry, repository, tag, digest, canonical: canonicalText(parsed.reference) } as const;
}
