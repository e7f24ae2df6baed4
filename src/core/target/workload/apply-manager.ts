import { asObject, asString, elements, property, valueAt } from '../../workload/json.ts';

/** A step to a field: the name of a property, or of an entry of a list whose key is `name`. */
export type FieldStep = string | { readonly named: string };

const OWN_MANAGER = 'tagpin';

/**
 * The manager that applies a field by server-side apply, and so would put it back or meet a conflict; null where nobody does. Of
 * several the first (https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy).
 */
export function applyManagerOf(object: unknown, field: readonly FieldStep[]): string | null {
  for (const entry of elements(valueAt(object, ['metadata', 'managedFields']))) {
    if (property(entry, 'operation') !== 'Apply') continue;
    const manager = asString(property(entry, 'manager'));
    if (manager !== null && manager !== OWN_MANAGER && owns(property(entry, 'fieldsV1'), field)) return manager;
  }
  return null;
}

function owns(fields: unknown, [step, ...rest]: readonly FieldStep[]): boolean {
  if (step === undefined) return true;
  const inner = asObject(stepInto(fields, step));
  if (inner === null) return false;
  // Whoever owns the whole of something owns what is in it: nothing is listed there then.
  return rest.length === 0 || (Object.keys(inner).length === 0 && typeof step === 'string') || owns(inner, rest);
}

function stepInto(fields: unknown, step: FieldStep): unknown {
  if (typeof step === 'string') return property(fields, `f:${step}`);
  const entry = Object.entries(asObject(fields) ?? {}).find(([key]) => keyName(key) === step.named);
  return entry?.[1] ?? null;
}

/** `api` of `k:{"name":"api"}`. */
function keyName(key: string): string | null {
  if (!key.startsWith('k:')) return null;
  try {
    return asString(property(JSON.parse(key.slice(2)), 'name'));
  } catch {
    return null;
  }
}
