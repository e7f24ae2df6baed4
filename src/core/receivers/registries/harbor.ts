import { asString, elements, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, pushedReference, type ReadPayload, refused } from '../hint.ts';

/** As Harbor 2 names it, as Harbor 1 did, and as its CloudEvents do. */
const PUSHES = new Set(['PUSH_ARTIFACT', 'pushImage', 'harbor.artifact.pushed']);

/**
 * Reads a webhook of Harbor in either of its formats
 * (https://goharbor.io/docs/2.14.0/working-with-projects/project-configuration/configure-webhooks): every resource that it
 * names. Under `tag` stands the digest where a push had none.
 */
export const readHarbor: PayloadReader = ({ body, registries }) => {
  const type = asString(property(body, 'type'));
  if (type === null) return refused('it has no type');
  if (!PUSHES.has(type)) return hintsOf([]);
  return harborHints(property(body, 'event_data') ?? property(body, 'data'), registries);
};

/** The hints of `event_data`, or of a CloudEvent's `data`. */
export function harborHints(data: unknown, registries: readonly string[]): ReadPayload {
  const full = asString(valueAt(data, ['repository', 'repo_full_name']));
  const images = elements(property(data, 'resources')).map((resource) => {
    const place = pushedReference(property(resource, 'resource_url'));
    return {
      registry: place?.registry ?? null,
      repository: full ?? place?.repository ?? null,
      tag: property(resource, 'tag'),
    };
  });
  return images.length === 0 ? refused('it names no resources') : hintsOf(images, registries);
}
