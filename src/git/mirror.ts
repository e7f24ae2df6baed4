import { createHash, randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '../platform/backoff.ts';
import { GitError } from './error.ts';
import { type GitSession, makePrivate } from './session.ts';

/** Where and how large mirrors may be. */
export interface MirrorOptions {
  readonly folder: string;
  /** Of one mirror. */
  readonly maximumBytes: number;
  /** How long somebody else may hold a mirror that is wanted. */
  readonly waitMilliseconds: number;
}

/** A bare repository that holds what was last seen of a remote one. */
export interface Mirror {
  readonly path: string;
  /** It was made just now, and can't be what is broken. */
  readonly isNew: boolean;
  /** Runs something that may make it grow, and ends it where it grows beyond the bound. */
  bounded<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** The mirrors of a folder. */
export interface Mirrors {
  /**
   * Works on the mirror of a repository, alone: in this process one after the other, and not while another process does.
   *
   * @param format that of its object names. @throws GitError `Busy`, and whatever `work` throws
   */
  use<T>(session: GitSession, url: string, format: 'sha1' | 'sha256', work: (mirror: Mirror) => Promise<T>): Promise<T>;
}

/** Is made last: a mirror without it was not finished. */
const READY = 'tagpin-mirror-1';
/** Each fetch leaves a pack; with so many, one of its own is smaller and faster. */
const MOST_PACKS = 50;
/** What is not used for so long goes. */
const UNUSED_MILLISECONDS = 14 * 24 * 60 * 60_000;
/** Marks what is too large to be fetched, so that it is not fetched up to the bound in every cycle. */
const LARGE = '.large';
const LARGE_MILLISECONDS = 60 * 60_000;
const LOOK_MILLISECONDS = 250;
const BEAT_MILLISECONDS = 5000;
/** A holder that beats no more is no more. */
const DEAD_MILLISECONDS = 30_000;

/** Opens a folder of mirrors, which nobody else may look into. */
export function openMirrors(options: MirrorOptions): Mirrors {
  const queues = new Map<string, Promise<unknown>>();

  async function prepare(session: GitSession, path: string, format: string): Promise<boolean> {
    if (await isUsable(session, path, format)) {
      const now = new Date();
      await utimes(join(path, READY), now, now);
      return false;
    }
    await rm(path, { recursive: true, force: true });
    await removeUnused(options.folder);
    await session.git(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`, '--', path]);
    await writeFile(join(path, READY), '', { mode: 0o600 });
    return true;
  }

  async function isUsable(session: GitSession, path: string, format: string): Promise<boolean> {
    if ((await stat(join(path, READY)).catch(() => null)) === null) return false;
    const { bytes, packs } = await sizeOf(path);
    if (packs > MOST_PACKS || bytes > options.maximumBytes) return false;
    const shown = await session.attempt(['--git-dir', path, 'rev-parse', '--show-object-format']);
    return shown.code === 0 && shown.stdout.trim() === format;
  }

  async function bounded<T>(session: GitSession, path: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ending = new AbortController();
    const look = async (): Promise<void> => {
      const { bytes } = await sizeOf(path);
      if (bytes > options.maximumBytes) ending.abort(new GitError('TooLarge', { repository: session.repository }));
    };
    const timer = setInterval(() => void look(), LOOK_MILLISECONDS);
    try {
      const result = await work(ending.signal);
      await look();
      ending.signal.throwIfAborted();
      return result;
    } finally {
      clearInterval(timer);
      if (ending.signal.aborted) {
        await rm(path, { recursive: true, force: true });
        await writeFile(`${path}${LARGE}`, '');
      }
    }
  }

  async function useAlone<T>(
    session: GitSession,
    name: string,
    format: string,
    work: (mirror: Mirror) => Promise<T>,
  ): Promise<T> {
    await makePrivate(options.folder);
    const path = join(options.folder, `${name}.git`);
    const release = await hold(join(options.folder, `${name}.lock`), session, options.waitMilliseconds);
    try {
      const large = await stat(`${path}${LARGE}`).catch(() => null);
      if (large !== null && Date.now() - large.mtimeMs < LARGE_MILLISECONDS) {
        throw new GitError('TooLarge', { repository: session.repository });
      }
      const isNew = await prepare(session, path, format);
      const use = (isNew: boolean): Promise<T> =>
        work({ path, isNew, bounded: (growing) => bounded(session, path, growing) });
      try {
        return await use(isNew);
      } catch (error) {
        if (isNew || !(error instanceof GitError) || error.reason !== 'GitFailed') throw error;
        // It may be the mirror that is broken: half of a fetch, a lock that nobody holds, a disk that was full.
        await rm(path, { recursive: true, force: true });
        return await use(await prepare(session, path, format));
      }
    } finally {
      await release();
    }
  }

  return {
    async use(session, url, format, work) {
      const name = createHash('sha256').update(url).digest('hex').slice(0, 32);
      const before = queues.get(name) ?? Promise.resolve();
      const turn = before.catch(() => {}).then(() => useAlone(session, name, format, work));
      const queued = turn.catch(() => {});
      queues.set(name, queued);
      try {
        return await turn;
      } finally {
        if (queues.get(name) === queued) queues.delete(name);
      }
    },
  };
}

/** Its files are packs and what is being fetched; all else is small. */
async function sizeOf(path: string): Promise<{ readonly bytes: number; readonly packs: number }> {
  const folder = join(path, 'objects', 'pack');
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return {
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    packs: names.filter((name) => name.endsWith('.pack')).length,
  };
}

async function removeUnused(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^[\da-f]{32}\.git$/.test(name)) continue;
    const used = await stat(join(folder, name, READY)).catch(() => null);
    // One without the mark may be in the making.
    if (used !== null && Date.now() - used.mtimeMs > UNUSED_MILLISECONDS) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** Holds a lock against other processes, by a file whose time is kept young. @returns gives it back. */
async function hold(path: string, session: GitSession, waitMilliseconds: number): Promise<() => Promise<void>> {
  const mine = randomBytes(16).toString('hex');
  const backoff = createBackoff(50, 1000);
  for (const since = performance.now(); ; await delay(backoff.next(null))) {
    try {
      await writeFile(path, mine, { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = await stat(path).catch(() => null);
    if (held !== null && Date.now() - held.mtimeMs > DEAD_MILLISECONDS) await takeAway(path, held.ino);
    else if (performance.now() - since > waitMilliseconds)
      throw new GitError('Busy', { repository: session.repository });
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, BEAT_MILLISECONDS);
  return async () => {
    clearInterval(beat);
    await rm(path, { force: true });
  };
}

/** Of several who see that a holder is dead one takes its file, and none takes the file of who came after it. */
async function takeAway(path: string, inode: number): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
    const taken = await stat(aside);
    if (taken.ino !== inode && Date.now() - taken.mtimeMs <= DEAD_MILLISECONDS) await rename(aside, path);
    else await rm(aside, { force: true });
  } catch {
    // Somebody else was faster.
  }
}
