import { asObject, asString, elements, property, valueAt } from '../../workload/json.ts';

/** The field manager of what tagpin writes. */
const OWN_MANAGER = 'tagpin';

const SOURCES = ['f:source', 'f:sources', 'f:sourceHydrator'];

/**
 * Who changed an Application's sources last, by its managed fields: `kubectl-edit`, `argocd-controller`; null where nobody is named, or
 * tagpin itself.
 *
 * @param fields of the spec, where others than an Application's sources are meant.
 */
export function lastManager(object: unknown, fields: readonly string[] = SOURCES): string | null {
  let latest = '';
  let name: string | null = null;
  for (const entry of elements(valueAt(object, ['metadata', 'managedFields']))) {
    const spec = asObject(valueAt(entry, ['fieldsV1', 'f:spec'])) ?? {};
    if (!fields.some((field) => Object.hasOwn(spec, field))) continue;
    // RFC 3339 in UTC and whole seconds: as texts in order. Of two in one second the other one is the news.
    const time = asString(property(entry, 'time')) ?? '';
    const manager = asString(property(entry, 'manager'));
    if (manager === null || time < latest || (time === latest && manager === OWN_MANAGER)) continue;
    latest = time;
    name = manager;
  }
  return name === OWN_MANAGER ? null : name;
}
