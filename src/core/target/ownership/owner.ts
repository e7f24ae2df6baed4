import { asObject, asString, elements, property, valueAt } from '../../workload/json.ts';
import { annotationOf } from '../../workload/targets.ts';
import { coversPointer } from './ignored-difference.ts';

/** Who made an Application, and keeps it as it was made. */
export interface Owner {
  readonly kind: 'ApplicationSet' | 'Application';
  /** Null where it is not said, which means Argo CD's own. */
  readonly namespace: string | null;
  readonly name: string;
}

const TRACKING_ID = 'argocd.argoproj.io/tracking-id';
const INSTANCE_LABEL = 'app.kubernetes.io/instance';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** As Argo CD's syncs write: with server-side apply, and with the older way. */
const ARGO_CD_MANAGERS = new Set(['argocd-controller', 'argocd-application-controller']);
/** Flux applies again, on the minute, what it owns. */
const APPLYING_MANAGERS = new Set(['kustomize-controller', 'helm-controller']);

/** The name by which our own writes are known. */
const OWN_MANAGER = 'tagpin';

/** The ApplicationSet of an Application, or the Application of which it is a part; null where it is nobody's. */
export function readOwner(object: unknown): Owner | null {
  const namespace = asString(valueAt(object, ['metadata', 'namespace']));
  for (const reference of elements(valueAt(object, ['metadata', 'ownerReferences']))) {
    const isArgo = asString(property(reference, 'apiVersion'))?.startsWith('argoproj.io/') === true;
    const name = asString(property(reference, 'name'));
    if (isArgo && property(reference, 'kind') === 'ApplicationSet' && name !== null) {
      return { kind: 'ApplicationSet', namespace, name };
    }
  }
  const own = asString(valueAt(object, ['metadata', 'name']));
  const tracked = trackedBy(annotationOf(object, TRACKING_ID), namespace, own);
  const labelled = asString(valueAt(object, ['metadata', 'labels', INSTANCE_LABEL]));
  const instance = tracked ?? (labelled === own || labelled === '' ? null : labelled);
  if (instance === null) return null;
  // Outside of Argo CD's namespace an Application is called NAMESPACE_NAME.
  const [first = '', second] = instance.split('_');
  return second === undefined
    ? { kind: 'Application', namespace: null, name: first }
    : { kind: 'Application', namespace: first, name: second };
}

/** `APPLICATION:GROUP/KIND:NAMESPACE/NAME`; of another object where it was copied along. */
function trackedBy(id: string | null, namespace: string | null, name: string | null): string | null {
  const [application = '', kind, object] = id?.split(':') ?? [];
  return kind === 'argoproj.io/Application' && object === `${namespace}/${name}` && application !== ''
    ? application
    : null;
}

/**
 * Who would put back what is written to a list of an Application's source.
 *
 * An ApplicationSet always does, unless it only creates, or ignores differences there. An Application does where its manifest of
 * this one has the list (measured: parameters survive a block of `valueFiles`, and not one of other parameters): that manifest is the
 * last applied one, or what Argo CD's field managers own; and of `sources`, a list that is written as one, wherever it has any.
 * Nothing is known from an object alone about who else might write it.
 *
 * @param parent the owner's own object, where it is known; null otherwise.
 * @param path of the list, from the object's root: `spec`, `source`, `helm`, `parameters`.
 * @returns its name for people; null where nobody is known to.
 */
export function revertedBy(
  object: unknown,
  owner: Owner | null,
  parent: unknown,
  path: readonly string[],
): string | null {
  const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
  const list = path[1] === 'sources' ? path.slice(0, 2) : path;
  switch (owner?.kind) {
    case 'ApplicationSet':
      return keepsDifferences(parent, name, path) ? null : describeOwner(owner);
    case 'Application': {
      const has = valueAt(lastApplied(object), list) !== null || managers(object, list, ARGO_CD_MANAGERS).length > 0;
      return has && !ignoresDifferences(parent, object, path) ? describeOwner(owner) : null;
    }
    case undefined:
      return managers(object, list, APPLYING_MANAGERS)[0] ?? null;
  }
}

/** `Application argocd/apps`. */
function describeOwner({ kind, namespace, name }: Owner): string {
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
}

/** Does an ApplicationSet leave alone what stands there? */
function keepsDifferences(applicationSet: unknown, name: string, path: readonly string[]): boolean {
  const spec = property(applicationSet, 'spec');
  const policy = asString(valueAt(spec, ['syncPolicy', 'applicationsSync']));
  if (policy === 'create-only' || policy === 'create-delete') return true;
  return elements(property(spec, 'ignoreApplicationDifferences')).some((entry) => {
    const of = asString(property(entry, 'name')) ?? '';
    return (of === '' || of === name) && coversPointer(entry, path);
  });
}

/** Does an Application leave alone what stands there in another one? Only together with the sync option. */
function ignoresDifferences(parent: unknown, child: unknown, path: readonly string[]): boolean {
  const options = elements(valueAt(parent, ['spec', 'syncPolicy', 'syncOptions']));
  if (!options.includes('RespectIgnoreDifferences=true')) return false;
  return elements(valueAt(parent, ['spec', 'ignoreDifferences'])).some((entry) => {
    const fits = (key: string, value: unknown): boolean => {
      const wanted = asString(property(entry, key)) ?? '';
      return wanted === '' || wanted === '*' || wanted === value;
    };
    return (
      property(entry, 'group') !== null &&
      fits('group', 'argoproj.io') &&
      fits('kind', 'Application') &&
      fits('name', valueAt(child, ['metadata', 'name'])) &&
      fits('namespace', valueAt(child, ['metadata', 'namespace'])) &&
      (coversPointer(entry, path) || elements(property(entry, 'managedFieldsManagers')).includes(OWN_MANAGER))
    );
  });
}

/** The manifest as `kubectl apply` keeps it beside the object; null where there is none that can be read. */
function lastApplied(object: unknown): unknown {
  const text = annotationOf(object, LAST_APPLIED);
  if (text === null) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** Which of some field managers own something at a path, or below it. */
function managers(object: unknown, path: readonly string[], among: ReadonlySet<string>): readonly string[] {
  const fields = path.map((name) => `f:${name}`);
  return elements(valueAt(object, ['metadata', 'managedFields'])).flatMap((entry) => {
    const manager = asString(property(entry, 'manager')) ?? '';
    const owns = asObject(valueAt(property(entry, 'fieldsV1'), fields)) !== null;
    return among.has(manager) && owns ? [manager] : [];
  });
}
