import { parseDigest } from '../image/digest.ts';
import { type ImageReference, parseReference } from '../image/reference.ts';
import { parsePattern } from '../policy/grammar/pattern.ts';
import { lastManager } from '../sweep/guard/manager.ts';
import { type ImageValue, parseValue } from '../sweep/value.ts';
import { parseSelection, type SelectionRule } from '../version/select.ts';
import { asObject, asString, elements, type JsonObject, property, valueAt } from '../workload/json.ts';
import { type ConnectionSource, isTrustedWithOurs } from './connection.ts';
import { type ObjectVerification, readVerification } from './oci-verification.ts';
import { parseAge, parseBoolean, parseInterval } from './settings/image-settings.ts';
import { quoted } from './settings/written.ts';

/** A Flux `OCIRepository` (source.toolkit.fluxcd.io/v1) that follows its range of versions. */
export interface OciRepositoryTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Counts changes of its spec; null where it is not known. */
  readonly generation: number | null;
  /** `tagpin.dev/pause`, on it or on its Namespace. */
  readonly paused: boolean;
  readonly deleting: boolean;
  /** `spec.suspend`. */
  readonly suspended: boolean;
  readonly repository: ImageReference;
  readonly rule: SelectionRule;
  /** `spec.url` and `spec.ref` as they stand: what a write relies on. */
  readonly url: string;
  readonly ref: JsonObject;
  /** What `ref.tag` and `ref.digest` say, which Flux prefers in the other order. */
  readonly current: ImageValue;
  /** Who applies `ref.tag` or `ref.digest`, and would put its own back; null for nobody. */
  readonly appliedBy: string | null;
  /** Who changed its spec last, where that is known and was not tagpin. */
  readonly changedBy: string | null;
  readonly connection: ConnectionSource;
  /** What its own `spec.verify` asks; null where there is none. */
  readonly verification: ObjectVerification | null;
  /** Milliseconds; null where any age will do. */
  readonly minAge: number | null;
  /** Milliseconds; null where the policy's interval holds. */
  readonly interval: number | null;
  readonly allowDowngrade: boolean;
}

/** What an OCIRepository is to the sweeper. */
export type ReadOciRepository =
  /** Nobody asked for it to be followed. */
  | { readonly kind: 'unfollowed' }
  /** It can't be followed: what is wrong, each with its field and as one sentence without its full stop. */
  | { readonly kind: 'unreadable'; readonly problems: readonly string[] }
  | { readonly kind: 'read'; readonly target: OciRepositoryTarget };

/** The annotation that has an OCIRepository followed, and the only value of it. */
export const FOLLOW = 'tagpin.dev/follow';
const FOLLOWED = 'semver';

const SCHEME = 'oci://';
/** A host has 261 characters at most, and a repository 255. */
const LONGEST_URL = 600;
/** Helm writes the `+` of a version as `_`, since no tag can hold it. */
const CHART = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const PROVIDERS = ['generic', 'aws', 'azure', 'gcp'] as const;

/**
 * Reads an OCIRepository as source-controller does.
 *
 * @param object raw, of version v1.
 */
export function readOciRepository(object: unknown, facts: { readonly namespacePaused: boolean }): ReadOciRepository {
  const annotations = valueAt(object, ['metadata', 'annotations']);
  const follow = asString(property(annotations, FOLLOW))?.trim() ?? '';
  if (follow === '') return { kind: 'unfollowed' };
  const metadata = (key: string): string => asString(valueAt(object, ['metadata', key])) ?? '';
  const spec = asObject(property(object, 'spec')) ?? {};
  const ref = asObject(spec['ref']) ?? {};
  const problems: string[] = [];
  if (follow !== FOLLOWED) {
    problems.push(`${FOLLOW}: ${quoted(follow)} is nothing that an OCIRepository can follow: write semver`);
  }
  const report = (problem: string): null => {
    problems.push(problem);
    return null;
  };
  const url = asString(spec['url']) ?? '';
  const repository = readRepository(url, report);
  const rule = readRule(ref, asString(valueAt(spec, ['layerSelector', 'mediaType'])), report);
  const verification = readVerification(spec['verify'], report);
  const connection = readConnection(spec, metadata('namespace'));
  const { provider, secret } = connection;
  if (provider !== 'generic' && secret === null && !isTrustedWithOurs(connection)) {
    problems.push(
      `spec.provider: ${provider}'s identity of tagpin is not sent over insecure, nor where certSecretRef says whom to trust: name a secretRef`,
    );
  }
  const setting = <T>(key: string, parse: (text: string) => Parsed<T>): T | null => {
    const text = asString(property(annotations, `tagpin.dev/${key}`))?.trim() ?? '';
    if (text === '') return null;
    const parsed = parse(text);
    return parsed.ok ? parsed.value : report(`tagpin.dev/${key}: ${parsed.problem}`);
  };
  const minAge = setting('min-age', parseAge);
  const interval = setting('interval', parseInterval);
  const allowDowngrade = setting('allow-downgrade', parseBoolean) ?? false;
  if (repository === null || rule === null || problems.length > 0) return { kind: 'unreadable', problems };

  const generation = valueAt(object, ['metadata', 'generation']);
  return {
    kind: 'read',
    target: {
      namespace: metadata('namespace'),
      name: metadata('name'),
      uid: metadata('uid'),
      generation: Number.isSafeInteger(generation) ? Number(generation) : null,
      paused: facts.namespacePaused || asString(property(annotations, 'tagpin.dev/pause')) === 'true',
      deleting: asString(valueAt(object, ['metadata', 'deletionTimestamp'])) !== null,
      suspended: spec['suspend'] === true,
      repository,
      rule,
      url,
      ref,
      current: readCurrent(ref),
      appliedBy: applyManager(object),
      changedBy: lastManager(object, ['f:ref', 'f:url']),
      connection,
      verification,
      minAge,
      interval,
      allowDowngrade,
    },
  };
}

