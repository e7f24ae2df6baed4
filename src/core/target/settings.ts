import type { Platform } from '../image/platform.ts';
import type { SelectionRule } from '../version/select.ts';
import type { TrackedImage } from './tracked-image.ts';

/** What goes where a tag stands: `1.2@sha256:…`, `sha256:…`, `1.2`. */
export type ValueFormat = 'tag+digest' | 'digest' | 'tag';

/** What an Application follows, wherever that was written: its annotations or an `ImageUpdater` resource. */
export interface ApplicationSettings {
  /** Those that could be read, in the order in which they are listed. */
  readonly images: readonly TrackedSettings[];
  readonly writeBack: WriteBack;
  readonly problems: readonly SettingsProblem[];
}

/** One image that an Application follows. */
export interface TrackedSettings {
  readonly alias: string | null;
  /** The alias, or the image's canonical name; unique in the Application. */
  readonly key: string;
  readonly image: TrackedImage;
  readonly rule: SelectionRule;
  /** An image must run on one of them; none means on any. */
  readonly platforms: readonly Platform[];
  readonly pullSecret: PullSecretSource | null;
  /** Also where nothing runs the image, as far as that matters (`isOptional`). */
  readonly forceUpdate: boolean;
  /** Listed for many Applications, by a pattern of names: followed only in those that run it, already say it, or are forced to. */
  readonly isOptional: boolean;
  readonly place: WantedPlace;
  /** Which of several sources: its name, its ref or its index from 0; null where none was named. */
  readonly source: string | null;
  readonly format: ValueFormat;
  /** How long a digest or a tag must have been there, in milliseconds; null where any age will do. */
  readonly minAge: number | null;
  /** How often to look, in milliseconds; null where the policy's interval holds. */
  readonly interval: number | null;
  readonly allowDowngrade: boolean;
}

/** A Secret in the Application's own namespace: a Docker configuration, or a field that holds `USER:PASSWORD`. */
export type PullSecretSource =
  | { readonly kind: 'pullsecret'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'secret'; readonly namespace: string; readonly name: string; readonly field: string };

/** Where a value is to be written, as far as somebody said so; `locate` fills in the defaults. */
export type WantedPlace =
  | { readonly kind: 'unsaid' }
  | {
      readonly kind: 'helm';
      readonly nameParameter: string | null;
      readonly tagParameter: string | null;
      /** Takes the whole reference; the two before are not looked at then. */
      readonly specParameter: string | null;
      /** Takes the digest alone. */
      readonly digestParameter: string | null;
    }
  | {
      readonly kind: 'kustomize';
      /** The image's name in the manifests, without a tag. */
      readonly name: string;
    }
  | {
      readonly kind: 'plugin';
      readonly nameVariable: string | null;
      readonly tagVariable: string | null;
      readonly specVariable: string | null;
    };

/** How changes are written: into the Application, or into its repository. */
export type WriteBack =
  | { readonly kind: 'argocd' }
  | {
      readonly kind: 'git';
      readonly credentials: GitCredentialSource;
      readonly target: WriteBackTarget;
      /** Null: the repository of the source. */
      readonly repository: string | null;
      readonly branch: {
        /** Null: the source's target revision. */
        readonly base: string | null;
        /** A template; null: the base. */
        readonly push: string | null;
      };
      readonly pullRequest: PullRequestSettings | null;
    };

export type GitCredentialSource =
  | { readonly kind: 'repocreds' }
  | { readonly kind: 'secret'; readonly namespace: string; readonly name: string };

/** Which file takes the values; a path is as written, with a leading `/` from the repository's root, else from the source's path. */
export type WriteBackTarget =
  | { readonly kind: 'argocd-source' }
  | { readonly kind: 'helmvalues'; readonly path: string | null }
  | { readonly kind: 'kustomization'; readonly path: string | null };

export interface PullRequestSettings {
  readonly provider: 'github' | 'gitlab' | 'gitea';
  readonly labels: readonly string[];
}

/** Something about the settings that a person should know. */
export interface SettingsProblem {
  /** An error stops its image, or the whole Application where it names none; a hint stops nothing. */
  readonly kind: 'error' | 'hint';
  /** The whole key of an annotation, or `ImageUpdater NAMESPACE/NAME FIELD`. */
  readonly key: string;
  /** The image's alias, or its text where it has none; null: the whole Application. */
  readonly image: string | null;
  /** The value quoted, what is wrong with it, and what to do, as one sentence without its full stop. */
  readonly problem: string;
}
