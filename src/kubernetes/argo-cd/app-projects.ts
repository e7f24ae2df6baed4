import { type AppProject, readAppProject } from '../../core/target/repository/app-project.ts';
import type { KubernetesClient } from '../client.ts';
import { isKubernetesError } from '../request/error.ts';
import { resourcePath } from '../request/resource.ts';

/**
 * Reads an AppProject of Argo CD.
 *
 * @param wanted the namespace is Argo CD's own. @returns null where there is none. @throws KubernetesError
 */
export async function getAppProject(
  client: Pick<KubernetesClient, 'request'>,
  wanted: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<AppProject | null> {
  const path = resourcePath({ group: 'argoproj.io', version: 'v1alpha1', resource: 'appprojects', ...wanted });
  try {
    return readAppProject(await client.request({ method: 'GET', path, signal }));
  } catch (error) {
    if (isKubernetesError(error, 'NotFound')) return null;
    throw error;
  }
}
