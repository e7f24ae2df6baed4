import type { Digest } from '../image/digest.ts';
import { parseReference } from '../image/reference.ts';
import { type Change, changeManifest } from '../manifest/change.ts';
import { readManifest } from '../manifest/read.ts';
import { decidesAbout, isSameImage } from '../target/value/kustomize-image.ts';
import { asObject, asString, elements, property } from '../workload/json.ts';
import { type EditedText, shownValue, type ValueChange } from './edited-text.ts';

/** What a kustomization is to make of an image. */
export interface KustomizedImage {
  /** As the manifests spell it: kustomize compares texts. */
  readonly name: string;
  /** Was it given, or is it the image itself, which an entry may also bring from elsewhere? */
  readonly isNamed: boolean;
  /** The repository to take instead, the same where only the tag changes; null leaves it as it is. */
  readonly newName: string | null;
  /** Both null: only the name changes. */
  readonly tag: string | null;
  readonly digest: Digest | null;
}

/** The names that kustomize looks for in a folder, in its order. */
export const KUSTOMIZATION_FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** The objects that have images; an old kustomization need not say what it is. */
const KINDS: ReadonlySet<unknown> = new Set([null, 'Kustomization', 'Component']);

interface Planned {
  readonly changes: readonly Change[];
  readonly told: readonly ValueChange[];
}

/**
 * Sets the tags and digests of images in a kustomization. An entry says exactly what is wanted: with a digest alone a tag goes, with a
 * tag alone a digest, since kustomize writes whatever it finds of the two, `name:tag@digest` for both. An image without an entry gets
 * one, behind the others.
 */
export function editKustomization(text: string, images: readonly KustomizedImage[]): EditedText {
  let current = text;
  const told: ValueChange[] = [];
  for (const image of images) {
    const read = readManifest(current);
    if (!read.ok) return read;
    if (read.manifest.documents.length > 1) return refused('it holds several documents: kustomize takes one');
    const planned = planImage(read.manifest.documents[0]?.value ?? null, image);
    if ('problem' in planned) return refused(planned.problem);
    const changed = changeManifest(current, planned.changes);
    if (!changed.ok) return changed;
    current = changed.text;
    told.push(...planned.told);
  }
  return { ok: true, text: current, changes: told };
}

function planImage(root: unknown, image: KustomizedImage): Planned | { readonly problem: string } {
  if (root !== null && asObject(root) === null) return { problem: 'it is no kustomization' };
  const kind = property(root, 'kind') ?? null;
  if (!KINDS.has(kind)) return { problem: `it is no kustomization, its kind is ${JSON.stringify(kind)}` };
  const list = property(root, 'images') ?? null;
  if (list !== null && !Array.isArray(list)) return { problem: 'its images are no list' };
  const entries = elements(list);
  const indexes = indexesOf(entries, image);
  if (indexes.length === 0) return planNew(root, image);
  const changes: Change[] = [];
  const told: ValueChange[] = [];
  for (const index of indexes) {
    const planned = planExisting(index, entries[index], image);
    if ('problem' in planned) return planned;
    changes.push(...planned.changes);
    told.push(...planned.told);
  }
  return { changes, told };
}

/** The entries that decide about an image: the very name, or else another spelling of it. */
function indexesOf(entries: readonly unknown[], { name, isNamed, newName }: KustomizedImage): readonly number[] {
  const exact = entries.flatMap((entry, index) => (property(entry, 'name') === name ? [index] : []));
  const parsed = parseReference(newName ?? name);
  if (exact.length > 0 || !parsed.ok) return exact;
  return entries.flatMap((entry, index) => {
    const entryName = asString(property(entry, 'name'));
    if (entryName === null) return [];
    const made = {
      name: entryName,
      newName: asString(property(entry, 'newName')) ?? entryName,
      tag: null,
      digest: null,
    };
    return decidesAbout(made, isNamed ? name : null, parsed.reference) ? [index] : [];
  });
}

function planNew(root: unknown, { name, newName, tag, digest }: KustomizedImage): Planned {
  const fields = [
    ['newName', newName === null || isSameImage(newName, name) ? null : newName],
    ['newTag', tag],
    ['digest', digest],
  ] as const;
  const written = fields.flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]));
  const entry = { entries: [['name', name] as const, ...written] };
  const change: Change = Object.hasOwn(asObject(root) ?? {}, 'images')
    ? { kind: 'append', path: ['images'], value: entry }
    : { kind: 'add', path: [], key: 'images', value: [entry] };
  const told = written.map(([key, value]) => ({ place: `images[${name}].${key}`, from: null, to: value }));
  return { changes: [change], told };
}

function planExisting(
  index: number,
  entry: unknown,
  { newName, tag, digest }: KustomizedImage,
): Planned | { readonly problem: string } {
  const path = ['images', index];
  const name = asString(property(entry, 'name')) ?? '';
  if ((property(entry, 'tagSuffix') ?? null) !== null) {
    return { problem: `images[${name}] has a tagSuffix, which kustomize would put behind the tag: take it out` };
  }
  const formerName = asString(property(entry, 'newName'));
  const wanted: (readonly [key: string, to: string | null])[] = [
    ['newName', newName === null || isSameImage(newName, formerName ?? name) ? formerName : newName],
  ];
  if (tag !== null || digest !== null) wanted.push(['newTag', tag], ['digest', digest]);
  const changes: Change[] = [];
  const told: ValueChange[] = [];
  for (const [key, to] of wanted) {
    const has = Object.hasOwn(asObject(entry) ?? {}, key);
    const former = property(entry, key) ?? null;
    if (to === former && (to !== null || !has || key === 'newName')) continue;
    if (to === null) changes.push({ kind: 'remove', path, key });
    else changes.push(has ? { kind: 'set', path: [...path, key], value: to } : { kind: 'add', path, key, value: to });
    told.push({ place: `images[${name}].${key}`, from: shownValue(former), to });
  }
  return { changes, told };
}

function refused(message: string): EditedText {
  return { ok: false, problem: { line: 1, column: 1, message } };
}
