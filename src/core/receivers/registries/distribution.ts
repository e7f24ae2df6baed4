import { asString, elements, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, type PushedImage, refused } from '../hint.ts';

/**
 * Reads the envelope of the CNCF's registry, which many speak (https://distribution.github.io/distribution/about/notifications):
 * events in no order, also of pulls and of blobs. Only a push of a manifest by tag is of use.
 */
export const readDistribution: PayloadReader = ({ body, registries }) => {
  if (!Array.isArray(property(body, 'events'))) return refused('it has no events');
  return hintsOf(pushedManifests(body), registries);
};

function pushedManifests(body: unknown): readonly PushedImage[] {
  return elements(property(body, 'events')).flatMap((event) => {
    const target = property(event, 'target');
    const tag = asString(property(target, 'tag'));
    if (property(event, 'action') !== 'push' || tag === null || tag === '') return [];
    const registry = asString(valueAt(event, ['request', 'host'])) ?? hostOf(asString(property(target, 'url')));
    return [{ registry, repository: property(target, 'repository'), tag }];
  });
}

function hostOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).host : null;
}
