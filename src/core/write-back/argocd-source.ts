import { type Change, changeManifest } from '../manifest/change.ts';
import { readManifest } from '../manifest/read.ts';
import type { NewValue } from '../manifest/rendering.ts';
import { parseKustomizeImage } from '../target/value/kustomize-image.ts';
import { editList, type ListEdit } from '../target/value/list-edit.ts';
import type { ProposedValues } from '../target/value/values.ts';
import { asObject, asString, elements, type JsonObject, property, valueAt } from '../workload/json.ts';
import { type EditedText, shownValue, type ValueChange } from './edited-text.ts';

/**
 * Edits `.argocd-source-NAME.yaml`, which overrides what the Application says: Helm's parameters and a plugin's variables by their
 * names, kustomize's images by their repositories. Entries that are there keep their order, their comments and their `forceString`.
 *
 * Argo CD takes each list of the file in place of the Application's own (argo-cd #6665). So where a list is made, the
 * Application's own goes along, and nothing changes but the image.
 *
 * @param text null where there is no such file yet.
 * @param own the Application's source, as it was read.
 */
export function editArgoCdSource(text: string | null, values: readonly ProposedValues[], own: JsonObject): EditedText {
  let current = text ?? '';
  const told: ValueChange[] = [];
  for (const proposed of values) {
    const edited = editOne(current, proposed, own);
    if (!edited.ok) return edited;
    current = edited.text;
    told.push(...edited.changes);
  }
  return { ok: true, text: current, changes: told };
}

function editOne(text: string, proposed: ProposedValues, own: JsonObject): EditedText {
  const read = readManifest(text);
  if (!read.ok) return read;
  const root = read.manifest.documents[0]?.value ?? null;
  const edit = editList(asObject(root) ?? {}, proposed);
  const { block, list } = edit;
  const former = valueAt(root, [block, list]) ?? null;
  if (!isMapping(root) || !isMapping(property(root, block)) || (former !== null && !Array.isArray(former))) {
    return refused(`${block}.${list} is not the list that Argo CD has there`);
  }
  const isMade = former === null;
  const { changes, told } = isMade ? makeList(root, proposed, own) : mendList(elements(former), edit);
  const changed = changeManifest(text, changes);
  return changed.ok ? { ...changed, changes: told } : changed;
}

interface Steps {
  readonly changes: readonly Change[];
  readonly told: readonly ValueChange[];
}

/** Only what is not as it should be, in the list that the file has. */
function mendList(entries: readonly unknown[], { block, list, replacements, additions }: ListEdit): Steps {
  const changes: Change[] = [];
  const told: ValueChange[] = [];
  const forceString = forceStringKey(entries);
  for (const { index, value } of replacements) {
    const entry = entries[index];
    const path = [block, list, index];
    if (list === 'images') changes.push({ kind: 'set', path, value });
    else if (Object.hasOwn(asObject(entry) ?? {}, 'value'))
      changes.push({ kind: 'set', path: [...path, 'value'], value });
    else changes.push({ kind: 'add', path, key: 'value', value });
    told.push({ place: placeOf(block, list, entry), from: shownValue(textOf(entry)), to: value });
  }
  for (const entry of additions) {
    changes.push({ kind: 'append', path: [block, list], value: newEntry(entry, forceString) });
    told.push({ place: placeOf(block, list, entry), from: null, to: shownValue(textOf(entry)) });
  }
  return { changes, told };
}

/** The Application's own list with what should be said, as the file's; nothing where that says it already. */
function makeList(root: unknown, proposed: ProposedValues, own: JsonObject): Steps {
  const { block, list, replacements, additions } = editList(own, proposed);
  if (replacements.length === 0 && additions.length === 0) return { changes: [], told: [] };
  const mended = elements(valueAt(own, [block, list])).map((entry, index) => {
    const value = replacements.find((one) => one.index === index)?.value;
    if (value === undefined) return entry;
    return list === 'images' ? value : { ...asObject(entry), value };
  });
  const values = [...mended, ...additions].map((entry) => newEntry(entry, 'forceString'));
  const said = [...replacements.map(({ index }) => mended[index]), ...additions];
  const told = said.map((entry) => ({ place: placeOf(block, list, entry), from: null, to: shownValue(textOf(entry)) }));
  if (Object.hasOwn(asObject(property(root, block)) ?? {}, list)) {
    return { changes: values.map((value) => ({ kind: 'append', path: [block, list], value })), told };
  }
  const change: Change = Object.hasOwn(asObject(root) ?? {}, block)
    ? { kind: 'add', path: [block], key: list, value: values }
    : { kind: 'add', path: [], key: block, value: { entries: [[list, values]] } };
  return { changes: [change], told };
}

function newEntry(entry: unknown, forceString: string): NewValue {
  if (typeof entry === 'string') return entry;
  const isForced = property(entry, 'forceString');
  return {
    entries: [
      ['name', asString(property(entry, 'name')) ?? ''],
      ['value', asString(property(entry, 'value')) ?? ''],
      ...(typeof isForced === 'boolean' ? [[forceString, isForced] as const] : []),
    ],
  };
}

function placeOf(block: string, list: string, entry: unknown): string {
  const parsed = typeof entry === 'string' ? parseKustomizeImage(entry) : null;
  const image = parsed === null ? null : (parsed.name ?? parsed.newName);
  return `${block}.${list}[${image ?? asString(property(entry, 'name')) ?? ''}]`;
}

function textOf(entry: unknown): unknown {
  return typeof entry === 'string' ? entry : property(entry, 'value');
}

/** Go reads the key in any case, and Argo CD Image Updater writes it in small letters: the file's own spelling stays. */
function forceStringKey(entries: readonly unknown[]): string {
  const keys = entries.flatMap((entry) => Object.keys(asObject(entry) ?? {}));
  return keys.findLast((key) => key.toLowerCase() === 'forcestring') ?? 'forceString';
}

function isMapping(value: unknown): boolean {
  return value === null || value === undefined || asObject(value) !== null;
}

function refused(message: string): EditedText {
  return { ok: false, problem: { line: 1, column: 1, message } };
}
