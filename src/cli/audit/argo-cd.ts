import { findFlapping } from '../../audit/flapping.ts';
import type { InertThings } from '../../audit/inert.ts';
import { CONTROLLER_SETTINGS, readsServerSideDiff } from '../../core/audit/application.ts';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { KubernetesError } from '../../kubernetes/request/error.ts';
import { resourcePath } from '../../kubernetes/request/resource.ts';
import { listWorkloads } from '../../kubernetes/workloads.ts';
import type { AuditProblems } from './problems.ts';

const GROUP = '/apis/argoproj.io/v1alpha1';

/**
 * The workloads that an Argo CD Application without server-side diff manages, with its name. None where there is no Argo CD; where
 * its Applications may not be read that is said, and is no failure: they are the business of others.
 *
 * @param things shown each Application.
 */
export async function findFlappingWorkloads(
  client: Pick<KubernetesClient, 'request'>,
  pageSize: number,
  problems: AuditProblems,
  things: Pick<InertThings, 'sawApplication' | 'missed'>,
): Promise<ReadonlyMap<string, string>> {
  try {
    // Whoever may not list what is not there is told "forbidden" as well; what kinds there are everybody may know.
    await client.request({ method: 'GET', path: GROUP });
    return await findFlapping({
      list: () => listWorkloads(client, 'Application', undefined, pageSize),
      saw: (object) => things.sawApplication(object),
      serverSideDiff: (namespace) => readSetting(client, namespace, problems),
    });
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    if (error.code !== 'NotFound') {
      problems.notice(`Argo CD's Applications can not be read (${error.code}), so nothing is said of flapping`);
      things.missed();
    }
    return new Map();
  }
}

/** What nobody may tell is taken for right: an alarm needs a reason. */
async function readSetting(
  client: Pick<KubernetesClient, 'request'>,
  namespace: string,
  problems: AuditProblems,
): Promise<boolean> {
  const name = CONTROLLER_SETTINGS;
  try {
    const path = resourcePath({ group: '', version: 'v1', resource: 'configmaps', namespace, name });
    return readsServerSideDiff(await client.request({ method: 'GET', path }));
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    if (error.code === 'NotFound') return false;
    problems.notice(
      `ConfigMap ${namespace}/${name} can not be read (${error.code}), so nothing is said of flapping there`,
    );
    return true;
  }
}
