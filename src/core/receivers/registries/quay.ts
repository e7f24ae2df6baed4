import { asObject, asString, elements, property } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, refused } from '../hint.ts';

/**
 * Reads a notification of Quay, also of one's own (https://docs.quay.io/guides/notifications.html). Only that of a push has
 * `updated_tags`; a build's has `docker_tags`.
 */
export const readQuay: PayloadReader = ({ body, registries }) => {
  const repository = asString(property(body, 'repository'));
  if (asObject(body) === null || repository === null) return refused('it names no repository');
  const url = asString(property(body, 'docker_url')) ?? '';
  const slash = url.indexOf('/');
  const registry = slash === -1 ? 'quay.io' : url.slice(0, slash);
  const tags = [...elements(property(body, 'updated_tags')), ...elements(property(body, 'docker_tags'))];
  return hintsOf(
    tags.map((tag) => ({ registry, repository, tag })),
    registries,
  );
};
