import type { ApiObject, ControlPlane } from '../environment/control-plane.ts';

/** What an API server says of its own types. */
export interface ApiTypes {
  /** `apps/Deployment`, `/Pod`: every kind that can hold a type, at whatever depth. */
  kindsWith(type: string): readonly string[];
  /** Where a type has text under one of these names: `containers[].image`. */
  fieldsOf(type: string, names: readonly string[]): readonly string[];
}

/** Reads all of `/openapi/v3`. */
export async function readApiTypes(plane: ControlPlane): Promise<ApiTypes> {
  const { paths } = await plane.get('/openapi/v3');
  const documents = Object.values<ApiObject>(paths).map(({ serverRelativeURL }) => plane.get(serverRelativeURL));
  const schemas: Record<string, ApiObject> = {};
  for (const { components } of await Promise.all(documents)) Object.assign(schemas, components?.schemas);

  const holds = (type: string, wanted: string, seen: Set<string>): boolean => {
    if (type === wanted) return true;
    if (seen.has(type)) return false;
    seen.add(type);
    return fields(schemas[type]).some((field) => field.type !== null && holds(field.type, wanted, seen));
  };
  const fieldsOf = (type: string, names: readonly string[], above: readonly string[] = []): readonly string[] =>
    fields(schemas[type]).flatMap((field): readonly string[] => {
      if (field.type === null) return field.isText && names.includes(field.name) ? [field.path] : [];
      if (above.includes(field.type)) return [];
      return fieldsOf(field.type, names, [...above, type]).map((path) => `${field.path}.${path}`);
    });
  return {
    fieldsOf,
    kindsWith(type) {
      const kinds = Object.entries(schemas).flatMap(([name, schema]) => {
        const isObject = 'metadata' in (schema.properties ?? {}) && !name.endsWith('List');
        const versions: readonly ApiObject[] = schema['x-kubernetes-group-version-kind'] ?? [];
        if (!isObject || !holds(name, type, new Set())) return [];
        return versions.map(({ group, kind }) => `${group}/${kind}`);
      });
      return [...new Set(kinds)].toSorted();
    },
  };
}

interface Field {
  readonly name: string;
  /** With `[]` behind a list. */
  readonly path: string;
  /** The type that it refers to; null for what is no object. */
  readonly type: string | null;
  readonly isText: boolean;
}

function fields(schema: ApiObject): readonly Field[] {
  return Object.entries<ApiObject>(schema?.properties ?? {}).map(([name, property]) => {
    const each = property.items ?? property.additionalProperties ?? property;
    const reference: string | undefined = each.$ref ?? each.allOf?.[0]?.$ref;
    const type = reference?.split('/').at(-1) ?? null;
    return { name, path: property.items === undefined ? name : `${name}[]`, type, isText: each.type === 'string' };
  });
}
