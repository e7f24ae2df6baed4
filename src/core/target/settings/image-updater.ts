import { compileTagGlob } from '../../version/tag-glob.ts';
import { asObject, asString, elements, property, valueAt } from '../../workload/json.ts';
import type { SettingsProblem } from '../settings.ts';
import { compileLabelSelector } from './label-selector.ts';
import type { ApplicationKey, ImageKey, ListedImage, SettingsLayer, Written } from './written.ts';

/** Argo CD Image Updater's resource `argocd-image-updater.argoproj.io/v1alpha1 ImageUpdater`: who follows what in its own namespace. */
export interface ImageUpdater {
  readonly namespace: string;
  readonly name: string;
  /** `applicationRefs`, the most specific first; of equals in their order. */
  readonly references: readonly ApplicationReference[];
}

/** One of its `applicationRefs`, with the resource's own defaults in it. */
export interface ApplicationReference {
  readonly matches: (name: string, labels: unknown) => boolean;
  /** Everything else is in the Application's annotations. */
  readonly useAnnotations: boolean;
  readonly layer: SettingsLayer;
}

export type ParsedImageUpdater =
  | { readonly ok: true; readonly updater: ImageUpdater }
  /** A sentence about the resource, which then selects nothing, as in Argo CD Image Updater. */
  | { readonly ok: false; readonly problem: string };

/** Reads the resource once, for as many Applications as there are. What its CRD makes sure of is not checked again. */
export function readImageUpdater(object: unknown): ParsedImageUpdater {
  const namespace = asString(valueAt(object, ['metadata', 'namespace'])) ?? '';
  const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
  const spec = property(object, 'spec');
  const references: { readonly reference: ApplicationReference; readonly specificity: number }[] = [];
  for (const [index, entry] of elements(property(spec, 'applicationRefs')).entries()) {
    const where = `ImageUpdater ${namespace}/${name} spec`;
    const read = readReference(spec, entry, { of: where, at: `${where}.applicationRefs[${index}]` });
    if (typeof read === 'string') return { ok: false, problem: `spec.applicationRefs[${index}].${read}` };
    references.push({ reference: read, specificity: specificity(entry) });
  }
  if (references.length === 0) return { ok: false, problem: 'spec.applicationRefs names no Application: add one' };
  const sorted = references.toSorted((a, b) => b.specificity - a.specificity).map(({ reference }) => reference);
  return { ok: true, updater: { namespace, name, references: sorted } };
}

const WILDCARDS = /[*?[\]]/;

/**
 * How special a reference is: a name without wildcards beats everything, a label selector beats any pattern, then every letter
 * counts (`calculateSpecificity` of Argo CD Image Updater, whose documentation gives the figures).
 */
export function specificity(reference: unknown): number {
  const pattern = asString(property(reference, 'namePattern')) ?? '';
  const selector = asObject(property(reference, 'labelSelectors'));
  const labels = Object.keys(asObject(property(selector, 'matchLabels')) ?? {}).length;
  const expressions = elements(property(selector, 'matchExpressions')).length;
  const literals = new TextEncoder().encode(pattern.replaceAll(/\[.*?\]/g, '').replaceAll(/[*?]/g, '')).length;
  return (
    (WILDCARDS.test(pattern) ? 0 : 1_000_000) +
    literals +
    (selector === null ? 0 : 10_000 + 100 * (labels + expressions))
  );
}

interface Where {
  /** The resource's spec. */
  readonly of: string;
  /** The reference in it. */
  readonly at: string;
}

/** The reference, or what is wrong with it, beginning with the field. */
function readReference(spec: unknown, entry: unknown, where: Where): ApplicationReference | string {
  const pattern = asString(property(entry, 'namePattern')) ?? '';
  const glob = compileTagGlob(pattern);
  if (!glob.ok) return `namePattern: ${glob.problem}`;
  const selector = compileLabelSelector(property(entry, 'labelSelectors'));
  if (!selector.ok) return `labelSelectors: ${selector.problem}`;
  const useAnnotations = property(entry, 'useAnnotations') === true;
  return {
    matches: (name, labels) => glob.value(name) && selector.matches(labels),
    useAnnotations,
    layer: useAnnotations ? verificationOnly(entry, where) : readLayer(spec, entry, where),
  };
}

function readLayer(spec: unknown, entry: unknown, where: Where): SettingsLayer {
  const shared = new Map([
    ...updateSettings(property(spec, 'commonUpdateSettings'), `${where.of}.commonUpdateSettings`),
    ...updateSettings(property(entry, 'commonUpdateSettings'), `${where.at}.commonUpdateSettings`),
  ]);
  const application = new Map([
    ...writeBackSettings(property(spec, 'writeBackConfig'), `${where.of}.writeBackConfig`),
    ...writeBackSettings(property(entry, 'writeBackConfig'), `${where.at}.writeBackConfig`),
  ]);
  const images: ListedImage[] = [];
  const own = new Map<string, ReadonlyMap<ImageKey, Written>>();
  const problems: SettingsProblem[] = [];
  for (const [index, image] of elements(property(entry, 'images')).entries()) {
    const at = `${where.at}.images[${index}]`;
    const alias = asString(property(image, 'alias'))?.trim() ?? '';
    images.push({
      alias: alias === '' ? null : alias,
      image: { text: asString(property(image, 'imageName'))?.trim() ?? '', where: `${at}.imageName` },
      isOptional: WILDCARDS.test(asString(property(entry, 'namePattern')) ?? ''),
    });
    own.set(
      alias,
      new Map([
        ...updateSettings(property(image, 'commonUpdateSettings'), `${at}.commonUpdateSettings`),
        ...manifestTargets(property(image, 'manifestTargets'), `${at}.manifestTargets`),
      ]),
    );
    if (isVerified([spec, entry, image])) problems.push(unverified(`${at}.imagesVerification`, alias));
  }
  return {
    images: images.length === 0 ? null : images,
    own: (alias, key) => own.get(alias)?.get(key) ?? null,
    shared: (_alias, key) => shared.get(key) ?? null,
    application: (key) => application.get(key) ?? null,
    problems,
  };
}

