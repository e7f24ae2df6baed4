import { asObject, property, valueAt } from '../../workload/json.ts';
import { editList, type ListEdit } from './list-edit.ts';
import type { ApplicationSource } from './source.ts';
import type { ProposedValues } from './values.ts';

/** One operation of a JSON Patch (RFC 6902) for an Application. */
export interface ApplicationOperation {
  readonly op: 'test' | 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** One image's values, and the source that takes them. */
export interface SourceChange {
  readonly source: ApplicationSource;
  readonly proposed: ProposedValues;
}

/**
 * The patch that makes an Application's sources say what they should, and nothing else: other entries, their order and `forceString`
 * stay. It fails, as a whole, where what it relies on has changed since it was read:
 * - the object is another one of the same name, or the source another one in the same place;
 * - an entry that is replaced has another name or value, or is elsewhere;
 * - a list that is added to is another one; a block or a list that is created has appeared.
 *
 * The resource version is not among that: Argo CD writes its status to the same object all the time.
 *
 * @returns no operation at all where nothing differs.
 */
export function applicationPatch(uid: string, changes: readonly SourceChange[]): readonly ApplicationOperation[] {
  const operations = [...Map.groupBy(changes, ({ source }) => source.pointer).values()].flatMap((group) => {
    const source = group[0]?.source;
    return source === undefined ? [] : sourceOperations(source, joinEdits(source, group));
  });
  return operations.length === 0 ? [] : [{ op: 'test', path: '/metadata/uid', value: uid }, ...operations];
}

/** One edit for each list, however many images share it. */
function joinEdits(source: ApplicationSource, changes: readonly SourceChange[]): readonly ListEdit[] {
  const edits = changes.map(({ proposed }) => editList(source.raw, proposed));
  return [...Map.groupBy(edits, ({ list }) => list).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const replacements = new Map(group.flatMap(({ replacements }) => replacements.map((each) => [each.index, each])));
    const additions = new Map(group.flatMap(({ additions }) => additions.map((each) => [entryKey(each), each])));
    return [{ ...first, replacements: [...replacements.values()], additions: [...additions.values()] }];
  });
}

/** Two images may need the same parameter for their common name; it is added once. */
function entryKey(entry: ListEdit['additions'][number]): unknown {
  return typeof entry === 'string' ? entry : property(entry, 'name');
}

function sourceOperations(source: ApplicationSource, edits: readonly ListEdit[]): readonly ApplicationOperation[] {
  const operations = edits.flatMap((edit) => listOperations(source, edit));
  if (operations.length === 0) return [];
  const { pointer, raw } = source;
  const identity = ['repoURL', 'path', 'chart', 'ref', 'name'].flatMap((name) =>
    typeof raw[name] === 'string' ? [test(`${pointer}/${name}`, raw[name])] : [],
  );
  return [...identity, ...operations];
}

function listOperations({ pointer, raw }: ApplicationSource, edit: ListEdit): readonly ApplicationOperation[] {
  const { block, list, replacements, additions } = edit;
  const there = asObject(property(raw, block));
  const entries = property(there, list);
  const path = `${pointer}/${block}/${list}`;
  if (!Array.isArray(entries)) {
    if (additions.length === 0) return [];
    // What is not there can't be tested; that which it would be in can.
    return there === null
      ? [test(pointer, raw), add(`${pointer}/${block}`, { [list]: additions })]
      : [test(`${pointer}/${block}`, there), add(path, additions)];
  }
  return [
    ...(additions.length === 0 ? [] : [test(path, entries)]),
    ...replacements.flatMap(({ index, value }) => replacement(`${path}/${index}`, entries[index], value)),
    ...additions.map((entry) => add(`${path}/-`, entry)),
  ];
}

function replacement(path: string, entry: unknown, value: string): readonly ApplicationOperation[] {
  if (typeof entry === 'string') return [test(path, entry), { op: 'replace', path, value }];
  const before = valueAt(entry, ['value']);
  return before === null
    ? [test(path, entry), add(`${path}/value`, value)]
    : [
        test(`${path}/name`, property(entry, 'name')),
        test(`${path}/value`, before),
        { op: 'replace', path: `${path}/value`, value },
      ];
}

function test(path: string, value: unknown): ApplicationOperation {
  return { op: 'test', path, value };
}

function add(path: string, value: unknown): ApplicationOperation {
  return { op: 'add', path, value };
}
