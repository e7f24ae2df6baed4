import { pinnedText } from '../../image/reference.ts';
import type { ImageValue } from '../../sweep/value.ts';
import { asObject, type JsonObject, property, valueAt } from '../../workload/json.ts';
import { templatePath } from '../../workload/kinds.ts';
import { fitPins, nextEntry, PINS_ANNOTATION, readPins } from '../../workload/pins.ts';
import type { SubmittedSlot } from '../../workload/slots.ts';
import { annotationOf, REFRESH_ANNOTATION } from '../../workload/targets.ts';
import type { FollowedByWorkload, WorkloadTarget } from '../workload.ts';
import { FOLLOW_ANNOTATION } from './follow.ts';
import { RESTART_ANNOTATION, restartMark, type VariablePlace } from './place.ts';

/** One operation of a JSON Patch (RFC 6902) for a workload. */
export interface WorkloadOperation {
  readonly op: 'test' | 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/** One value that is to be written. */
export interface PlannedImage {
  readonly image: FollowedByWorkload;
  readonly value: ImageValue;
  /** It stands there already, and is to be rolled out once more. */
  readonly isAgain: boolean;
  /** When it was attempted, in milliseconds since 1970, and how often. */
  readonly at: number;
  readonly count: number;
}

/** What goes into one patch. */
export interface WorkloadPatch {
  readonly operations: readonly WorkloadOperation[];
  /** The value of `tagpin.dev/refresh` in it; null where nothing is asked of the webhook. */
  readonly refresh: string | null;
}

/** The digest last moved to and when, for people. */
const LAST_REFRESH_ANNOTATION = 'tagpin.dev/last-refresh';

/**
 * One patch for everything of a workload that moves, so that it is one rollout. It fails, as a whole, where what it relies on has
 * changed since it was read: which object it is, what it follows, the images and variables that are written, and what they are in.
 *
 * @param history how many earlier pairs a record of pins remembers.
 * @param told what `tagpin.dev/last-refresh` is to say; null where it stays.
 */
export function workloadPatch(
  workload: WorkloadTarget,
  writes: readonly PlannedImage[],
  { history, told }: { readonly history: number; readonly told: string | null },
): WorkloadPatch {
  const { object, kind, uid } = workload;
  const tests: WorkloadOperation[] = [test(['metadata', 'uid'], uid)];
  const changes: WorkloadOperation[] = [];
  const annotate = (key: string, value: string): void => {
    changes.push({ op: 'add', path: pointer(['metadata', 'annotations', key]), value });
  };
  if (writes.length > 0) tests.push(test(annotationPath(FOLLOW_ANNOTATION), annotationOf(object, FOLLOW_ANNOTATION)));
  for (const { image } of writes) if (image.slot !== null) tests.push(...slotTests(image.slot));

  // What stands there already is only rolled out once more, which no webhook is needed for.
  const of = (action: FollowedByWorkload['action']) =>
    writes.filter(({ image, isAgain }) => image.action === action && !isAgain);
  const refresh = refreshValue(of('refresh'));
  if (refresh !== null) annotate(REFRESH_ANNOTATION, refresh);
  const images = setImages(object, of('set-image'), history);
  const variables = setVariables(of('set-env'));
  const restarted = writes.find(({ image, isAgain }) => isAgain || image.action === 'restart');
  const restart = restarted === undefined || kind === 'CronJob' ? NO_EDIT : restartPods(workload, restarted.at);
  for (const edit of [images, variables, restart]) {
    tests.push(...edit.tests);
    changes.push(...edit.changes);
  }
  if (told !== null) annotate(LAST_REFRESH_ANNOTATION, told);
  return { operations: [...tests, ...changes], refresh };
}

/** Takes a refresh off again that no webhook saw. */
export function withoutRefresh(value: string): readonly WorkloadOperation[] {
  const path = annotationPath(REFRESH_ANNOTATION);
  return [test(path, value), { op: 'remove', path: pointer(path) }];
}

/** `api=sha256:…,web=sha256:…;sweep-…`: with the digests, so that the webhook pins what was chosen and verified, or nothing. */
function refreshValue(writes: readonly PlannedImage[]): string | null {
  const [first] = writes;
  if (first === undefined) return null;
  const targets = writes.map(({ image, value }) => `${image.key}=${value.digest ?? ''}`);
  return `${targets.join(',')};sweep-${first.at.toString(36)}-${first.count}`;
}

interface Edit {
  readonly tests: readonly WorkloadOperation[];
  readonly changes: readonly WorkloadOperation[];
}

const NO_EDIT: Edit = { tests: [], changes: [] };

/** Images by digest, and the record by which the webhook knows what they were pinned from. */
function setImages(object: JsonObject, writes: readonly PlannedImage[], history: number): Edit {
  if (writes.length === 0) return NO_EDIT;
  const stored = annotationOf(object, PINS_ANNOTATION);
  const pins = readPins(stored);
  const entries = new Map(pins.entries);
  const changes: WorkloadOperation[] = [];
  for (const { image, value } of writes) {
    const { slot, followed } = image;
    if (slot === null || slot.reference === null || value.digest === null) continue;
    const text = pinnedText(slot.reference, value.digest, 'digest');
    changes.push({ op: 'replace', path: pointer(slot.path), value: text });
    const pin = { reference: followed, digest: value.digest };
    entries.set(slot.key, nextEntry(entries.get(slot.key) ?? null, pin, history));
  }
  const others = Object.entries(asObject(valueAt(object, ['metadata', 'annotations'])) ?? {});
  const { text } = fitPins(
    { ...pins, entries },
    others.filter(([key]) => key !== PINS_ANNOTATION),
  );
  const path = annotationPath(PINS_ANNOTATION);
  if (text !== null) changes.push({ op: 'add', path: pointer(path), value: text });
  return { tests: stored === null ? [] : [test(path, stored)], changes };
}

function setVariables(writes: readonly PlannedImage[]): Edit {
  const tests: WorkloadOperation[] = [];
  const changes: WorkloadOperation[] = [];
  const placed = writes.flatMap(({ image: { variable }, value }) => (variable === null ? [] : [{ variable, value }]));
  for (const group of Map.groupBy(placed, ({ variable }) => pointer(variable.container)).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { container, raw } = first.variable;
    const list = property(raw, 'env');
    const path = [...container, 'env'];
    const added = group.filter(({ variable }) => variable.index === null).map(newVariable);
    if (!Array.isArray(list)) {
      // What is not there can't be tested; that which it would be in can.
      tests.push(test(container, raw));
      changes.push({ op: 'add', path: pointer(path), value: added });
      continue;
    }
    for (const { variable, value } of group) {
      if (variable.index === null) continue;
      tests.push(test([...path, variable.index], list[variable.index]));
      changes.push({ op: 'add', path: pointer([...path, variable.index, 'value']), value: value.digest });
    }
    if (added.length > 0) tests.push(test(path, list));
    for (const value of added) changes.push({ op: 'add', path: pointer([...path, '-']), value });
  }
  return { tests, changes };
}

function newVariable({ variable, value }: { readonly variable: VariablePlace; readonly value: ImageValue }) {
  return { name: variable.name, value: value.digest };
}

/** As `kubectl rollout restart` does. */
function restartPods({ kind, object }: WorkloadTarget, at: number): Edit {
  const path = [...templatePath(kind), 'metadata'];
  const metadata = asObject(valueAt(object, path));
  const annotations = asObject(property(metadata, 'annotations'));
  const mark = restartMark(at);
  if (annotations !== null) {
    return {
      tests: [],
      changes: [{ op: 'add', path: pointer([...path, 'annotations', RESTART_ANNOTATION]), value: mark }],
    };
  }
  const value = { [RESTART_ANNOTATION]: mark };
  return metadata === null
    ? { tests: [], changes: [{ op: 'add', path: pointer(path), value: { annotations: value } }] }
    : { tests: [test(path, metadata)], changes: [{ op: 'add', path: pointer([...path, 'annotations']), value }] };
}

/** Which container it is, and what it runs. */
function slotTests({ path, list, name, image }: SubmittedSlot): readonly WorkloadOperation[] {
  const holder = path.slice(0, list === 'volumes' ? -2 : -1);
  return [test([...holder, 'name'], name), test(path, image)];
}

function annotationPath(key: string): readonly string[] {
  return ['metadata', 'annotations', key];
}

function test(path: readonly (string | number)[], value: unknown): WorkloadOperation {
  return { op: 'test', path: pointer(path), value };
}

/** RFC 6901. */
function pointer(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
