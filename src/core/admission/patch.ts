import { asObject, type JsonObject, property } from '../workload/json.ts';
import { fitPins, PINS_ANNOTATION, type Shortened } from '../workload/pins.ts';
import { PINNED_LABEL, REFRESH_ANNOTATION } from '../workload/targets.ts';
import type { AdmissionPlan } from './plan.ts';

/** One operation of a JSON Patch (RFC 6902). `test` is never among them: one that fails is a 500 for the user. */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

export interface Patch {
  readonly operations: readonly PatchOperation[];
  /** What had to go from the record so that it fits. */
  readonly shortened: Shortened;
}

/**
 * The difference between the submitted object and the plan: only what differs, on paths that were seen in the object, so
 * that it always applies.
 */
export function makePatch(object: JsonObject, plan: AdmissionPlan): Patch {
  const images = plan.slots
    .filter(({ slot, image }) => image !== slot.image)
    .map(({ slot, image }): PatchOperation => ({ op: 'replace', path: pointer(slot.path), value: image }));
  const metadata = property(object, 'metadata');
  // Metadata that is no object is refused by the API server; there is no place in it for annotations.
  if (metadata !== null && asObject(metadata) === null) return { operations: images, shortened: 'nothing' };

  const annotations = plan.pins === null ? null : annotationChanges(property(metadata, 'annotations'), plan.pins);
  const changes = new Map([['annotations', annotations?.changes ?? []]]);
  if (plan.label) changes.set('labels', [[PINNED_LABEL, 'true']]);
  const operations = [...images, ...metadataOperations(asObject(metadata), changes)];
  return { operations, shortened: annotations?.shortened ?? 'nothing' };
}

/** A key and its new value, null where it goes. */
type Change = readonly [key: string, value: string | null];

function annotationChanges(value: unknown, pins: NonNullable<AdmissionPlan['pins']>) {
  const annotations = asObject(value) ?? {};
  const others = Object.entries(annotations).filter(([key]) => key !== PINS_ANNOTATION && key !== REFRESH_ANNOTATION);
  const { text, shortened } = fitPins(pins, others);
  const wanted: Change[] = [
    [PINS_ANNOTATION, text],
    [REFRESH_ANNOTATION, null],
  ];
  const changes = wanted.filter(([key, next]) => (Object.hasOwn(annotations, key) ? annotations[key] : null) !== next);
  return { changes, shortened };
}

/** A map that is absent, or null, is added whole; a key is added, replaced or removed in one that is there. */
function metadataOperations(
  metadata: JsonObject | null,
  changes: ReadonlyMap<string, readonly Change[]>,
): readonly PatchOperation[] {
  const whole: Record<string, Record<string, string>> = {};
  const operations: PatchOperation[] = [];
  for (const [name, list] of changes) {
    const map = asObject(property(metadata, name));
    if (map !== null) {
      operations.push(...list.map((change) => keyOperation(name, map, change)));
      continue;
    }
    const added = list.filter((change): change is readonly [string, string] => change[1] !== null);
    if (added.length > 0) whole[name] = Object.fromEntries(added);
  }
  if (metadata === null) {
    return Object.keys(whole).length === 0 ? [] : [{ op: 'add', path: '/metadata', value: whole }];
  }
  const maps = Object.entries(whole).map(
    ([name, value]): PatchOperation => ({ op: 'add', path: `/metadata/${name}`, value }),
  );
  return [...maps, ...operations];
}

function keyOperation(name: string, map: JsonObject, [key, value]: Change): PatchOperation {
  const path = pointer(['metadata', name, key]);
  if (value === null) return { op: 'remove', path };
  return { op: Object.hasOwn(map, key) ? 'replace' : 'add', path, value };
}

/** A JSON Pointer (RFC 6901). */
function pointer(path: readonly (string | number)[]): string {
  return path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
