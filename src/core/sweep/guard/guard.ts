import { formatDuration } from '../../duration.ts';
import type { ApplicationTarget } from '../../target/application.ts';
import type { TrackedSettings, WriteBack } from '../../target/settings.ts';
import { compareNumbers, parseNumber } from '../../version/number.ts';
import { compareVersions, parseVersion } from '../../version/version.ts';
import type { Hold } from '../change.ts';
import type { ImageState } from '../state.ts';
import { type ImageValue, isSameValue } from '../value.ts';
import { shortText } from './drift.ts';

/** `tagpin.dev/pause` on the target or on its Namespace. */
export function heldByPause({ paused, namespace }: Pick<ApplicationTarget, 'paused' | 'namespace'>): Hold | null {
  if (!paused) return null;
  return waiting('Paused', `tagpin.dev/pause is set on it or on Namespace ${namespace}`);
}

/** What is being deleted is left alone: a write would only wake its controllers. */
export function heldByDeletion({ deleting }: Pick<ApplicationTarget, 'deleting'>): Hold | null {
  return deleting ? waiting('Deleting', 'it is being deleted') : null;
}

/** A sync that runs has been started for what stands there now. */
export function heldByOperation({ operationRunning }: ApplicationTarget): Hold | null {
  return operationRunning ? waiting('OperationRunning', 'an operation of Argo CD is running on it') : null;
}

/**
 * Never two writers.
 *
 * @param isTheirs does it have settings that Image Updater reads, too?
 */
export function heldByImageUpdater(facts: { readonly isTheirs: boolean; readonly isRunning: boolean }): Hold | null {
  if (!facts.isTheirs || !facts.isRunning) return null;
  return waiting('ImageUpdaterRunning', 'Image Updater is running: its Lease is being renewed; scale it to zero');
}

/** A target whose value its parent would put back: a write would only go back and forth. */
export function heldByParent(revertedBy: string | null, writeBack: WriteBack): Hold | null {
  if (writeBack.kind !== 'argocd' || revertedBy === null) return null;
  const ways = revertedBy.startsWith('ApplicationSet')
    ? 'list the parameters under its ignoreApplicationDifferences, or use write-back-method: git'
    : 'set ignoreDifferences and RespectIgnoreDifferences=true on it, or use write-back-method: git';
  return {
    outcome: 'refused',
    reason: 'RevertedByParent',
    message: `reverted by ${revertedBy}, which would put its own value back: ${ways}`,
  };
}

/** No version is taken back unless somebody allowed it: a newest tag that was deleted is no wish for the one before. */
export function heldByDowngrade(
  tracked: Pick<TrackedSettings, 'allowDowngrade' | 'rule'>,
  current: ImageValue,
  wanted: ImageValue,
): Hold | null {
  if (tracked.allowDowngrade || current.tag === null || wanted.tag === null) return null;
  if (!isBelow(tracked, wanted.tag, current.tag)) return null;
  return {
    outcome: 'refused',
    reason: 'Downgrade',
    message: `${wanted.tag} is older than ${current.tag}: set allow-downgrade: "true" where that is meant`,
  };
}

function isBelow({ rule }: Pick<TrackedSettings, 'rule'>, wanted: string, current: string): boolean {
  const [one, other] = [wanted, current].map((tag) => rule.extract(tag) ?? tag);
  if (one === undefined || other === undefined) return false;
  switch (rule.strategy) {
    case 'semver': {
      const [want, have] = [parseVersion(one), parseVersion(other)];
      return want !== null && have !== null && compareVersions(want, have) < 0;
    }
    case 'numerical': {
      const [want, have] = [parseNumber(one), parseNumber(other)];
      return want !== null && have !== null && compareNumbers(want, have) < 0;
    }
    // Only of tags that the rule would take is their order known: `main` is not before `v1`.
    case 'alphabetical':
      return rule.allow.allows(current) && !rule.ignores(current) && one < other;
    // When the current one was built nobody asked, and a moved tag has no order.
    case 'newest-build':
    case 'digest':
      return false;
  }
}

/** `min-age`: what appeared just now may be taken back, or replaced, soon. */
export function heldByAge(tracked: Pick<TrackedSettings, 'minAge'>, firstSeen: number, now: number): Hold | null {
  const left = (tracked.minAge ?? 0) - Math.max(0, now - firstSeen);
  if (left <= 0) return null;
  const until = new Date(now + left).toISOString();
  return waiting(
    'TooYoung',
    `min-age ${formatDuration(tracked.minAge ?? 0)}: seen first at ${new Date(firstSeen).toISOString()}, is old enough at ${until}`,
  );
}

/** A part of the interval may be missing: cycles do not begin to the millisecond. */
const EARLY = 0.05;

/** `interval`. @param lastAsked null where it was not asked yet. */
export function heldByInterval(
  tracked: Pick<TrackedSettings, 'interval'>,
  lastAsked: number | null,
  now: number,
): Hold | null {
  const { interval } = tracked;
  if (interval === null || lastAsked === null) return null;
  const left = lastAsked + interval * (1 - EARLY) - now;
  if (left <= 0) return null;
  return waiting('NotDue', `interval ${formatDuration(interval)}: asked at ${new Date(lastAsked).toISOString()}`);
}

const PROMPT_TRIES = 3;
const FIRST_WAIT = 5 * 60_000;
const LONGEST_WAIT = 3_600_000;

/** What could not be written three times in a row is tried again ever more seldom, so that nothing is lost and nobody is flooded. */
export function heldByAttempts({ attempt, problem }: ImageState, wanted: ImageValue, now: number): Hold | null {
  if (attempt === null || attempt.count < PROMPT_TRIES || !isSameValue(attempt, wanted)) return null;
  const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(10, attempt.count - PROMPT_TRIES));
  const next = attempt.at + wait;
  if (now >= next || attempt.at > now) return null;
  const why = problem === null ? '' : `: ${problem}`;
  return {
    outcome: 'failed',
    reason: 'Retrying',
    message: `${shortText(wanted)} could not be written ${attempt.count} times, is tried again after ${new Date(next).toISOString()}${why}`,
  };
}

function waiting(reason: Extract<Hold, { outcome: 'waiting' }>['reason'], message: string): Hold {
  return { outcome: 'waiting', reason, message };
}
