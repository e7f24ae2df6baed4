import { type ImageReference, parseReference } from '../image/reference.ts';
import { asObject, asString, elements, valueAt } from '../workload/json.ts';
import { annotationOf } from '../workload/targets.ts';
import { type Owner, readOwner, revertedBy } from './ownership/owner.ts';
import { readSettings } from './settings/application-settings.ts';
import type { ImageUpdater } from './settings/image-updater.ts';
import type { SettingsProblem, TrackedSettings, WriteBack } from './settings.ts';
import { type Located, type LocateReason, locate, withoutShared } from './value/locate.ts';
import { type ApplicationSource, readSources } from './value/source.ts';

/** An Argo CD Application (`argoproj.io/v1alpha1`) that follows images: all that the sweeper decides by. */
export interface ApplicationTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly project: string;
  readonly destination: {
    readonly server: string | null;
    readonly name: string | null;
    readonly namespace: string | null;
  };
  readonly sources: readonly ApplicationSource[];
  readonly writeBack: WriteBack;
  readonly images: readonly FollowedImage[];
  readonly problems: readonly SettingsProblem[];
  readonly paused: boolean;
  readonly deleting: boolean;
  /** A sync, or something else that was asked of Argo CD, runs or is about to. */
  readonly operationRunning: boolean;
  readonly owner: Owner | null;
  /** What runs, as Argo CD counts it. */
  readonly live: readonly ImageReference[];
}

/** One image, and where its value is; or why it has no place. */
export type FollowedImage =
  | {
      readonly tracked: TrackedSettings;
      readonly located: Located;
      /** Who would put back what is written into the Application (`Application argocd/apps`); null where nobody is known to. */
      readonly revertedBy: string | null;
    }
  | {
      readonly tracked: TrackedSettings;
      readonly located: null;
      readonly reason: LocateReason;
      readonly problem: string;
    };

export interface ReadOptions {
  /** All there are; null where the policy does not read Image Updater's settings. */
  readonly imageUpdaters: readonly ImageUpdater[] | null;
  /** Is the Application's namespace paused? */
  readonly namespacePaused: boolean;
  /** The owner's object, where it is known; anything else otherwise. */
  readonly parent: (owner: Owner) => unknown;
}

export type ReadApplication =
  /** Null where it follows nothing, and says nothing about following. */
  | { readonly ok: true; readonly application: ApplicationTarget | null }
  | { readonly ok: false; readonly problem: string };

/** On an Application, or on its namespace: the sweeper leaves it alone. */
export const PAUSE_ANNOTATION = 'tagpin.dev/pause';

const RUNNING_PHASES = new Set(['Running', 'Terminating']);
/** The list that an image's value is in, below its source. */
const LISTS = { helm: ['helm', 'parameters'], kustomize: ['kustomize', 'images'], plugin: ['plugin', 'env'] } as const;

/** Reads an Application. */
export function readApplication(object: unknown, options: ReadOptions): ReadApplication {
  const text = (...path: string[]): string | null => asString(valueAt(object, path)) || null;
  const [namespace, name, uid] = [text('metadata', 'namespace'), text('metadata', 'name'), text('metadata', 'uid')];
  if (namespace === null || name === null || uid === null || asObject(valueAt(object, ['spec'])) === null) {
    return { ok: false, problem: 'it is no Application: namespace, name, uid and spec belong to one' };
  }
  const settings = readSettings(object, options.imageUpdaters);
  if (settings === null) return { ok: true, application: null };

  const sources = readSources(object);
  const live = elements(valueAt(object, ['status', 'summary', 'images'])).flatMap((each) => {
    const parsed = parseReference(asString(each) ?? '');
    return parsed.ok ? [parsed.reference] : [];
  });
  const owner = readOwner(object);
  const parent = owner === null ? null : options.parent(owner);
  const facts = { sources, writeBack: settings.writeBack, live };
  const located = withoutShared(settings.images.map((tracked) => ({ tracked, location: locate(tracked, facts) })));
  const images = located.map(({ tracked, location }): FollowedImage => {
    if (!location.ok) return { tracked, located: null, reason: location.reason, problem: location.problem };
    const { source, place } = location.located;
    const list = [...source.pointer.slice(1).split('/'), ...LISTS[place.kind]];
    return { tracked, located: location.located, revertedBy: revertedBy(object, owner, parent, list) };
  });
  return {
    ok: true,
    application: {
      namespace,
      name,
      uid,
      resourceVersion: text('metadata', 'resourceVersion') ?? '',
      project: text('spec', 'project') ?? 'default',
      destination: readDestination(object),
      sources,
      writeBack: settings.writeBack,
      images,
      problems: [...settings.problems, ...located.flatMap(({ location }) => (location.ok ? location.hints : []))],
      paused: options.namespacePaused || isPause(annotationOf(object, PAUSE_ANNOTATION)),
      deleting: text('metadata', 'deletionTimestamp') !== null,
      operationRunning:
        asObject(valueAt(object, ['operation'])) !== null ||
        RUNNING_PHASES.has(text('status', 'operationState', 'phase') ?? ''),
      owner,
      live,
    },
  };
}

/** Does the annotation say pause? Whoever writes anything but false into it means that. */
export function isPause(value: string | null): boolean {
  const text = value?.trim().toLowerCase() ?? '';
  return text !== '' && text !== 'false';
}

/** Where an Application deploys to; what is not said is null. */
export function readDestination(object: unknown): ApplicationTarget['destination'] {
  const text = (key: string): string | null => asString(valueAt(object, ['spec', 'destination', key])) || null;
  return { server: text('server'), name: text('name'), namespace: text('namespace') };
}
