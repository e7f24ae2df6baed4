import type { PinnedImage } from '../../files/pin.ts';
import { STANDARD_INPUT } from '../../files/walk.ts';
import { type CommandIO, type ExitCode, highest, type OutputFormat, writeJson, writeLine } from '../output.ts';

/** Tells what came of files and images, and remembers the worst of it. */
export interface PinReport {
  /** A file that was not answered, or not wholly; a place in it may follow its name. */
  problem(code: ExitCode, place: string, message: string): void;
  /** Something worth knowing that is no failure. */
  notice(place: string, message: string): void;
  images(file: string, images: readonly PinnedImage[]): void;
  exitCode(): ExitCode;
}

/**
 * Makes a report: findings go to stdout, everything else to stderr.
 *
 * @param told what is said of images that are pinned, in text: nothing where stdout is for the manifests themselves.
 */
export function createPinReport(io: CommandIO, output: OutputFormat, told: 'changes' | 'nothing'): PinReport {
  const codes: ExitCode[] = [];

  function notice(place: string, message: string): void {
    writeLine(io.stderr, `tagpin pin: ${place}: ${message}`);
  }

  function tell(file: string, found: PinnedImage): void {
    const { line, kind, name, container, image, pinned, error, leave } = found;
    const place = `${fileLabel(file)}:${line}`;
    switch (found.state) {
      case 'floating':
        writeLine(
          io.stdout,
          `${place}: ${image} floats (${[kind, name, container].filter((part) => part !== null && part !== '').join(' ')})`,
        );
        break;
      case 'unresolved':
        if (error?.code !== 'NotWritten') notice(place, `${JSON.stringify(image)}: ${error?.code}: ${error?.message}`);
        break;
      case 'skipped':
        notice(place, `${image} is left alone, since ${leave}`);
        break;
      case 'pinned':
        if (told === 'changes' && pinned !== image) writeLine(io.stdout, `${place}: ${image} -> ${pinned}`);
        break;
    }
  }

  return {
    notice,
    problem(code, place, message) {
      codes.push(code);
      notice(place, message);
    },
    images(file, images) {
      for (const found of images) {
        const { line, kind, name, container, image, pinned, state, error } = found;
        if (state === 'floating' || state === 'unresolved') codes.push(1);
        if (output === 'text') tell(file, found);
        else writeJson(io.stdout, { file, line, kind, name, container, image, pinned, state, error });
      }
    },
    exitCode: () => highest(codes),
  };
}

/** How people are told of a file. */
export function fileLabel(name: string): string {
  return name === STANDARD_INPUT ? '<stdin>' : name;
}
