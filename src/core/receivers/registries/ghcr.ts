import { asObject, asString, property, valueAt } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, pushedReference, refused } from '../hint.ts';

/** `published` is sent for a version, also by GitHub Enterprise Server; `updated` where a tag moves onto one. */
const PUSHES = new Set(['published', 'updated']);

/**
 * Reads the events `package` and `registry_package` of GitHub
 * (https://docs.github.com/en/webhooks/webhook-events-and-payloads#package), of which there is one for each manifest: those of
 * an index' children have no tag. Owners are written with upper case, in images they can't be.
 */
export const readGitHub: PayloadReader = ({ body, header, registries }) => {
  if (header('x-github-event') === 'ping') return hintsOf([]);
  const published = asObject(property(body, 'registry_package')) ?? asObject(property(body, 'package'));
  if (published === null) return refused('it is no event of packages: choose only "Packages" for this webhook');
  const isImage = asString(property(published, 'package_type'))?.toLowerCase() === 'container';
  if (!isImage || !PUSHES.has(asString(property(body, 'action')) ?? '')) return hintsOf([]);
  const version = property(published, 'package_version');
  const tag = valueAt(version, ['container_metadata', 'tag', 'name']);
  const owner = asString(property(published, 'namespace')) ?? asString(valueAt(published, ['owner', 'login']));
  const name = asString(property(published, 'name'));
  if (owner === null || name === null) return refused('it names no package');
  const place = pushedReference(asString(property(version, 'package_url'))?.toLowerCase());
  const registry = place?.registry ?? 'ghcr.io';
  return hintsOf([{ registry, repository: `${owner}/${name}`.toLowerCase(), tag }], registries);
};
