import { compileGlobs } from '../../policy/grammar/glob.ts';
import type { Policy } from '../../policy/schema.ts';
import { type ApplicationTarget, type FollowedImage, readApplication } from '../../target/application.ts';
import { IMAGE_LIST, TAGPIN_ANNOTATIONS } from '../../target/settings/annotations.ts';
import type { ImageUpdater } from '../../target/settings/image-updater.ts';
import type { LocateReason } from '../../target/value/locate.ts';
import { asString, elements, property, valueAt } from '../../workload/json.ts';
import { annotationOf } from '../../workload/targets.ts';
import type { ObjectFinding } from '../finding.ts';
import { lintKeys } from './keys.ts';

/** By what an Application is read. */
export interface ApplicationFacts {
  /** Null where the policy may not be read. */
  readonly sweep: Policy['sweep'] | null;
  /** Null where the policy does not read Image Updater's settings. */
  readonly imageUpdaters: readonly ImageUpdater[] | null;
}

const LIST = `${TAGPIN_ANNOTATIONS.prefix}${IMAGE_LIST}`;

/** These are not for ever: an image that does not run yet, a source that Argo CD has not looked at. */
const PASSING: ReadonlySet<LocateReason> = new Set(['NotRunning', 'SourceUnknown']);

/** Finds what of an Application's settings can't act, and what else the sweeper would tell a person of them. */
export function lintApplication(object: unknown, facts: ApplicationFacts): readonly ObjectFinding[] {
  const read = followedByApplication(object, facts);
  const keys = lintKeys('Application', object);
  if (read === null) return keys;
  return [
    ...keys,
    ...unlisted(object, read, facts),
    ...read.problems.map(({ kind, key, image, problem }): ObjectFinding => {
      const of = image === null ? '' : `${image}: `;
      return { code: kind === 'error' ? 'BadValue' : 'NoEffect', where: key, message: `${of}${problem}` };
    }),
    ...read.images.flatMap((image) => [...placeless(image), ...formatFindings(object, image)]),
  ];
}

/** What an Application follows; null where it is nothing. */
export function followedByApplication(object: unknown, { imageUpdaters }: ApplicationFacts): ApplicationTarget | null {
  const read = readApplication(object, { imageUpdaters, namespacePaused: false, parent: () => null });
  return read.ok ? read.application : null;
}

function unlisted(
  object: unknown,
  { namespace }: ApplicationTarget,
  { sweep }: ApplicationFacts,
): readonly ObjectFinding[] {
  const isListed = sweep === null || compileGlobs(sweep.applicationNamespaces)(namespace);
  if (isListed || annotationOf(object, LIST) === null) return [];
  const message = `the sweeper does not look here: add ${namespace} to the policy's sweep.applicationNamespaces`;
  return [{ code: 'Unseen', where: LIST, message }];
}

function placeless(image: FollowedImage): readonly ObjectFinding[] {
  if (image.located !== null || PASSING.has(image.reason)) return [];
  return [{ code: 'NoEffect', where: LIST, message: `${image.tracked.key}: ${image.problem}` }];
}

/**
 * Whether a chart puts a `:` before the value, or the value into a label, stands in its templates, which nobody reads here. What came
 * of it does stand in the Application's status.
 */
function formatFindings(object: unknown, { tracked, located }: FollowedImage): readonly ObjectFinding[] {
  if (located === null || located.place.kind !== 'helm') return [];
  const { alias, format, image } = tracked;
  const where = `${TAGPIN_ANNOTATIONS.prefix}${alias === null ? '' : `${alias}.`}format`;
  const { tag, digest } = located.current;
  if (format === 'digest' && digest !== null) {
    const wrong = `${image.repository.name}:${digest}`;
    const runs = elements(valueAt(object, ['status', 'summary', 'images']));
    if (!runs.includes(wrong)) return [];
    const message = `the chart puts ":" before the digest, which is no image: write tag+digest`;
    return [{ code: 'BadValue', where, message }];
  }
  if (format !== 'tag+digest' || tag === null) return [];
  const isInLabel = messagesOf(object).some(
    (text) => /label/i.test(text) && text.includes(`${tag}@sha256`) && /Invalid value/.test(text),
  );
  if (!isInLabel) return [];
  const own = alias === null ? 'ALIAS' : alias;
  const message = `the chart puts it into a label, which can't hold "@": write tag, or a parameter of its own as ${own}.helm.image-digest`;
  return [{ code: 'BadValue', where, message }];
}

const MOST_MESSAGES = 500;

/** What Argo CD says of its last comparison and its last sync. */
function messagesOf(object: unknown): readonly string[] {
  const state = valueAt(object, ['status', 'operationState']);
  const lists = [
    ...elements(valueAt(object, ['status', 'conditions'])),
    ...elements(valueAt(state, ['syncResult', 'resources'])),
    state,
  ].slice(-MOST_MESSAGES);
  return lists.flatMap((each) => asString(property(each, 'message')) ?? []);
}
