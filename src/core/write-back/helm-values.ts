import { type ImageReference, parseReference } from '../image/reference.ts';
import { type Change, changeManifest } from '../manifest/change.ts';
import { pathText } from '../manifest/document.ts';
import { readManifest } from '../manifest/read.ts';
import type { NewValue } from '../manifest/rendering.ts';
import { isSameImage } from '../target/value/kustomize-image.ts';
import { isSameValue, type ValueRole } from '../target/value/values.ts';
import { asObject, asString } from '../workload/json.ts';
import { type EditedText, shownValue, type ValueChange } from './edited-text.ts';
import { findValue, type PlacedValue, parseValuesPath } from './values-path.ts';

/** A value that a file of Helm values is to have. */
export interface HelmValue {
  /** Its path: `image.tag`, `a.b[0].c`. */
  readonly name: string;
  readonly value: string;
  /** What it is of an image: a name is not written anew where another spelling of it stands there. */
  readonly role: ValueRole;
  /** `if-there`: only where the file has it already. */
  readonly where: 'always' | 'if-there';
}

interface Plan {
  readonly change: Change | null;
  readonly told: ValueChange;
}

/**
 * Gives values of a file of Helm values other texts. What is missing is made, in the mapping that it belongs to. A name that is written
 * without a registry stays so: charts write that in another place.
 *
 * @param text null where there is no such file yet.
 */
export function editHelmValues(text: string | null, values: readonly HelmValue[]): EditedText {
  const read = readManifest(text ?? '');
  if (!read.ok) return read;
  const { documents } = read.manifest;
  if (documents.length > 1) return refused('it holds several documents: Helm reads the first alone');
  const root = documents[0]?.value ?? null;
  if (root !== null && asObject(root) === null) return refused('it is no mapping of values');

  const sets: Change[] = [];
  const missing: HelmValue[] = [];
  const changes: ValueChange[] = [];
  for (const wanted of values) {
    const placed = place(root, wanted);
    if (placed.kind === 'blocked') return refused(placed.problem);
    if (placed.kind === 'missing') {
      if (wanted.where === 'always') missing.push(wanted);
      continue;
    }
    const { change, told } = setValue(placed, wanted);
    if (change === null) continue;
    sets.push(change);
    changes.push(told);
  }
  const set = changeManifest(text ?? '', sets);
  return set.ok ? addValues(set.text, missing, changes) : set;
}

/** One after the other: what was made for the first is there for the second. */
function addValues(text: string, missing: readonly HelmValue[], changes: readonly ValueChange[]): EditedText {
  const [wanted, ...others] = missing;
  if (wanted === undefined) return { ok: true, text, changes };
  const read = readManifest(text);
  if (!read.ok) return read;
  const placed = place(read.manifest.documents[0]?.value ?? null, wanted);
  if (placed.kind === 'blocked') return refused(placed.problem);
  // Named twice: the first of them has made it.
  if (placed.kind === 'there') return addValues(text, others, changes);
  const [key = '', ...inner] = placed.keys;
  const value = inner.reduceRight<NewValue>((made, name) => ({ entries: [[name, made]] }), wanted.value);
  const added = changeManifest(text, [{ kind: 'add', path: placed.path, key, value }]);
  if (!added.ok) return added;
  return addValues(added.text, others, [...changes, { place: wanted.name, from: null, to: wanted.value }]);
}

function place(root: unknown, { name }: HelmValue): PlacedValue {
  const parsed = parseValuesPath(name);
  if (!parsed.ok) return { kind: 'blocked', path: [], problem: parsed.problem };
  const placed = findValue(root, parsed.steps);
  if (placed.kind !== 'blocked') return placed;
  const where = placed.path.length === 0 ? '' : ` at ${pathText(placed.path)}`;
  return { ...placed, problem: `${name} cannot be set: ${placed.problem}${where}` };
}

function setValue({ path, value }: PlacedValue & { kind: 'there' }, wanted: HelmValue): Plan {
  const former = asString(value);
  const to = former === null ? wanted.value : respell(former, wanted);
  const told = { place: wanted.name, from: shownValue(value), to };
  return { change: to === former ? null : { kind: 'set', path, value: to }, told };
}

/** What is to be written in place of a text; the text itself where it says the same. */
function respell(former: string, { role, value }: HelmValue): string {
  if (role === 'tag' || role === 'digest') return value;
  if (isSameValue(role, former, value)) return former;
  const [before, after] = [parseReference(former), parseReference(value)];
  if (!before.ok || !after.ok) return value;
  const rest = value.slice(after.reference.name.length);
  if (isSameImage(before.reference.name, after.reference.name)) return `${before.reference.name}${rest}`;
  if (hasRegistry(before.reference) || !hasRegistry(after.reference)) return value;
  return `${after.reference.name.slice(after.reference.name.indexOf('/') + 1)}${rest}`;
}

/** Is the registry written? Docker Hub's may be left out, and charts often write it somewhere else. */
function hasRegistry({ name }: ImageReference): boolean {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  return /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
}

function refused(message: string): EditedText {
  return { ok: false, problem: { line: 1, column: 1, message } };
}
