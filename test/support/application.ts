import assert from 'node:assert/strict';
import { applyPatch } from 'rfc6902';
import { parseDigest } from '../../src/core/image/digest.ts';
import { type ApplicationTarget, type FollowedImage, readApplication } from '../../src/core/target/application.ts';
import { type ImageUpdater, readImageUpdater } from '../../src/core/target/settings/image-updater.ts';
import { type ApplicationOperation, applicationPatch } from '../../src/core/target/value/patch.ts';
import { proposedValues } from '../../src/core/target/value/values.ts';

export type Manifest = Readonly<Record<string, unknown>>;

export const UID = '6c1f8a0e-0000-4000-8000-000000000001';
export const DIGEST = parseDigest(`sha256:${'ab'.repeat(32)}`) ?? assert.fail();

/** What of an Application a test cares about; the rest is as Argo CD has it. */
export interface Written {
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: Manifest;
  readonly source?: Manifest;
  readonly spec?: Manifest;
  readonly type?: string;
  readonly status?: Manifest;
}

/** An Application in the namespace argocd with one Helm source, unless something else is said. */
export function application(written: Written = {}): Manifest {
  const { name = 'shop', annotations, labels, metadata, source, spec, type = 'Helm', status } = written;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      namespace: 'argocd',
      name,
      uid: UID,
      resourceVersion: '7',
      ...(annotations !== undefined && { annotations }),
      ...(labels !== undefined && { labels }),
      ...metadata,
    },
    spec: {
      project: 'default',
      destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
      ...(spec === undefined && {
        source: { repoURL: 'https://git.example/deploy.git', path: 'shop', targetRevision: 'main', ...source },
      }),
      ...spec,
    },
    status: { ...(spec === undefined && { sourceType: type }), ...status },
  };
}

/** `tagpin.dev/` before each key. */
export function own(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return prefixed('tagpin.dev/', annotations);
}

/** `argocd-image-updater.argoproj.io/` before each key. */
export function updaters(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return prefixed('argocd-image-updater.argoproj.io/', annotations);
}

/** An `ImageUpdater` in the namespace argocd. */
export function imageUpdater(spec: Manifest, name = 'updater'): ImageUpdater {
  const read = readImageUpdater({ metadata: { namespace: 'argocd', name }, spec });
  return read.ok ? read.updater : assert.fail(read.problem);
}

/** The Application as it is read; it must be one that follows something. */
export function read(object: unknown, imageUpdaters: readonly ImageUpdater[] | null = null): ApplicationTarget {
  const result = readApplication(object, { imageUpdaters, namespacePaused: false, parent: () => null });
  assert.ok(result.ok, 'it can be read');
  return result.application ?? assert.fail('it follows nothing');
}

/** One of its images, with its place. */
function image(target: ApplicationTarget, key: string): FollowedImage & { readonly located: object } {
  const found = target.images.find(({ tracked }) => tracked.key === key);
  assert.ok(found, `${key} is followed: ${JSON.stringify(target.problems)}`);
  return found.located === null ? assert.fail(found.problem) : found;
}

/** Images by their keys, and what they are to be. */
export type Chosen = Readonly<Record<string, { readonly tag: string | null; readonly digest?: typeof DIGEST | null }>>;

/** The patch for what was chosen; every image of it must be followed. */
export function patchFor(target: ApplicationTarget, chosen: Chosen): readonly ApplicationOperation[] {
  const changes = Object.entries(chosen).map(([key, { tag, digest = null }]) => {
    const { tracked, located } = image(target, key);
    const proposed = proposedValues(tracked, located.place, { tag, digest });
    return { source: located.source, proposed: proposed ?? assert.fail(`${key} has no value`) };
  });
  return applicationPatch(target.uid, changes);
}

/** The object after a patch, which must apply. */
export function patched(object: Manifest, operations: readonly ApplicationOperation[]): Manifest {
  const copy = structuredClone(object);
  for (const problem of applyPatch(copy, structuredClone([...operations]))) assert.equal(problem, null);
  return copy;
}

function prefixed(prefix: string, annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${prefix}${key}`, value]));
}
