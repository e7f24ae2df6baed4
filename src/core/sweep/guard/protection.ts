import { compileGlob, type Matches } from '../../policy/grammar/glob.ts';
import type { Policy } from '../../policy/schema.ts';
import { type ApplicationTarget, readDestination } from '../../target/application.ts';
import { type ApplicationSource, readSources } from '../../target/value/source.ts';
import { asString, elements, valueAt } from '../../workload/json.ts';
import type { Hold, TargetKind } from '../change.ts';

/** An entry of the policy's `sweep.protect`. */
export type ProtectEntry = Policy['sweep']['protect'][number];

/** What is known of namespaces: their labels; null where nothing is known of one. */
export type KnownLabels = (namespace: string) => Readonly<Record<string, string>> | null;

/** One file that would be written, or a folder that is read. */
export interface GitPlace {
  readonly repository: string;
  /** Null where the repository's default branch is meant. */
  readonly branch: string | null;
  readonly path: string | null;
}

/** What an entry is compared with. */
export interface ProtectedSubject {
  readonly kind: TargetKind;
  readonly namespace: string;
  /** Of an Application; null for what has none. */
  readonly project: string | null;
  /** Of an Application; null for what is where it works. */
  readonly destination: ApplicationTarget['destination'] | null;
}

/**
 * What the policy's `sweep.protect` names is never written, whatever annotations say. All conditions of an entry must hold. What is
 * not known (a remote destination's labels, the name of a default branch) holds: to write there by mistake is worse.
 *
 * @param places what it is made from, and what would be committed to.
 */
export function heldByProtection(
  subject: ProtectedSubject,
  places: readonly GitPlace[],
  protect: readonly ProtectEntry[],
  labels: KnownLabels,
): Hold | null {
  const index = protect.findIndex((entry) => isProtected(entry, subject, places, labels));
  if (index === -1) return null;
  const entry = JSON.stringify(withoutNulls(protect[index]));
  return {
    outcome: 'refused',
    reason: 'Protected',
    message: `the policy's sweep.protect[${index}] protects it: ${entry}`,
  };
}

/** An Application, as an entry sees it. */
export function applicationSubject({ namespace, project, destination }: ApplicationTarget): ProtectedSubject {
  return { kind: 'Application', namespace, project, destination };
}

/**
 * What an Application reads of repositories, where the policy protects it: those files are not written for another either. The
 * bases of a kustomization are not known without looking into it.
 *
 * @param object an Application, followed or not.
 */
export function protectedPlaces(
  object: unknown,
  protect: readonly ProtectEntry[],
  labels: KnownLabels,
): readonly GitPlace[] {
  if (protect.length === 0) return [];
  const sources = readSources(object);
  const subject: ProtectedSubject = {
    kind: 'Application',
    namespace: asString(valueAt(object, ['metadata', 'namespace'])) ?? '',
    project: asString(valueAt(object, ['spec', 'project'])) || 'default',
    destination: readDestination(object),
  };
  if (heldByProtection(subject, placesOf({ sources }), protect, labels) === null) return [];
  return [...placesOf({ sources }), ...sources.flatMap((source) => valueFilePlaces(source, sources))];
}

/** Is a file among what is read there? What is not known of a branch counts as the same. */
export function isReadAt(places: readonly GitPlace[], file: GitPlace & { readonly path: string }): boolean {
  return places.some(
    ({ repository, branch, path }) =>
      hostAndPath(repository) === hostAndPath(file.repository) &&
      (branch === null || file.branch === null || shortBranch(branch) === shortBranch(file.branch)) &&
      isBelow(path ?? '', file.path),
  );
}

function isBelow(folder: string, path: string): boolean {
  const plain = normalize(folder);
  return plain === '' || path === plain || path.startsWith(`${plain}/`);
}

/** Value files may be outside of the source's folder: `../common.yaml`, `/common.yaml`, `$REF/common.yaml`. */
function valueFilePlaces(source: ApplicationSource, all: readonly ApplicationSource[]): readonly GitPlace[] {
  const parameters = elements(valueAt(source.raw, ['helm', 'fileParameters']));
  const read = [...source.valueFiles, ...parameters.flatMap((each) => asString(valueAt(each, ['path'])) ?? [])];
  return read.flatMap((file) => {
    const named = /^\$([^/]+)\/(.+)$/.exec(file);
    const lender = named === null ? source : all.find((each) => each.ref === named[1]);
    if (lender?.repoURL === undefined || lender.repoURL === null) return [];
    const path = named?.[2] ?? (file.startsWith('/') ? file : `${source.path ?? ''}/${file}`);
    return [{ repository: lender.repoURL, branch: branchOf(lender.targetRevision), path: normalize(path) }];
  });
}

