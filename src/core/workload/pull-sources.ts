import { asString, elements, property, valueAt } from './json.ts';
import { templatePath, type WorkloadKind } from './kinds.ts';

/** Where the credentials of an object's Pods come from, all of it in the object's namespace. */
export interface PullSources {
  /** The names of `imagePullSecrets`, in their order, each once. */
  readonly secrets: readonly string[];
  /** The ServiceAccount whose `imagePullSecrets` count as well; `default` where none is named. Null for a name that is none. */
  readonly serviceAccount: string | null;
}

/** A DNS subdomain, as the names of Secrets and ServiceAccounts are. */
const OBJECT_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Reads where the credentials of an object's Pods come from, at the place that its kind has for a Pod spec. */
export function pullSources(kind: WorkloadKind, object: unknown): PullSources {
  const spec = valueAt(object, [...templatePath(kind), 'spec']);
  // The older field is the same, and the API server fills in the other for both.
  const named = [property(spec, 'serviceAccountName'), property(spec, 'serviceAccount')].map(asString);
  const account = named.find((name) => name !== null && name !== '') ?? 'default';
  return { secrets: pullSecretNames(spec), serviceAccount: isObjectName(account) ? account : null };
}

/**
 * The names in the `imagePullSecrets` of a Pod spec or of a ServiceAccount, in their order, each once. What can be no name of
 * a Secret is left out: there is none.
 */
export function pullSecretNames(holder: unknown): readonly string[] {
  const names = elements(property(holder, 'imagePullSecrets')).map((each) => asString(property(each, 'name')));
  return [...new Set(names.filter((name) => name !== null && isObjectName(name)))] as readonly string[];
}

/** Could a Secret, a ServiceAccount or a Namespace have this name? */
export function isObjectName(text: string): boolean {
  return OBJECT_NAME.test(text);
}