function verificationOnly(entry: unknown, { at }: Where): SettingsLayer {
  return {
    images: null,
    own: () => null,
    shared: () => null,
    application: () => null,
    problems: isVerified([entry]) ? [unverified(`${at}.imagesVerification`, null)] : [],
  };
}

/** Its fields are merged one by one; where there is any block, verification is on unless it says otherwise. */
function isVerified(scopes: readonly unknown[]): boolean {
  const blocks = scopes
    .map((scope) => asObject(property(scope, 'imagesVerification')))
    .filter((block) => block !== null);
  const enabled = blocks.map((block) => property(block, 'enabled')).findLast((value) => typeof value === 'boolean');
  return blocks.length > 0 && enabled !== false;
}

/** Writing what was to be verified, unverified, would be worse than not writing it. */
function unverified(key: string, image: string | null): SettingsProblem {
  const problem = 'is not read from here: name the key under verify in the policy, and write enabled: false here';
  return { kind: 'error', key, image, problem };
}

type Entry<Key> = readonly [Key, Written];

/** What is null there is not written; an empty text or list is, and takes away what a wider scope says. */
function updateSettings(settings: unknown, where: string): readonly Entry<ImageKey>[] {
  return [
    ...field<ImageKey>(settings, 'updateStrategy', 'update-strategy', where),
    ...field<ImageKey>(settings, 'forceUpdate', 'force-update', where),
    ...field<ImageKey>(settings, 'allowTags', 'allow-tags', where),
    ...field<ImageKey>(settings, 'ignoreTags', 'ignore-tags', where),
    ...field<ImageKey>(settings, 'pullSecret', 'pull-secret', where),
    ...field<ImageKey>(settings, 'platforms', 'platforms', where),
  ];
}

function manifestTargets(targets: unknown, where: string): readonly Entry<ImageKey>[] {
  const [helm, plugin] = [property(targets, 'helm'), property(targets, 'plugin')];
  return [
    ...field<ImageKey>(helm, 'name', 'helm.image-name', `${where}.helm`),
    ...field<ImageKey>(helm, 'tag', 'helm.image-tag', `${where}.helm`),
    ...field<ImageKey>(helm, 'spec', 'helm.image-spec', `${where}.helm`),
    ...field<ImageKey>(property(targets, 'kustomize'), 'name', 'kustomize.image-name', `${where}.kustomize`),
    ...field<ImageKey>(plugin, 'name', 'plugin.image-name', `${where}.plugin`),
    ...field<ImageKey>(plugin, 'tag', 'plugin.image-tag', `${where}.plugin`),
    ...field<ImageKey>(plugin, 'spec', 'plugin.image-spec', `${where}.plugin`),
  ];
}

function writeBackSettings(config: unknown, where: string): readonly Entry<ApplicationKey>[] {
  const git = property(config, 'gitConfig');
  const pullRequest = asObject(property(git, 'pullRequest'));
  // One that is given replaces a wider scope's as a whole, its labels too. Two providers are none that can be.
  const providers = ['github', 'gitlab', 'gitea'].filter((each) => asObject(property(pullRequest, each)) !== null);
  const labels = elements(property(pullRequest, 'labels')).map((each) => asString(each) ?? '');
  const at = `${where}.gitConfig.pullRequest`;
  return [
    ...field<ApplicationKey>(config, 'method', 'write-back-method', where),
    ...field<ApplicationKey>(git, 'writeBackTarget', 'write-back-target', `${where}.gitConfig`),
    ...field<ApplicationKey>(git, 'branch', 'git-branch', `${where}.gitConfig`),
    ...field<ApplicationKey>(git, 'repository', 'git-repository', `${where}.gitConfig`),
    ...(pullRequest === null
      ? []
      : ([
          ['pull-request', { text: providers.join(' and ') || 'nothing', where: at }],
          ['pull-request-labels', { text: labels.join(','), where: `${at}.labels` }],
        ] as const)),
  ];
}

function field<Key>(holder: unknown, name: string, key: Key, where: string): readonly Entry<Key>[] {
  const value = property(holder, name);
  const written = (text: string): readonly Entry<Key>[] => [[key, { text: text.trim(), where: `${where}.${name}` }]];
  if (Array.isArray(value)) return written(value.map((each) => asString(each) ?? '').join(','));
  return typeof value === 'string' || typeof value === 'boolean' ? written(String(value)) : [];
}
