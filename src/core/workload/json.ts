/** A JSON object that came from outside: anything may be in it, nothing is merged from it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as a JSON object, or null where it is anything else. */
export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** The value as a string, or null where it is anything else. */
export function asString(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** An own property; null where the value is no object, or has none of that name. */
export function property(value: unknown, name: string): unknown {
  const object = asObject(value);
  return object !== null && Object.hasOwn(object, name) ? object[name] : null;
}

/** The value at a path of property names; null where the path ends early. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(property, value);
}

/** The elements of an array; none where the value is anything else. */
export function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
