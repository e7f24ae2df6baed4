/** One of the API server's collections, objects or subresources. */
export interface ResourceName {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** The plural in lower case: `deployments`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/**
 * The path of a resource (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris). Names come from objects
 * and command lines, so each is one segment of the path whatever it holds.
 *
 * @throws RangeError for an empty name, and for `.` and `..`, which a URL takes away.
 */
export function resourcePath({ group, version, resource, namespace, name, subresource }: ResourceName): string {
  const root = group === '' ? ['api', version] : ['apis', group, version];
  const scope = namespace === undefined ? [] : ['namespaces', namespace];
  const parts = [...root, ...scope, resource, ...given(name), ...given(subresource)];
  return parts.map((part) => `/${segment(part)}`).join('');
}

function given(part: string | undefined): readonly string[] {
  return part === undefined ? [] : [part];
}

function segment(text: string): string {
  if (text === '' || text === '.' || text === '..') {
    throw new RangeError(`not a name of anything in Kubernetes: ${JSON.stringify(text)}`);
  }
  return encodeURIComponent(text);
}
