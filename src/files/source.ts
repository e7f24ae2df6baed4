import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { ManifestProblem } from '../core/manifest/document.ts';
import { type Edit, type Edited, editManifest } from '../core/manifest/edit.ts';
import { readManifest } from '../core/manifest/read.ts';
import { writeFileAtomically } from '../platform/file.ts';
import { explainProblem } from './file-problem.ts';
import { findImages, type ManifestImage } from './images.ts';
import type { FoundFile } from './walk.ts';

/** What a file turned out to be. */
export type Source =
  | { readonly kind: 'manifest'; readonly text: string; readonly images: readonly ManifestImage[] }
  /** It holds `{{`: whoever fills it in makes the manifest. */
  | { readonly kind: 'template'; readonly text: string }
  | { readonly kind: 'broken'; readonly problem: ManifestProblem }
  | { readonly kind: 'unreadable'; readonly message: string };

/** Ten times what the API server takes as one object; a manifest of that size needs a gigabyte while it is read. */
const LONGEST_FILE = 16 * 1024 * 1024;

/** Reads a file, or standard input, and finds its images. */
export async function readSource(file: FoundFile, standardInput: Readable): Promise<Source> {
  const read = await readText(file, standardInput);
  if (!read.ok) return { kind: 'unreadable', message: read.message };
  const { text } = read;
  if (text.includes('{{')) return { kind: 'template', text };
  // Folders hold JSON of all kinds, some of it with comments. What says nothing of an apiVersion is no manifest.
  if (file.isFromFolder && file.name.endsWith('.json') && !text.includes('"apiVersion"')) {
    return { kind: 'manifest', text, images: [] };
  }
  const parsed = readManifest(text, file.name.endsWith('.json') ? 'json' : 'any');
  return parsed.ok
    ? { kind: 'manifest', text, images: findImages(parsed.manifest) }
    : { kind: 'broken', problem: parsed.problem };
}

/** Gives places of a text that was read new values: see `editManifest`. */
export function editText(text: string, edits: readonly Edit[]): Edited {
  const read = readManifest(text);
  return read.ok ? editManifest(read.manifest, edits) : read;
}

/**
 * Puts another text in place of the one that was read.
 *
 * @returns null, or why it was not written: also where somebody else has written the file meanwhile.
 */
export async function replaceText(
  file: FoundFile & { path: string },
  before: string,
  after: string,
): Promise<string | null> {
  const now = await readText(file, null);
  if (!now.ok) return now.message;
  if (now.text !== before) return 'it was changed by someone else meanwhile: try again';
  try {
    await writeFileAtomically(file.path, after);
    return null;
  } catch (error) {
    return explainProblem(error);
  }
}

type ReadText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

/** Reads a file whole, a byte order mark with it, or standard input; or says why not. */
export async function readText(file: FoundFile, standardInput: Readable | null): Promise<ReadText> {
  let handle: FileHandle | null = null;
  try {
    handle = file.path === null ? null : await open(file.path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of handle?.createReadStream({ autoClose: false }) ?? standardInput ?? []) {
      const buffer = Buffer.from(chunk as Uint8Array | string);
      bytes += buffer.length;
      if (bytes > LONGEST_FILE)
        return { ok: false, message: `it is larger than ${LONGEST_FILE / 2 ** 20} MiB: split it` };
      chunks.push(buffer);
    }
    // A byte order mark stays, to be written again.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { ok: true, text: decoder.decode(Buffer.concat(chunks)) };
  } catch (error) {
    return { ok: false, message: explainProblem(error) };
  } finally {
    await handle?.close();
  }
}
