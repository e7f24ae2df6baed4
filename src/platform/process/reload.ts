import { watchFile } from '../file.ts';

/** Files that belong together change one after the other; what is read in between would not fit. */
const SETTLING_MILLISECONDS = 100;
const AGAIN_MILLISECONDS = 1000;

/**
 * Calls `reload` soon, for what has changed since the files were read, and after any of them has changed again; once for
 * changes that come together, and never twice at once.
 *
 * @param reload must not reject. Where it says `again`, since a file could not be read just now, it is called once more
 * after a second though nothing has changed.
 * @returns ends the watch.
 */
export function reloadOnChange(paths: readonly string[], reload: () => Promise<'done' | 'again'>): () => void {
  let timer: NodeJS.Timeout | null = null;
  let isReloading = false;
  let isStopped = false;

  const soon = (milliseconds: number): void => {
    if (!isStopped) timer ??= setTimeout(run, milliseconds).unref();
  };
  const changed = (): void => soon(SETTLING_MILLISECONDS);
  const run = (): void => {
    timer = null;
    if (isReloading) return changed();
    isReloading = true;
    void reload().then((result) => {
      isReloading = false;
      if (result === 'again') soon(AGAIN_MILLISECONDS);
    });
  };
  const ends = paths.map((path) => watchFile(path, changed));
  changed();
  return () => {
    isStopped = true;
    for (const end of ends) end();
    if (timer !== null) clearTimeout(timer);
  };
}
