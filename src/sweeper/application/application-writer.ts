import type { TargetName } from '../../core/sweep/change.ts';
import type { TargetPlan, WriteResult } from '../../core/sweep/plan.ts';
import { valueText } from '../../core/sweep/value.ts';
import { type ApplicationOperation, applicationPatch } from '../../core/target/value/patch.ts';

/** What came of a patch. `conflict`: it is not any more what was read; nothing was changed. */
export type Patched =
  | { readonly kind: 'written' }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Sends a JSON Patch for one Application. Throws only `signal.reason`. */
export type ApplyChange = (
  target: TargetName,
  patch: readonly ApplicationOperation[],
  signal: AbortSignal,
) => Promise<Patched>;

/** What is needed to write one Application. */
export interface ApplicationWriterNeeds {
  readonly apply: ApplyChange;
  /** Plans anew on what is there now, with the same answers; null where it is gone, or follows nothing any more. */
  readonly replan: (plan: TargetPlan, signal: AbortSignal) => Promise<TargetPlan | null>;
}

/** Of those who write at the same time all but one start again; more than a few in a row is somebody's loop. */
const MOST_TRIES = 5;

/**
 * Writes a planned Application: only where everything that was read there is still so; else it is read and planned again.
 *
 * @returns what came of it, and the plan that it came of.
 */
export async function writeApplication(
  first: TargetPlan,
  needs: ApplicationWriterNeeds,
  signal: AbortSignal,
): Promise<{ readonly plan: TargetPlan; readonly result: WriteResult }> {
  let plan = first;
  for (let tries = 1; ; tries += 1) {
    const { application, writes } = plan;
    const patch = applicationPatch(
      application.uid,
      writes.map(({ located, proposed }) => ({ source: located.source, proposed })),
    );
    if (patch.length === 0) return { plan, result: { kind: 'unchanged' } };
    const { namespace, name } = application;
    const patched = await needs.apply({ kind: 'Application', namespace, name }, patch, signal);
    switch (patched.kind) {
      case 'written':
        return { plan, result: patched };
      case 'failed':
        return { plan, result: { kind: 'failed', reason: 'WriteFailed', message: patched.message } };
      case 'conflict':
        if (tries === MOST_TRIES) {
          return { plan, result: { kind: 'failed', reason: 'WriteFailed', message: patched.message } };
        }
    }
    const next = await needs.replan(plan, signal);
    // What is attempted is on record; what is something else now has its turn in the next cycle.
    if (next === null || !isSameAttempt(first, next)) return { plan, result: OUTRUN };
    plan = next;
    if (plan.writes.length === 0) return { plan, result: { kind: 'unchanged' } };
  }
}

const OUTRUN: WriteResult = {
  kind: 'waiting',
  reason: 'Outrun',
  message: 'somebody changed it meanwhile: the next cycle looks again',
};

function isSameAttempt(first: TargetPlan, next: TargetPlan): boolean {
  const recorded = new Set(first.writes.map(({ tracked, value }) => `${tracked.key} ${valueText(value)}`));
  return next.writes.every(({ tracked, value }) => recorded.has(`${tracked.key} ${valueText(value)}`));
}