function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** What an Application is made from. */
export function placesOf({ sources }: Pick<ApplicationTarget, 'sources'>): readonly GitPlace[] {
  return sources.flatMap(({ repoURL, targetRevision, path }) =>
    repoURL === null ? [] : [{ repository: repoURL, branch: branchOf(targetRevision), path }],
  );
}

function branchOf(revision: string | null): string | null {
  return revision === null || revision === '' || revision === 'HEAD' ? null : revision;
}

function isProtected(
  entry: ProtectEntry,
  subject: ProtectedSubject,
  places: readonly GitPlace[],
  labels: KnownLabels,
): boolean {
  const { kind, project, namespaceLabels, repository, branch, path } = entry;
  const isGit = repository !== null || branch !== null || path !== null;
  return (
    (kind === null || kind === subject.kind) &&
    (project === null || (subject.project !== null && compiled(project)(subject.project))) &&
    (namespaceLabels === null || hasLabels(subject, namespaceLabels, labels)) &&
    (!isGit || places.some((place) => coversPlace(entry, place)))
  );
}

/** Its own namespace and the destination's: one of them is enough. */
function hasLabels(
  { namespace, destination }: ProtectedSubject,
  wanted: Readonly<Record<string, string>>,
  labels: KnownLabels,
): boolean {
  return labelsOf(namespace, destination, labels).some(
    (known) =>
      known === null ||
      Object.entries(wanted).every(([key, value]) => Object.hasOwn(known, key) && known[key] === value),
  );
}

function labelsOf(namespace: string, destination: ProtectedSubject['destination'], labels: KnownLabels) {
  const own = labels(namespace);
  if (destination === null) return [own];
  const isKnown = isLocal(destination) && destination.namespace !== null;
  return [own, isKnown ? labels(destination.namespace) : null];
}

const LOCAL_SERVERS = new Set(['https://kubernetes.default.svc', 'https://kubernetes.default.svc.cluster.local']);

function isLocal({ server, name }: ApplicationTarget['destination']): boolean {
  return server === null ? name === 'in-cluster' : LOCAL_SERVERS.has(server.replace(/(?::443)?\/?$/, ''));
}

function coversPlace({ repository, branch, path }: ProtectEntry, place: GitPlace): boolean {
  return (
    (repository === null || covers(repository, repositoryForms(place.repository))) &&
    (branch === null || place.branch === null || covers(branch, [place.branch, shortBranch(place.branch)])) &&
    (path === null || place.path === null || covers(path, pathForms(place.path)))
  );
}

function covers(glob: string, forms: readonly string[]): boolean {
  return forms.some(compiled(glob));
}

/** With and without `.git`, and as `host/owner/name`, so that who names a repository protects it however a URL spells it. */
function repositoryForms(url: string): readonly string[] {
  const bare = bareUrl(url);
  const plain = plainUrl(bare);
  return [...new Set([url, bare, `${bare}.git`, plain, `https://${plain}`, `https://${plain}.git`])];
}

/** One repository is reached by ssh and by https, on other ports, as another user. */
function hostAndPath(url: string): string {
  return plainUrl(bareUrl(url))
    .replace(/^([^/]+):\d+\//, '$1/')
    .replaceAll(/\/{2,}/g, '/');
}

function bareUrl(url: string): string {
  return url
    .trim()
    .replace(/\/+$/, '')
    .replace(/\.git$/i, '');
}

/** `host[:port]/owner/name`. */
function plainUrl(bare: string): string {
  return bare
    .replace(/^[a-z+]+:\/\//i, '')
    .replace(/^[^/]*@/, '')
    .replace(/^([^/:]+):(?!\d+\/)/, '$1/')
    .toLowerCase();
}

function shortBranch(branch: string): string {
  return branch.replace(/^refs\/heads\//, '');
}

/** A folder is protected by what protects anything of it: `prod/**` covers `prod`, too. */
function pathForms(path: string): readonly string[] {
  const plain = path.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
  return [plain, `${plain}/`, `${plain}/-`];
}

const COMPILED = new Map<string, Matches>();
const MOST_COMPILED = 1000;

function compiled(glob: string): Matches {
  const known = COMPILED.get(glob) ?? compileGlob(glob);
  if (COMPILED.size >= MOST_COMPILED) COMPILED.clear();
  COMPILED.set(glob, known);
  return known;
}

function withoutNulls(entry: ProtectEntry | undefined): object {
  return Object.fromEntries(Object.entries(entry ?? {}).filter(([, value]) => value !== null));
}