/** What `spec.ref` says of a tag and a digest; what is neither is not there. */
function readCurrent(ref: JsonObject): ImageValue {
  const named = parseValue(asString(ref['tag']) ?? '');
  return { tag: named?.digest === null ? named.tag : null, digest: parseDigest(asString(ref['digest']) ?? '') };
}

function readRepository(url: string, report: (problem: string) => null): ImageReference | null {
  const problem = (why: string): null => report(`spec.url: ${quoted(url)} ${why}`);
  if (!url.startsWith(SCHEME)) return problem('is not oci://HOST/REPOSITORY');
  if (url.length > LONGEST_URL) return problem('is longer than any that a registry takes');
  const parsed = parseReference(url.slice(SCHEME.length));
  if (!parsed.ok) return problem(`names no repository: ${parsed.problem}`);
  const { tag, digest } = parsed.reference;
  if (tag !== null || digest !== null) return problem('has a tag or a digest: Flux takes them in spec.ref alone');
  return parsed.reference;
}

/** Which versions Flux would take: `getTagBySemver` of source-controller. */
function readRule(ref: JsonObject, mediaType: string | null, report: (problem: string) => null): SelectionRule | null {
  const range = asString(ref['semver']) ?? '';
  const filter = asString(ref['semverFilter']) ?? '';
  if (range === '') return report('spec.ref.semver: there is no range to follow: write one, such as ">=1.0.0"');
  const isChart = mediaType === CHART;
  const text = {
    strategy: 'semver',
    constraint: range,
    allowTags: filter === '' ? null : `regexp:${filter}`,
    ignoreTags: null,
    extract: isChart ? 'a chart: + for _' : null,
  };
  const parsed = parseSelection({ ...text, allowTags: null, extract: null }, 'three');
  if (!parsed.ok) return report(`spec.ref.semver: ${parsed.problem.replace(/^constraint: /, '')}`);
  const pattern = filter === '' ? null : parsePattern(filter);
  if (pattern?.ok === false) return report(`spec.ref.semverFilter: ${pattern.problem}`);
  return {
    ...parsed.value,
    text,
    // Of the raw tag, wherever in it.
    allow: pattern === null ? parsed.value.allow : { allows: (tag) => pattern.pattern.test(tag), pattern: null },
    extract: isChart ? (tag) => tag.replaceAll('_', '+') : parsed.value.extract,
  };
}

function readConnection(spec: JsonObject, namespace: string): ConnectionSource {
  const named = (field: string): string | null => asString(valueAt(spec, [field, 'name'])) || null;
  return {
    kind: 'connection',
    namespace,
    secret: named('secretRef'),
    serviceAccount: asString(spec['serviceAccountName']) || null,
    provider: PROVIDERS.find((each) => each === spec['provider']) ?? 'generic',
    certificateSecret: named('certSecretRef'),
    proxySecret: named('proxySecretRef'),
    insecure: spec['insecure'] === true,
  };
}

/**
 * Who owns `ref.digest` or `ref.tag` by server-side apply: it puts its own value back with its next apply, or meets a conflict
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
 */
function applyManager(object: unknown): string | null {
  for (const entry of elements(valueAt(object, ['metadata', 'managedFields']))) {
    const manager = asString(property(entry, 'manager'));
    if (property(entry, 'operation') !== 'Apply' || manager === null) continue;
    const fields = asObject(valueAt(entry, ['fieldsV1', 'f:spec', 'f:ref'])) ?? {};
    if (Object.hasOwn(fields, 'f:digest') || Object.hasOwn(fields, 'f:tag')) return manager;
  }
  return null;
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };
