import type { Readable, Writable } from 'node:stream';

/**
 * 0 done, yes; 1 no (something floats, is unresolved, refused, failed); 2 wrong use; 3 could not be tried. Of several
 * inputs all are answered and the highest code counts.
 */
export type ExitCode = 0 | 1 | 2 | 3;

/** What a command touches of its process, so that it can be run as a value as well. */
export interface CommandIO {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Is stderr a terminal, so that progress and colour make sense? */
  readonly terminal: boolean;
  /** The folder that relative paths start from: where the command was typed. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Ends a command with one line on stderr: what, on what, why, what next. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The formats of `-o`. */
export type OutputFormat = 'text' | 'json';

/** One line; text with line ends of its own is written as it is. */
export function writeLine(stream: Writable, text: string): void {
  stream.write(`${text}\n`);
}

/** One JSON object a line. */
export function writeJson(stream: Writable, value: unknown): void {
  writeLine(stream, JSON.stringify(value));
}

/** Of several answers the worst. */
export function highest(codes: readonly ExitCode[]): ExitCode {
  return codes.reduce<ExitCode>((worst, code) => (code > worst ? code : worst), 0);
}

/** Rows under headings, columns two spaces apart, nothing behind the last one. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return [headings, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * One line of CSV (RFC 4180), without its end. What a spreadsheet would take for a formula gets an apostrophe before it, since
 * anybody who may make a Pod chooses such texts (https://owasp.org/www-community/attacks/CSV_Injection).
 */
export function csvLine(cells: readonly string[]): string {
  return cells
    .map((cell) => {
      const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}

/** A text without what would move a terminal's cursor, change its colours or its direction of writing. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}
