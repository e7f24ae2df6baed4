import { formatDuration } from '../../duration.ts';
import type { Rollout } from '../../target/workload/rollout.ts';
import type { Hold } from '../change.ts';
import { shortText } from '../guard/drift.ts';
import { type ImageState, MOST_COUNTED } from '../state.ts';

/** What a rollout is judged by. */
interface RolloutFacts {
  readonly state: ImageState;
  readonly rollout: Rollout;
  /** A rollout that a write of ours began is under way. */
  readonly isRollingOurs: boolean;
  /** How many other workloads follow something. */
  readonly others: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What came of a rollout that a write of ours began. */
export type Watched =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'held'; readonly hold: Hold; readonly state: ImageState }
  /** It failed, as it was told before: now it is to be decided what to do. */
  | { readonly kind: 'failed' };

/** At so many looks in a row somebody has to hear of it. */
const MOST_WAITED = 8;
/** What is said where a digest has failed that often. */
export const NOTHING_TRIED =
  'nothing more is tried: mend its Pods, take it back (kubectl rollout undo), or push another image to its tag';
/** How often a digest may fail to become healthy. */
export const MOST_ATTEMPTS = 3;

/** Is there a rollout at all that could be waited for? */
export function hasRollout({ kind }: Rollout): boolean {
  return kind !== 'none';
}

/** Looks after a rollout of ours: nobody waits for it, each cycle looks. */
export function watchRollout(facts: RolloutFacts & { readonly attempt: NonNullable<ImageState['attempt']> }): Watched {
  const { state, rollout, attempt, now } = facts;
  const before = state.rollout ?? { progress: 0, failed: false };
  const rolling = (hold: Hold, at: number, progress: number): Watched => ({
    kind: 'held',
    hold,
    state: { ...state, attempt: { ...attempt, at }, rollout: { progress, failed: false }, waited: null },
  });
  switch (rollout.kind) {
    case 'settled':
    case 'none':
      return { kind: 'healthy' };
    case 'paused':
      if (before.failed) return { kind: 'failed' };
      return rolling(
        { outcome: 'waiting', reason: 'RolloutPaused', message: 'its spec.paused is set' },
        now,
        before.progress,
      );
    case 'rolling': {
      if (before.failed) return { kind: 'failed' };
      const isGettingOn = rollout.progress > before.progress;
      // A clock that was ahead would have it waited for until it is as late again.
      const since = isGettingOn ? now : Math.min(attempt.at, now);
      if (now - since <= rollout.patience) {
        const message = `${shortText(attempt)} is being rolled out: ${rollout.why}`;
        return rolling(
          { outcome: 'waiting', reason: 'RollingOut', message },
          since,
          Math.max(before.progress, rollout.progress),
        );
      }
      return failed(`it has not got on for ${formatDuration(rollout.patience)}: ${rollout.why}`);
    }
    case 'stuck':
      return before.failed ? { kind: 'failed' } : failed(rollout.why);
  }

  function failed(why: string): Watched {
    const { count } = attempt;
    const message = `the rollout of ${shortText(attempt)} failed (${count} of ${MOST_ATTEMPTS}): ${why}`;
    const after: ImageState = { ...state, rollout: { progress: before.progress, failed: true }, waited: null };
    const isLast = count >= MOST_ATTEMPTS;
    return {
      kind: 'held',
      state: after,
      hold: isLast
        ? {
            outcome: 'failed',
            reason: 'GaveUp',
            message: `${message}: ${NOTHING_TRIED}`,
          }
        : { outcome: 'failed', reason: 'RolloutFailed', message: `${message}: it is tried again` },
    };
  }
}

/** Why nothing is written while a rollout is under way, and how often in a row that was so; null where none is. */
export function holdUnsettled(facts: RolloutFacts): { readonly hold: Hold; readonly waited: number | null } | null {
  const { state, rollout, isRollingOurs, others } = facts;
  switch (rollout.kind) {
    case 'settled':
    case 'none':
      return null;
    case 'paused':
      return { hold: { outcome: 'waiting', reason: 'RolloutPaused', message: 'its spec.paused is set' }, waited: null };
    case 'rolling':
    case 'stuck': {
      if (isRollingOurs) {
        const message = `another image of it is being rolled out: ${rollout.why}`;
        return { hold: { outcome: 'waiting', reason: 'RollingOut', message }, waited: state.waited };
      }
      const waited = Math.min(MOST_COUNTED, (state.waited ?? 0) + 1);
      const message = `its rollout, which was not begun here, is not over: ${rollout.why}`;
      if (waited < MOST_WAITED) return { hold: { outcome: 'waiting', reason: 'RollingOut', message }, waited };
      const way = 'mend its Pods, or write the image yourself';
      const rest = others === 1 ? '1 other workload goes on' : `${others} other workloads go on`;
      return {
        hold: {
          outcome: 'failed',
          reason: 'NotSettling',
          message: `it is frozen: at ${MOST_WAITED} looks in a row and more ${message}: ${way}; ${rest}`,
        },
        waited,
      };
    }
  }
}
