import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { access, constants, open, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** As many links in a row as Linux follows. */
const MOST_LINKS = 40;

/** A quarter of the second within which a changed file has to take effect. */
const POLL_MILLISECONDS = 250;

/**
 * Writes a file so that whoever reads it, also after a crash, finds the old content or the new one, whole.
 *
 * A link stays a link: the file that it leads to is written. An existing file keeps its mode and, where we may give it
 * away, its owner; a new one gets the usual mode.
 *
 * @throws NodeJS.ErrnoException as of `node:fs`: `EACCES` also for an existing file that we may not write, `EISDIR`,
 * `EINVAL` for a device or a pipe.
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const target = await followLinks(path);
  const existing = await statOrNull(target);
  if (existing !== null) {
    if (existing.isDirectory()) throw systemError('EISDIR', 'a folder can not be written', path);
    if (!existing.isFile()) throw systemError('EINVAL', 'not a regular file', path);
    // The rename would also replace a file that is write-protected.
    await access(target, constants.W_OK);
  }
  // Beside the target, since a rename does not leave its file system.
  const temporary = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    // Nobody else may read it before it has the mode of the file that it replaces.
    const file = await open(temporary, 'wx', existing === null ? 0o666 : 0o600);
    try {
      await file.writeFile(content);
      if (existing !== null) {
        await file.chown(existing.uid, existing.gid).catch(() => {}); // Only root can give files away.
        await file.chmod(existing.mode & 0o7777);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Calls back, within half a second, when what a path leads to is another file or has other content: written, replaced by a
 * rename, removed, come back, or reached through a link that was swapped, as the kubelet does for mounted ConfigMaps and
 * Secrets. Watch first, then read: what changes between the two is told. A file that is written in several steps may be
 * told in several steps.
 *
 * It looks instead of listening: events of the file system do not cross links, and get lost with the folder.
 *
 * @returns ends the watch. It keeps no process alive.
 */
export function watchFile(path: string, onChange: () => void): () => void {
  let last = identity(path);
  const timer = setInterval(() => {
    const now = identity(path);
    if (now === last) return;
    last = now;
    onChange();
  }, POLL_MILLISECONDS).unref();
  return () => clearInterval(timer);
}

/** Differs whenever the file is another one or was written; the time of the last change can not be set back by anyone. */
function identity(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/** Where a path leads, also where nothing is there yet. */
async function followLinks(path: string): Promise<string> {
  let current = path;
  for (let links = 0; links <= MOST_LINKS; links += 1) {
    // Only the real folder knows what `..` in a link means.
    const folder = await realpath(dirname(current));
    current = join(folder, basename(current));
    const next = await readlink(current).catch(() => null);
    if (next === null) return current;
    current = resolve(folder, next);
  }
  throw systemError('ELOOP', 'too many links', path);
}

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function systemError(code: string, what: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}, '${path}'`), { code, path });
}
