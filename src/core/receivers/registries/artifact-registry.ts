import { asObject, asString, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, pushedReference, refused } from '../hint.ts';

/**
 * Reads what Pub/Sub pushes of the topic `gcr`
 * (https://cloud.google.com/artifact-registry/docs/configure-notifications), in its envelope or, with payload unwrapping,
 * without. A push without a tag names a digest alone.
 */
export const readArtifactRegistry: PayloadReader = ({ body, registries }) => {
  const wrapped = asString(valueAt(body, ['message', 'data']));
  const event = wrapped === null ? body : decode(wrapped);
  const action = asString(property(event, 'action'));
  if (asObject(event) === null || action === null) return refused('it holds no event of Artifact Registry');
  if (action !== 'INSERT') return hintsOf([]);
  const pushed = pushedReference(property(event, 'tag')) ?? pushedReference(property(event, 'digest'));
  return pushed === null ? refused('it names no image') : hintsOf([pushed], registries);
};

function decode(text: string): unknown {
  try {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return null;
  }
}
