import { asObject, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, refused } from '../hint.ts';

/**
 * Reads a webhook of Docker Hub (https://docs.docker.com/docker-hub/repos/manage/webhooks): one tag of one repository. Its
 * `callback_url` is never called.
 */
export const readDockerHub: PayloadReader = ({ body, registries }) => {
  if (asObject(valueAt(body, ['push_data'])) === null) return refused('it has no push_data');
  const repository = valueAt(body, ['repository', 'repo_name']);
  return hintsOf([{ registry: 'docker.io', repository, tag: valueAt(body, ['push_data', 'tag']) }], registries);
};
