import { compileGlobs } from '../../core/policy/grammar/glob.ts';
import type { Change, TargetName } from '../../core/sweep/change.ts';
import { lastManager } from '../../core/sweep/guard/manager.ts';
import { type GitPlace, protectedPlaces } from '../../core/sweep/guard/protection.ts';
import { type ApplicationTarget, readApplication } from '../../core/target/application.ts';
import type { Owner } from '../../core/target/ownership/owner.ts';
import { type ImageUpdater, readImageUpdater } from '../../core/target/settings/image-updater.ts';
import { type JsonObject, valueAt } from '../../core/workload/json.ts';
import { missing, nameOf, problemOf } from '../problem.ts';
import type { CycleFacts } from '../target.ts';

/** The Applications, raw, in parts so that only one is held: all, or those that are named. */
export type ListTargets = (wanted: WantedTargets, signal: AbortSignal) => AsyncIterable<readonly JsonObject[]>;

/** Which targets: by the namespaces that the policy allows, and by name where somebody named some. */
export interface WantedTargets {
  readonly namespaces: readonly string[];
  /** Null: all. */
  readonly names: readonly TargetName[] | null;
}

/** What is needed to find out what there is to follow. Each throws where it can't be known. */
export interface GatherNeeds {
  readonly listTargets: ListTargets;
  /** An ApplicationSet, or an Application; null where it is not there or may not be read. */
  readonly readParent: (owner: Owner, signal: AbortSignal) => Promise<JsonObject | null>;
  /** Argo CD Image Updater's resources; none where there are no such. */
  readonly listImageUpdaters: (signal: AbortSignal) => Promise<readonly JsonObject[]>;
  /** Is Image Updater's own Lease being renewed? */
  readonly isImageUpdaterRunning: (signal: AbortSignal) => Promise<boolean>;
}

/** A target that follows something. */
export interface FoundTarget {
  readonly application: ApplicationTarget;
  readonly changedBy: string | null;
  /** Image Updater would see it as its own, too. */
  readonly isTheirs: boolean;
}

/** What there is. */
export interface Gathered {
  readonly targets: readonly FoundTarget[];
  /** What could not be read, and what was named and is not there. */
  readonly problems: readonly Change[];
  readonly isImageUpdaterRunning: boolean;
  /** What is read of repositories by those that the policy protects, followed or not. */
  readonly protectedPlaces: readonly GitPlace[];
  /** Reads one of them again, as an object that was read later. */
  readonly read: (object: JsonObject, signal: AbortSignal) => Promise<FoundTarget | Change | null>;
}

const NOTHING: Gathered = {
  targets: [],
  problems: [],
  isImageUpdaterRunning: false,
  protectedPlaces: [],
  read: async () => null,
};

const IMAGE_UPDATER_KEY = 'argocd-image-updater.argoproj.io/';
const MOST_PARENTS = 5000;

/** Lists the Applications, and reads what they follow: nothing else of them is kept. */
export async function gather(
  needs: GatherNeeds,
  { policy: { sweep }, names: allNames, namespaces }: Pick<CycleFacts, 'policy' | 'names' | 'namespaces'>,
  signal: AbortSignal,
): Promise<Gathered> {
  const names = allNames?.filter(({ kind }) => kind === 'Application') ?? null;
  if (names !== null && names.length === 0) return NOTHING;
  const [updaters, isImageUpdaterRunning] = await Promise.all([
    sweep.imageUpdater ? readUpdaters(needs, signal) : null,
    sweep.imageUpdater ? needs.isImageUpdaterRunning(signal) : false,
  ]);
  const isOurs = compileGlobs(sweep.applicationNamespaces);
  const parents = new Map<string, JsonObject | null>();

  function readWith(object: JsonObject, parent: (owner: Owner) => unknown, imageUpdaters = updaters) {
    const namespacePaused = namespaces.get(nameOf('Application', object).namespace)?.isPaused ?? false;
    return readApplication(object, { imageUpdaters, namespacePaused, parent });
  }

  async function read(object: JsonObject): Promise<FoundTarget | Change | null> {
    const wanted: Owner[] = [];
    const known = (owner: Owner): unknown => {
      if (!parents.has(ownerKey(owner))) wanted.push(owner);
      return parents.get(ownerKey(owner)) ?? null;
    };
    let result = readWith(object, known);
    for (const owner of wanted) {
      if (parents.size >= MOST_PARENTS) parents.clear();
      parents.set(ownerKey(owner), await needs.readParent(owner, signal));
    }
    if (wanted.length > 0) result = readWith(object, known);
    if (!result.ok) return problemOf('Application', object, 'InvalidSettings', result.problem);
    const { application } = result;
    if (application === null) return null;
    return {
      application,
      changedBy: lastManager(object),
      isTheirs: updaters !== null && isTheirs(object, application),
    };
  }

  /** Would it be another target without what Image Updater reads? */
  function isTheirs(object: JsonObject, application: ApplicationTarget): boolean {
    const annotations = Object.keys((valueAt(object, ['metadata', 'annotations']) as object | null) ?? {});
    if (annotations.some((key) => key.startsWith(IMAGE_UPDATER_KEY))) return true;
    const without = readWith(object, () => null, null);
    const count = without.ok ? (without.application?.images.length ?? 0) : 0;
    return count !== application.images.length;
  }

  const targets = new Map<string, FoundTarget>();
  const problems: Change[] = [];
  const seen = new Set<string>();
  const places: GitPlace[] = [];
  const labels = (namespace: string) => namespaces.get(namespace)?.labels ?? null;
  for await (const objects of needs.listTargets({ namespaces: sweep.applicationNamespaces, names }, signal)) {
    for (const object of objects) {
      const { namespace, name } = nameOf('Application', object);
      if (names === null) places.push(...protectedPlaces(object, sweep.protect, labels));
      if (names !== null) seen.add(`${namespace}/${name}`);
      const found = isOurs(namespace) ? await read(object) : null;
      if (found === null) {
        const why = isOurs(namespace)
          ? NOT_FOLLOWED
          : 'the policy does not list its namespace under sweep.applicationNamespaces';
        if (names !== null) problems.push(problemOf('Application', object, 'NotFollowed', why));
      } else if ('application' in found) targets.set(found.application.uid, found);
      else problems.push(found);
    }
    signal.throwIfAborted();
  }
  // Who reads a file is not known from those that are named.
  const all = { namespaces: sweep.applicationNamespaces, names: null };
  if (names !== null && sweep.protect.length > 0 && [...targets.values()].some(isInGit)) {
    for await (const objects of needs.listTargets(all, signal)) {
      for (const object of objects) places.push(...protectedPlaces(object, sweep.protect, labels));
      signal.throwIfAborted();
    }
  }
  const absent = (names ?? []).filter(({ namespace, name }) => !seen.has(`${namespace}/${name}`));
  return {
    targets: [...targets.values()],
    problems: [...problems, ...absent.map(missing)],
    isImageUpdaterRunning,
    protectedPlaces: places,
    read,
  };
}

function isInGit({ application }: FoundTarget): boolean {
  return application.writeBack.kind === 'git';
}

const NOT_FOLLOWED = 'it follows nothing: list its images in the annotation tagpin.dev/image-list';

async function readUpdaters(needs: GatherNeeds, signal: AbortSignal): Promise<readonly ImageUpdater[]> {
  const read = (await needs.listImageUpdaters(signal)).map(readImageUpdater);
  return read.flatMap((result) => (result.ok ? [result.updater] : []));
}

function ownerKey({ kind, namespace, name }: Owner): string {
  return `${kind} ${namespace ?? ''}/${name}`;
}
