import { asObject, asString, property } from '../../workload/json.ts';
import { hintsOf, type PayloadReader, type ReadPayload, type RegistryHint, refused } from '../hint.ts';
import { AZURE_PUSH, azureImage } from './azure.ts';
import { amazonHosts } from './ecr.ts';
import { harborHints } from './harbor.ts';

/** One event, whichever way it came (https://github.com/cloudevents/spec, 1.0.2). */
interface CloudEvent {
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly data: unknown;
}

/** As Image Updater's documentation has EventBridge write the source; ARNs have the partition in that place. */
const AMAZON_SOURCE = /^(?:urn|arn):aws[a-z-]*:ecr:(?<region>[^:]*):(?<account>[^:]*):/;
const HOST = /^(?:https?:\/\/)?(?<host>[^/]+\.[^/]+)(?:\/|$)/;

/**
 * Reads CloudEvents over HTTP, structured, in a batch or with its attributes in headers: those of ECR as Image Updater's
 * documentation has EventBridge write them, of Harbor, of Event Grid, of zot, and others of images or containers that name
 * `repository` (or `repositoryName`), `tag` (`imageTag`) and `registry` (`registryUrl`) in their data, or `repository:tag` as subject.
 */
export const readCloudEvents: PayloadReader = ({ body, header, registries }) => {
  const events = Array.isArray(body) ? body.map(structured) : [structured(body) ?? binary(body, header)];
  const hints: RegistryHint[] = [];
  for (const event of events) {
    if (event === null) return refused('it is no CloudEvent with specversion and type');
    const read = readEvent(event, registries);
    if (read.kind !== 'hints') return read;
    hints.push(...read.hints);
  }
  return hintsOf(hints);
};

function structured(value: unknown): CloudEvent | null {
  const type = asString(property(value, 'type'));
  if (asString(property(value, 'specversion')) === null || type === null) return null;
  const text = (name: string): string => asString(property(value, name)) ?? '';
  return { type, source: text('source'), subject: text('subject'), data: property(value, 'data') };
}

function binary(data: unknown, header: (name: string) => string | null): CloudEvent | null {
  const type = header('ce-type');
  if (header('ce-specversion') === null || type === null || asObject(data) === null) return null;
  return { type, source: header('ce-source') ?? '', subject: header('ce-subject') ?? '', data };
}

function readEvent({ type, source, subject, data }: CloudEvent, registries: readonly string[]): ReadPayload {
  if (type === 'harbor.artifact.pushed') return harborHints(data, registries);
  if (type === AZURE_PUSH)
    return hintsOf(
      [azureImage(data)].filter((image) => image !== null),
      registries,
    );
  const isPush = /container|image|ecr/i.test(type) && !/delet|remov|scan|pull/i.test(type);
  if (!isPush) return hintsOf([]);
  const colon = subject.indexOf(':');
  const [path, rest] = colon === -1 ? [null, null] : [subject.slice(0, colon), subject.slice(colon + 1)];
  const first = (...names: string[]): unknown => names.map((name) => property(data, name)).find(isText);
  const repository = first('repositoryName', 'repository', 'name') ?? path;
  const tag = first('imageTag', 'tag', 'reference') ?? rest;
  if (repository === null) return refused('it names no repository');
  const own = type.startsWith('com.amazon.ecr.')
    ? amazonHostsOf(source, property(data, 'registryId'))
    : [first('registryUrl', 'registry') ?? HOST.exec(source)?.groups?.['host']].filter(isText);
  const hosts = registries.length > 0 ? registries : own;
  if (hosts.length === 0) return refused('it names no registry, and none is configured');
  return hintsOf([{ registry: null, repository, tag }], hosts);
}

function amazonHostsOf(source: string, registryId: unknown): readonly string[] {
  const { region, account } = AMAZON_SOURCE.exec(source)?.groups ?? {};
  return amazonHosts(isText(registryId) ? registryId : account, region);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
