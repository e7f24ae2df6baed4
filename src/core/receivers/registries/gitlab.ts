import { asString, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, refused } from '../hint.ts';
import { readDistribution } from './distribution.ts';

/**
 * Reads what comes of GitLab: the notifications of its registry, which an administrator turns on and which are those of the
 * CNCF's, and webhooks of projects (https://docs.gitlab.com/user/project/integrations/webhook_events). Among the latter is none
 * of a push to the registry; that a pipeline or a job has succeeded is the nearest, and means all images of the project.
 */
export const readGitLab: PayloadReader = (payload) => {
  const { body, registries } = payload;
  if (Array.isArray(property(body, 'events'))) return readDistribution(payload);
  const kind = asString(property(body, 'object_kind'));
  if (kind === null) return refused('it is neither a webhook of GitLab nor a notification of its registry');
  if (kind !== 'pipeline' && kind !== 'build') return hintsOf([]);
  const status = kind === 'pipeline' ? valueAt(body, ['object_attributes', 'status']) : property(body, 'build_status');
  if (status !== 'success') return hintsOf([]);
  const path = asString(valueAt(body, ['project', 'path_with_namespace']))?.toLowerCase();
  if (path === undefined) return refused('it names no project');
  const hosts = registries.length > 0 ? registries : registriesOf(asString(valueAt(body, ['project', 'web_url'])));
  return hintsOf([{ registry: null, repository: path, tag: null, covers: 'below' }], hosts);
};

/** Where a GitLab has its registry unless it is told otherwise: a host of that name, or port 5050. */
function registriesOf(url: string | null): readonly string[] {
  if (url === null || !URL.canParse(url)) return [];
  const { hostname } = new URL(url);
  return hostname === 'gitlab.com' ? ['registry.gitlab.com'] : [`registry.${hostname}`, `${hostname}:5050`];
}
