import { InertThings } from '../../audit/inert.ts';
import type { InertObject } from '../../core/audit/inert.ts';
import type { FollowedAnswer, FollowedQuestion } from '../../core/lint/objects/followed.ts';
import type { Policy } from '../../core/policy/schema.ts';
import { type ImageUpdater, readImageUpdater } from '../../core/target/settings/image-updater.ts';
import { FOLLOWING_KINDS } from '../../core/target/workload/rollout.ts';
import { asString, type JsonObject, valueAt } from '../../core/workload/json.ts';
import { namespaceStanding } from '../../core/workload/opt-in.ts';
import { listImageUpdaters } from '../../kubernetes/argo-cd/image-updaters.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { labelsOf, type NamespaceLabels } from '../../kubernetes/namespaces/namespaces.ts';
import { isKubernetesError, KubernetesError } from '../../kubernetes/request/error.ts';
import { listPages } from '../../kubernetes/request/list.ts';
import { resourcePath } from '../../kubernetes/request/resource.ts';
import { resourceName, workloadPath } from '../../kubernetes/workloads.ts';
import type { OpenResolver } from '../options/registry-options.ts';
import { OWN_NAMESPACE } from '../policy/policy-in-force.ts';
import type { AuditProblems } from './problems.ts';

/** What looking for inert things needs. */
export interface InertOptions {
  readonly client: Pick<KubernetesClient, 'request'>;
  readonly problems: AuditProblems;
  readonly policy: Policy;
  /** Where the policy is; null where it may not be read. */
  readonly policyObject: InertObject | null;
  /** This namespace alone; undefined for all. */
  readonly namespace: string | undefined;
  readonly pageSize: number;
}

const MOST_TRIES = 3;
const FLUX = { group: 'source.toolkit.fluxcd.io', version: 'v1' } as const;

/**
 * Makes what is shown the objects of an audit, and shows it those that an audit does not come by: Namespaces, OCIRepositories and
 * workloads of namespaces that have not opted in. What may not be listed is said, and is no failure: it is no image.
 */
export async function openInertThings(options: InertOptions): Promise<InertThings> {
  const { client, problems, policy, policyObject, namespace, pageSize } = options;
  const missed: string[] = [];
  const namespaces = new Map<string, { readonly labels: NamespaceLabels; readonly object: JsonObject }>();

  async function each(path: string, what: string, see: (object: JsonObject) => void, parts: 'object' | 'metadata') {
    for (let tries = 1; ; tries += 1) {
      try {
        for await (const { items } of listPages({ client, path, representation: parts, pageSize })) items.forEach(see);
        return;
      } catch (error) {
        if (isKubernetesError(error, 'NotFound')) return;
        if (isKubernetesError(error, 'Expired') && tries < MOST_TRIES) continue;
        if (!(error instanceof KubernetesError)) throw error;
        missed.push(what);
        return;
      }
    }
  }

  const seeNamespace = (object: JsonObject): void => {
    const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
    namespaces.set(name, { labels: labelsOf(object), object });
  };
  const path = resourcePath({ group: '', version: 'v1', resource: 'namespaces', name: namespace });
  if (namespace === undefined) await each(path, 'namespaces', seeNamespace, 'metadata');
  // That it may not be read has been said.
  else await client.request({ method: 'GET', path, representation: 'metadata' }).then(seeNamespace, forgive);

  const things = new InertThings({
    policy: policyObject === null ? null : policy,
    policyObject: namespace === undefined ? policyObject : null,
    imageUpdaters: policy.sweep.imageUpdater ? await readImageUpdaters(client, missed) : null,
    labels: (name) => namespaces.get(name)?.labels ?? null,
  });
  for (const { object } of namespaces.values()) things.sawNamespace(object);

  const isOptedIn = (name: string): boolean => {
    const labels = namespaces.get(name)?.labels;
    return labels === undefined || namespaceStanding(name, labels, OWN_NAMESPACE) === 'opted in';
  };
  if (namespace === undefined || !isOptedIn(namespace)) {
    for (const kind of FOLLOWING_KINDS) {
      const see = (object: JsonObject): void => {
        const of = asString(valueAt(object, ['metadata', 'namespace'])) ?? '';
        if (!isOptedIn(of)) things.sawUnseenWorkload(kind, object);
      };
      await each(workloadPath(kind, namespace), resourceName(kind), see, 'metadata');
    }
  }
  if (await isServed(client)) {
    const repositories = resourcePath({ ...FLUX, resource: 'ocirepositories', namespace });
    await each(repositories, 'ocirepositories', (object) => things.sawOciRepository(object), 'object');
  }
  if (missed.length > 0) {
    const where = namespace === undefined ? 'of all namespaces' : `of namespace ${namespace}`;
    problems.notice(`${missed.join(', ')} ${where} can not be listed, so nothing is said of what can't act there`);
    things.missed();
  }
  return things;
}

/** Asks registries what is followed, with the credentials of the Docker configuration. */
export function askFollowed(registries: OpenResolver): (question: FollowedQuestion) => Promise<FollowedAnswer> {
  return async (question) =>
    question.kind === 'resolve'
      ? await registries.ask(question.reference)
      : await registries.listTags(question.repository);
}

/** Whoever may not list what is not there is told "forbidden" as well; what kinds there are everybody may know. */
async function isServed(client: Pick<KubernetesClient, 'request'>): Promise<boolean> {
  try {
    await client.request({ method: 'GET', path: `/apis/${FLUX.group}/${FLUX.version}` });
    return true;
  } catch (error) {
    forgive(error);
    return false;
  }
}

async function readImageUpdaters(
  client: Pick<KubernetesClient, 'request'>,
  missed: string[],
): Promise<readonly ImageUpdater[]> {
  try {
    const objects = await listImageUpdaters(client, new AbortController().signal);
    return objects.map(readImageUpdater).flatMap((read) => (read.ok ? [read.updater] : []));
  } catch (error) {
    forgive(error);
    missed.push('imageupdaters');
    return [];
  }
}

function forgive(error: unknown): void {
  if (!(error instanceof KubernetesError)) throw error;
}
