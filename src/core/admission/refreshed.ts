import { MOST_REFRESHED } from '../workload/pins.ts';
import type { PlanContext } from './context.ts';

/**
 * The refresh values to remember: the one honoured in this request, then the stored record's, then the submitted one's,
 * each once. They need no trust, since they can only prevent.
 */
export function nextRefreshed(honoured: string | null, context: PlanContext): readonly string[] {
  const stored = context.stored.refreshed;
  const submitted = context.submitted.refreshed;
  const ofThisRequest = honoured ?? honouredInEarlierRound(stored, submitted);
  const values = new Set([...(ofThisRequest === null ? [] : [ofThisRequest]), ...stored, ...submitted]);
  return [...values].slice(0, MOST_REFRESHED);
}

/**
 * A reinvocation brings the record of the round before: the stored values with one in front of them, maybe others behind. Without this that
 * value would be sorted behind the others, and the second round would change what the first one wrote.
 */
function honouredInEarlierRound(stored: readonly string[], submitted: readonly string[]): string | null {
  const [first, ...rest] = submitted;
  if (first === undefined || stored.includes(first)) return null;
  const expected = stored.slice(0, MOST_REFRESHED - 1);
  return expected.every((value, index) => value === rest[index]) ? first : null;
}
