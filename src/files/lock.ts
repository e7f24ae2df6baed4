import { readFile } from 'node:fs/promises';
import { type Digest, parseDigest } from '../core/image/digest.ts';
import { canonicalText, parseReference } from '../core/image/reference.ts';
import { readJson } from '../core/manifest/json-reader.ts';
import { placesOf } from '../core/manifest/place.ts';

/** Digests by canonical reference with its tag: `docker.io/library/nginx:1.27`. */
export type Lock = ReadonlyMap<string, Digest>;

export type ParsedLock = { readonly ok: true; readonly lock: Lock } | { readonly ok: false; readonly problem: string };

const FORM = '{"v":1,"images":{"docker.io/library/nginx:1.27":"sha256:…"}}';

/**
 * Reads a lock, `{"v":1,"images":{…}}`.
 *
 * @returns the lock, or one sentence that says what is wrong: it decides what runs, so nothing in it is guessed.
 */
export function parseLock(text: string): ParsedLock {
  const read = readJson(text);
  if (!read.ok) {
    const { line, column } = placesOf(text)(read.offset);
    return bad(`line ${line}, column ${column}: ${read.message}`);
  }
  const [document, second] = read.documents;
  const value = document?.value;
  if (typeof value !== 'object' || value === null || second !== undefined) return bad(`it is not ${FORM}`);
  const { v, images, ...unknown } = value as Readonly<Record<string, unknown>>;
  if (v !== 1) return bad(`its "v" is ${JSON.stringify(v) ?? 'missing'}, and this tagpin knows 1 only`);
  const [key] = Object.keys(unknown);
  if (key !== undefined) return bad(`${JSON.stringify(key)} is unknown`);
  if (typeof images !== 'object' || images === null || Array.isArray(images)) return bad(`it is not ${FORM}`);
  const lock = new Map<string, Digest>();
  for (const [image, written] of Object.entries(images as Readonly<Record<string, unknown>>)) {
    const parsed = parseReference(image);
    if (!parsed.ok) return bad(`${JSON.stringify(image)}: ${parsed.problem}`);
    const canonical = canonicalText(parsed.reference);
    if (parsed.reference.digest !== null) return bad(`${JSON.stringify(image)} has a digest: write the tag alone`);
    if (canonical !== image) return bad(`${JSON.stringify(image)} is to be written as ${JSON.stringify(canonical)}`);
    const digest = typeof written === 'string' ? parseDigest(written) : null;
    if (digest === null)
      return bad(`the value of ${JSON.stringify(image)} is not a digest such as sha256:<64 hexadecimal digits>`);
    lock.set(image, digest);
  }
  return { ok: true, lock };
}

/**
 * Reads the lock of a file; where there is no such file yet, the lock is empty.
 *
 * @throws NodeJS.ErrnoException where there is one that cannot be read.
 */
export async function readLockFile(path: string): Promise<ParsedLock> {
  try {
    return parseLock(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { ok: true, lock: new Map() };
    throw error;
  }
}

/** A lock as text: sorted, an image a line, so that changes can be reviewed and merged. */
export function lockText(lock: Lock): string {
  const images = Object.fromEntries([...lock].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ v: 1, images }, null, 2)}\n`;
}

function bad(problem: string): ParsedLock {
  return { ok: false, problem };
}
