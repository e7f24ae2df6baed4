import type { SettingsProblem } from '../settings.ts';

/** A setting as somebody wrote it, trimmed, and where: the whole key of an annotation, or a field of a resource. */
export interface Written {
  readonly text: string;
  readonly where: string;
}

/** Settings of one image that Argo CD Image Updater's users write as `<alias>.KEY`. */
export const IMAGE_KEYS = [
  'update-strategy',
  'force-update',
  'allow-tags',
  'ignore-tags',
  'platforms',
  'pull-secret',
  'helm.image-name',
  'helm.image-tag',
  'helm.image-spec',
  'kustomize.image-name',
] as const;

/** Its name for `allow-tags` before 0.12, read where that is not written. */
export const FORMER_IMAGE_KEYS = ['tag-match'] as const;

/** Further ones that are tagpin's own. */
export const OWN_IMAGE_KEYS = [
  'helm.image-digest',
  'plugin.image-name',
  'plugin.image-tag',
  'plugin.image-spec',
  'format',
  'interval',
  'min-age',
  'extract',
  'allow-downgrade',
  'source',
] as const;

/** Those that may also stand without an alias, for all images that don't say otherwise. */
export const SHARED_KEYS = ['update-strategy', 'force-update', 'allow-tags', 'ignore-tags', 'pull-secret'] as const;
export const OWN_SHARED_KEYS = [
  'platforms',
  'format',
  'interval',
  'min-age',
  'extract',
  'allow-downgrade',
  'source',
] as const;

/** Settings of the whole Application. */
export const APPLICATION_KEYS = ['write-back-method', 'write-back-target', 'git-branch', 'git-repository'] as const;
export const OWN_APPLICATION_KEYS = ['pull-request', 'pull-request-labels'] as const;

export type ImageKey =
  | (typeof IMAGE_KEYS)[number]
  | (typeof FORMER_IMAGE_KEYS)[number]
  | (typeof OWN_IMAGE_KEYS)[number];
export type ApplicationKey = (typeof APPLICATION_KEYS)[number] | (typeof OWN_APPLICATION_KEYS)[number];

/** An image of a list; `alias` null where it has none. */
export interface ListedImage {
  readonly alias: string | null;
  readonly image: Written;
  /** It is there for every Application that a pattern of names fits. */
  readonly isOptional: boolean;
}

/** What one origin of settings says: the annotations under one prefix, or one `ImageUpdater` resource. */
export interface SettingsLayer {
  /** Null where it names no images. */
  readonly images: readonly ListedImage[] | null;
  /** What it says about one image. */
  readonly own: (alias: string, key: ImageKey) => Written | null;
  /** What it says about all images, one of that alias among them. */
  readonly shared: (alias: string | null, key: ImageKey) => Written | null;
  readonly application: (key: ApplicationKey) => Written | null;
  readonly problems: readonly SettingsProblem[];
}

/** A text in quotes, cut to 60 characters, as messages show it. */
export function quoted(text: string): string {
  const whole = JSON.stringify(text);
  return whole.length > 60 ? `${whole.slice(0, 59)}…` : whole;
}
