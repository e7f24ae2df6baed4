import { watchFile } from './file.ts';

/** Files that belong together change one after the other; what is read in between would not fit. */
const SETTLING_MILLISECONDS = 100;

/**
 * Calls `reload` soon, for what has changed since the files were read, and after any of them has changed again; once for
 * changes that come together, and never twice at once.
 *
 * @param reload must not reject.
 * @returns ends the watch.
 */
export function reloadOnChange(paths: readonly string[], reload: () => Promise<void>): () => void {
  let timer: NodeJS.Timeout | null = null;
  let isReloading = false;
  let isStopped = false;

  const changed = (): void => {
    timer ??= setTimeout(run, SETTLING_MILLISECONDS).unref();
  };
  const run = (): void => {
    timer = null;
    if (isStopped) return;
    if (isReloading) return changed();
    isReloading = true;
    void reload().finally(() => {
      isReloading = false;
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
