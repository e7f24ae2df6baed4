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
 *
 * @param promised `json` where a text that begins as JSON does has to be JSON: flow mappings of YAML are more lenient.
 */
export function readManifest(text: string, promised: 'json' | 'any' = 'any'): ReadManifest {
  const json = /^\uFEFF?\s*[{[]/.test(text) ? readJson(text) : null;
  if (json?.ok === true) return { ok: true, manifest: { text, documents: json.documents } };
  if (json !== null && promised === 'json') return broken(text, json);
  const yaml = readYaml(text);
  if (yaml.ok) return { ok: true, manifest: { text, documents: yaml.documents } };
  return broken(text, json !== null && json.offset >= yaml.offset ? json : yaml);
}

function broken(text: string, { offset, message }: { offset: number; message: string }): ReadManifest {
  return { ok: false, problem: { ...placesOf(text)(offset), message } };
}
