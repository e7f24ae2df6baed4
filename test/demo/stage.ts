import { styleText } from 'node:util';

/** A claim that was about to be shown did not hold. */
export class BrokenClaim extends Error {
  override readonly name = 'BrokenClaim';
}

type Style = Parameters<typeof styleText>[0];

/** Colour where stdout is a terminal that wants it. */
function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

let steps = 0;

/** Begins a step. */
export function step(title: string): void {
  steps += 1;
  console.log(`\n${styled('bold', `${steps}. ${title}`)}`);
}

export function say(text: string): void {
  console.log(indented(text));
}

/** A command as it could be typed. */
export function showCommand(words: readonly string[]): void {
  const quoted = words.map((word) => (/^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word}'`));
  say(styled('cyan', `$ ${quoted.join(' ')}`));
}

/** Shows that something holds. @throws BrokenClaim where it does not. */
export function claim(text: string, holds: boolean): void {
  if (!holds) throw new BrokenClaim(text);
  say(`${styled('green', '✓')} ${text}`);
}

/** Shows the lines that differ, with two lines around them. */
export function showDiff(before: string, after: string): void {
  const colours: Readonly<Record<string, Style>> = { '-': 'red', '+': 'green', '@': 'dim' };
  for (const line of diff(before.trimEnd().split('\n'), after.trimEnd().split('\n'))) {
    const colour = colours[line.charAt(0)];
    say(colour === undefined ? line : styled(colour, line));
  }
}

const AROUND = 2;

/** Lines with `-`, `+` or a space before them, by the longest common subsequence; `@@` where lines were left out. */
function diff(before: readonly string[], after: readonly string[]): string[] {
  const common = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  const lengthAt = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      const length =
        before[i] === after[j] ? lengthAt(i + 1, j + 1) + 1 : Math.max(lengthAt(i + 1, j), lengthAt(i, j + 1));
      common[i]?.fill(length, j, j + 1);
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < before.length || j < after.length; ) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push(` ${before[i]}`);
      i += 1;
      j += 1;
    } else if (i < before.length && (j === after.length || lengthAt(i + 1, j) >= lengthAt(i, j + 1))) {
      lines.push(`-${before[i]}`);
      i += 1;
    } else {
      lines.push(`+${after[j]}`);
      j += 1;
    }
  }
  return withoutTheRest(lines);
}

function withoutTheRest(lines: readonly string[]): string[] {
  const isShown = lines.map((_line, at) =>
    lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => !line.startsWith(' ')),
  );
  return lines.flatMap((line, at) => {
    if (isShown[at] === true) return [line];
    return isShown[at - 1] !== false ? ['@@'] : [];
  });
}

function indented(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `   ${line}`)
    .join('\n');
}
