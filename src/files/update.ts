import { canonicalName, type ImageReference, parseReference } from '../core/image/reference.ts';
import { editManifest } from '../core/manifest/edit.ts';
import { readManifest } from '../core/manifest/read.ts';
import { asObject, asString, property } from '../core/workload/json.ts';
import type { EditedText, ValueChange } from '../core/write-back/edited-text.ts';
import { editHelmValues } from '../core/write-back/helm-values.ts';
import { editKustomization, KUSTOMIZATION_FILES } from '../core/write-back/kustomization.ts';
import type { FileTree } from './file-tree.ts';
import { findImages } from './images.ts';
import { replacementOf, type Setting } from './setting.ts';

/** What files are taken for. */
export type UpdateKind = 'manifests' | 'kustomization' | 'helm';

/** What is to be set, and where. */
export interface UpdateRequest {
  /** A file or a folder of the tree; '' is its root. */
  readonly path: string;
  /** Null where the files are to tell. */
  readonly kind: UpdateKind | null;
  readonly settings: readonly Setting[];
}

export interface UpdatedFile {
  readonly path: string;
  readonly before: string | null;
  readonly after: string;
}

export interface UpdatedValue extends ValueChange {
  readonly path: string;
}

/** Why nothing is written: there is no such file; a setting that makes no sense; or what stands there can't take it. */
export type UpdateRefusal = 'NoFile' | 'WrongUse' | 'NotEditable';

export type Update =
  | {
      readonly ok: true;
      readonly files: readonly UpdatedFile[];
      readonly values: readonly UpdatedValue[];
      /** Files that were passed over, a sentence each. */
      readonly notices: readonly string[];
    }
  | { readonly ok: false; readonly reason: UpdateRefusal; readonly problems: readonly string[] };

const MANIFEST = /\.(?:yaml|yml|json)$/;
/** A folder of this depth is a circle, or somebody's joke. */
const DEEPEST_FOLDER = 64;

/**
 * Sets images in what a tree holds: in the workloads of manifests, in a kustomization, or in a file of Helm values. Nothing is set
 * where one of the settings can't be: whoever asked for two wants both.
 */
export async function planUpdate(tree: FileTree, request: UpdateRequest): Promise<Update> {
  const found = await findPlace(tree, request);
  if ('reason' in found) return found;
  if (found.kind !== 'helm') {
    const problem = request.settings.map(({ name }) => imageProblem(name)).find((each) => each !== null);
    if (problem !== undefined) return refused('WrongUse', problem);
  }
  switch (found.kind) {
    case 'manifests':
      return updateManifests(tree, found.paths, request);
    case 'kustomization':
      return updateOne(found.path, found.text, editKustomization(found.text, request.settings.map(kustomized)));
    case 'helm': {
      const values = request.settings.map(
        ({ name, value }) => ({ name, value, role: 'tag', where: 'always' }) as const,
      );
      return updateOne(found.path, found.text, editHelmValues(found.text, values));
    }
  }
}

type FoundPlace =
  | { readonly kind: 'manifests'; readonly paths: readonly string[] }
  | { readonly kind: 'kustomization' | 'helm'; readonly path: string; readonly text: string };

type Refused = Update & { readonly ok: false };

/** Looks what stands at the path, and takes it for what it looks like. */
async function findPlace(tree: FileTree, { path, kind }: UpdateRequest): Promise<FoundPlace | Refused> {
  const file = path === '' ? null : await tree.read(path);
  if (file?.kind === 'file') {
    const taken = kind ?? kindOf(path, file.text);
    return taken === 'manifests' ? { kind: taken, paths: [path] } : { kind: taken, path, text: file.text };
  }
  const listing = await tree.list(path);
  if (listing.kind !== 'folder') {
    const problem = file?.kind === 'refused' ? file.problem : listing.kind === 'refused' ? listing.problem : null;
    return refused('NoFile', problem ?? `there is no ${path}: name a file or a folder with --path`);
  }
  const names = new Set(listing.entries.filter((entry) => entry.kind === 'file').map(({ name }) => name));
  const [kustomization, second] = KUSTOMIZATION_FILES.filter((name) => names.has(name));
  const isChart = names.has('Chart.yaml');
  const taken = kind ?? (kustomization === undefined ? (isChart ? 'helm' : 'manifests') : 'kustomization');
  if (taken === 'manifests') return manifestsBelow(tree, path);
  const name = taken === 'helm' ? 'values.yaml' : kustomization;
  if (name === undefined || !names.has(name)) {
    const wanted = taken === 'helm' ? 'values.yaml' : 'kustomization';
    return refused('NoFile', `${path === '' ? 'the folder' : path} has no ${wanted}: name the file with --path`);
  }
  if (taken === 'kustomization' && second !== undefined) {
    return refused('NotEditable', `${joined(path, name)}: ${second} is there too, and kustomize takes one: remove one`);
  }
  const text = await tree.read(joined(path, name));
  return text.kind === 'file'
    ? { kind: taken, path: joined(path, name), text: text.text }
    : refused('NoFile', text.kind === 'refused' ? text.problem : `there is no ${joined(path, name)}`);
}

