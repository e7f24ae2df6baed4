/** Lines of context round a change, as `diff -u` has them. */
const CONTEXT = 3;
/** More differences than anybody reads: from there on the texts are shown whole. */
const MOST_DIFFERENCES = 2000;

type Mark = ' ' | '-' | '+';

interface DiffLine {
  readonly mark: Mark;
  readonly text: string;
}

/**
 * The difference of two texts as `diff -u` and `git diff` write it, so that `git apply` and `patch -p1` take it.
 *
 * @param name the path in the repository.
 * @param before null for a file that is new.
 * @returns empty where the texts are the same.
 */
export function unifiedDiff(name: string, before: string | null, after: string): string {
  if (before === after) return '';
  const lines = compareLines(linesOf(before ?? ''), linesOf(after));
  const hunks = hunksOf(lines).map((hunk) => hunkText(lines, hunk));
  const from = before === null ? '/dev/null' : quoted(`a/${name}`);
  return `--- ${from}\n+++ ${quoted(`b/${name}`)}\n${hunks.join('')}`;
}

/** Each with its line end. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Myers' way: the fewest lines that have to go and to come. */
function compareLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const trace: ReadonlyMap<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  const most = Math.min(before.length + after.length, MOST_DIFFERENCES);
  for (let depth = 0; depth <= most; depth += 1) {
    trace.push(new Map(furthest));
    const next = new Map(furthest);
    for (let diagonal = -depth; diagonal <= depth; diagonal += 2) {
      const x0 = stepDown(furthest, diagonal, depth)
        ? (furthest.get(diagonal + 1) ?? 0)
        : (furthest.get(diagonal - 1) ?? 0) + 1;
      let x = x0;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return walkBack(before, after, trace);
    }
    furthest = next;
  }
  return [
    ...before.map((text) => ({ mark: '-' as const, text })),
    ...after.map((text) => ({ mark: '+' as const, text })),
  ];
}

function stepDown(furthest: ReadonlyMap<number, number>, diagonal: number, depth: number): boolean {
  const [below, above] = [furthest.get(diagonal - 1) ?? -1, furthest.get(diagonal + 1) ?? -1];
  return diagonal === -depth || (diagonal !== depth && below < above);
}

function walkBack(
  before: readonly string[],
  after: readonly string[],
  trace: readonly ReadonlyMap<number, number>[],
): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let x = before.length;
  let y = after.length;
  for (let depth = trace.length - 1; depth >= 0; depth -= 1) {
    const furthest = trace[depth] ?? new Map<number, number>();
    const diagonal = x - y;
    const isDown = stepDown(furthest, diagonal, depth);
    const fromX = furthest.get(isDown ? diagonal + 1 : diagonal - 1) ?? 0;
    const fromY = fromX - (isDown ? diagonal + 1 : diagonal - 1);
    for (; x > fromX && y > fromY && x > 0 && y > 0; x -= 1, y -= 1)
      lines.push({ mark: ' ', text: before[x - 1] ?? '' });
    if (depth === 0) break;
    if (isDown) lines.push({ mark: '+', text: after[y - 1] ?? '' });
    else lines.push({ mark: '-', text: before[x - 1] ?? '' });
    x = fromX;
    y = fromY;
  }
  return lines.toReversed();
}

interface Hunk {
  readonly start: number;
  readonly end: number;
}

function hunksOf(lines: readonly DiffLine[]): readonly Hunk[] {
  const hunks: Hunk[] = [];
  for (const [index, { mark }] of lines.entries()) {
    if (mark === ' ') continue;
    const [start, end] = [Math.max(0, index - CONTEXT), Math.min(lines.length, index + CONTEXT + 1)];
    const last = hunks.at(-1);
    if (last !== undefined && start <= last.end) hunks[hunks.length - 1] = { start: last.start, end };
    else hunks.push({ start, end });
  }
  return hunks;
}

function hunkText(lines: readonly DiffLine[], { start, end }: Hunk): string {
  const count = (marks: string, from: number, to: number): number =>
    lines.slice(from, to).filter(({ mark }) => marks.includes(mark)).length;
  const range = (marks: string): string => {
    const length = count(marks, start, end);
    // An empty piece stands behind the line before it.
    const first = count(marks, 0, start) + (length === 0 ? 0 : 1);
    return length === 1 ? `${first}` : `${first},${length}`;
  };
  const body = lines
    .slice(start, end)
    .map(({ mark, text }) => `${mark}${text}${text.endsWith('\n') ? '' : '\n\\ No newline at end of file\n'}`);
  return `@@ -${range(' -')} +${range(' +')} @@\n${body.join('')}`;
}

/** As git writes a path that could be misread. */
function quoted(path: string): string {
  return /["\\\p{Cc}]/u.test(path) ? JSON.stringify(path) : path;
}
