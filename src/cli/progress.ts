import type { CommandIO } from './output.ts';

/** Fewer are answered before anyone wonders. */
const WORTH_TELLING = 5;
const CLEAR_LINE = '\r\u001B[2K';

/**
 * Does the same for many at once. On a terminal a line on stderr counts them, and is gone in the end.
 *
 * @returns what came of each, in the order of the items.
 */
export async function withProgress<Item, Result>(
  io: CommandIO,
  items: readonly Item[],
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const isTold = io.terminal && items.length >= WORTH_TELLING;
  let done = 0;
  const tell = (): void => {
    if (isTold) io.stderr.write(`${CLEAR_LINE}asking registries: ${done} of ${items.length} images`);
  };
  tell();
  try {
    return await Promise.all(
      items.map(async (item) => {
        const result = await task(item);
        done += 1;
        tell();
        return result;
      }),
    );
  } finally {
    if (isTold) io.stderr.write(CLEAR_LINE);
  }
}