/** A kustomization by its name or kind, manifests by theirs; what says neither are values. */
function kindOf(path: string, text: string): UpdateKind {
  const names: readonly string[] = KUSTOMIZATION_FILES;
  if (names.includes(path.split('/').at(-1) ?? '')) return 'kustomization';
  const read = readManifest(text);
  const objects = read.ok ? read.manifest.documents.map(({ value }) => asObject(value)) : [];
  const of = (object: unknown, key: string): string => asString(property(object, key)) ?? '';
  if (objects.some((object) => of(object, 'apiVersion').startsWith('kustomize.config.k8s.io/'))) return 'kustomization';
  const isObject = objects.some((object) => of(object, 'apiVersion') !== '' && of(object, 'kind') !== '');
  return isObject ? 'manifests' : 'helm';
}

/** As for `tagpin pin`: not in hidden folders, and not behind links. */
async function manifestsBelow(tree: FileTree, folder: string): Promise<FoundPlace | Refused> {
  const paths: string[] = [];
  const look = async (path: string, depth: number): Promise<string | null> => {
    const listing = await tree.list(path);
    if (listing.kind === 'refused') return listing.problem;
    if (listing.kind === 'absent' || depth > DEEPEST_FOLDER) return null;
    for (const { name, kind } of listing.entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (kind === 'file' && MANIFEST.test(name)) paths.push(joined(path, name));
      if (kind !== 'folder' || name.startsWith('.')) continue;
      const problem = await look(joined(path, name), depth + 1);
      if (problem !== null) return problem;
    }
    return null;
  };
  const problem = await look(folder, 0);
  if (problem !== null) return refused('NoFile', problem);
  const where = folder === '' ? 'the folder' : folder;
  return paths.length === 0
    ? refused('NoFile', `${where} holds no *.yaml, *.yml or *.json: name a file or a folder with --path`)
    : { kind: 'manifests', paths };
}

async function updateManifests(tree: FileTree, paths: readonly string[], request: UpdateRequest): Promise<Update> {
  const isFolder = !paths.includes(request.path);
  const files: UpdatedFile[] = [];
  const values: UpdatedValue[] = [];
  const notices: string[] = [];
  const problems: string[] = [];
  const missing = new Set(request.settings);
  for (const path of paths) {
    const file = await tree.read(path);
    if (file.kind !== 'file') {
      problems.push(file.kind === 'refused' ? file.problem : `there is no ${path}`);
      continue;
    }
    const { text } = file;
    if (isFolder && text.includes('{{')) {
      notices.push(`${path}: skipped, since it holds {{`);
      continue;
    }
    // Folders hold JSON of all kinds, some of it with comments.
    if (isFolder && path.endsWith('.json') && !text.includes('"apiVersion"')) continue;
    const edited = updateManifest(text, request.settings, (setting) => missing.delete(setting));
    if (!edited.ok) {
      const { line, column, message } = edited.problem;
      problems.push(`${path}:${line}:${column}: ${message}`);
    } else if (edited.text !== text) {
      files.push({ path, before: text, after: edited.text });
      values.push(...edited.changes.map((change) => ({ ...change, path })));
    }
  }
  // A file that can't be read may well be the one that was meant.
  if (problems.length === 0) {
    const where = request.path === '' ? 'the folder' : request.path;
    problems.push(...[...missing].map(({ name }) => `${name} is the image of no workload in ${where}`));
  }
  return problems.length === 0 ? { ok: true, files, values, notices } : { ok: false, reason: 'NotEditable', problems };
}

function updateManifest(text: string, settings: readonly Setting[], found: (setting: Setting) => void): EditedText {
  const read = readManifest(text);
  if (!read.ok) return read;
  const changes: (ValueChange & {
    readonly document: number;
    readonly path: readonly (string | number)[];
    readonly value: string;
  })[] = [];
  for (const { document, path, kind, name, container, image } of findImages(read.manifest)) {
    const parsed = parseReference(image);
    const setting = parsed.ok ? settings.findLast((each) => isNamed(parsed.reference, each)) : undefined;
    if (!parsed.ok || setting === undefined) continue;
    for (const each of settings) if (isNamed(parsed.reference, each)) found(each);
    const value = replacementOf(parsed.reference, setting.wanted);
    if (value === image) continue;
    const place = [kind, name, container].filter((part) => part !== null && part !== '').join(' ');
    changes.push({ document, path, value, place, from: image, to: value });
  }
  const edited = editManifest(read.manifest, changes);
  return edited.ok ? { ...edited, changes: changes.map(({ place, from, to }) => ({ place, from, to })) } : edited;
}

function isNamed(reference: ImageReference, { name }: Setting): boolean {
  const parsed = parseReference(name);
  return parsed.ok && canonicalName(parsed.reference) === canonicalName(reference);
}

function kustomized({ name, wanted }: Setting) {
  const { tag, digest } = wanted.kind === 'version' ? wanted : wanted.reference;
  return { name, isNamed: true, newName: wanted.kind === 'version' ? null : wanted.reference.name, tag, digest };
}

function imageProblem(name: string): string | null {
  const parsed = parseReference(name);
  if (!parsed.ok) return `${JSON.stringify(name)} is no image: ${parsed.problem}`;
  return parsed.reference.name === name ? null : `${JSON.stringify(name)}: name the image without tag and digest`;
}

function updateOne(path: string, before: string, edited: EditedText): Update {
  if (!edited.ok) {
    const { line, column, message } = edited.problem;
    return refused('NotEditable', `${path}:${line}:${column}: ${message}`);
  }
  if (edited.text === before) return { ok: true, files: [], values: [], notices: [] };
  const values = edited.changes.map((change) => ({ ...change, path }));
  return { ok: true, files: [{ path, before, after: edited.text }], values, notices: [] };
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function refused(reason: UpdateRefusal, problem: string): Refused {
  return { ok: false, reason, problems: [problem] };
}
