import type { Manifest, ManifestProblem } from './document.ts';
import { readJson } from './json-reader.ts';
import { placesOf } from './place.ts';
import { readYaml } from './yaml-reader.ts';

export type ReadManifest =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly problem: ManifestProblem };

/**
 * Reads a manifest: JSON where it is that, else YAML, any number of documents.
 *
 * @returns the documents, or the first thing that is wrong. Where a text that begins as JSON does is neither, it is told what
 * is wrong with the one that it comes nearest to.
 */
export function readManifest(text: string): ReadManifest {
  const json = /^\uFEFF?\s*[{[]/.test(text) ? readJson(text) : null;
  if (json?.ok === true) return { ok: true, manifest: { text, documents: json.documents } };
  const yaml = readYaml(text);
  if (yaml.ok) return { ok: true, manifest: { text, documents: yaml.documents } };
  const { offset, message } = json !== null && json.offset >= yaml.offset ? json : yaml;
  return { ok: false, problem: { ...placesOf(text)(offset), message } };
}
