import type { TargetName } from '../core/sweep/change.ts';
import { shortText } from '../core/sweep/guard/drift.ts';
import {
  isAwaited,
  lastRefresh,
  settleWorkload,
  type WorkloadFacts,
  type WorkloadPlan,
  type WrittenImage,
  workloadName,
} from '../core/sweep/workload-plan.ts';
import { readStoredImage } from '../core/target/workload/answer.ts';
import {
  type PlannedImage,
  type WorkloadOperation,
  type WorkloadPatch,
  withoutRefresh,
  workloadPatch,
} from '../core/target/workload/patch.ts';
import type { JsonObject } from '../core/workload/json.ts';
import type { Settled } from './target.ts';

/** What came of a patch, with what admission webhooks said of it. `conflict`: it is not any more what was read. */
export type PatchedWorkload =
  | { readonly kind: 'written'; readonly object: JsonObject; readonly warnings: readonly string[] }
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/** Sends a JSON Patch for one workload. Throws only `signal.reason`. */
export type PatchWorkload = (
  target: TargetName,
  patch: readonly WorkloadOperation[],
  signal: AbortSignal,
) => Promise<PatchedWorkload>;

interface WriterOptions {
  readonly history: number;
  readonly patch: PatchWorkload;
}

const MOST_WARNINGS = 3;

/**
 * Writes what is planned of a workload: one patch for everything, and then what was stored is read. Whether it becomes healthy the
 * next cycles see.
 */
export async function writeWorkload(
  facts: WorkloadFacts,
  plan: WorkloadPlan,
  { history, patch }: WriterOptions,
  signal: AbortSignal,
): Promise<Settled> {
  const { workload, writes } = plan;
  const target = workloadName(workload);
  // Where there is no rollout to wait for, it is done with the write.
  const done = isAwaited(workload) ? [] : writes.map(({ image, value }) => [image.key, value] as const);
  const healthy = new Map([...plan.healthy, ...done]);
  const told = healthy.size === 0 ? null : lastRefresh(healthy, facts.now);
  const wanted = workloadPatch(workload, writes, { history, told });
  const patched = await patch(target, wanted.operations, signal);
  const unseen = patched.kind === 'written' ? await takeOff(target, wanted, patched, writes, plan, patch, signal) : '';
  return settleWorkload(
    facts,
    plan,
    new Map(writes.map((write) => [write.image.key, resultOf(write, plan, wanted, patched, unseen)])),
  );
}

/** What no webhook saw is not left behind. @returns what is to be said of it. */
async function takeOff(
  target: TargetName,
  { refresh }: WorkloadPatch,
  { object }: Extract<PatchedWorkload, { kind: 'written' }>,
  writes: readonly PlannedImage[],
  { workload }: WorkloadPlan,
  patch: PatchWorkload,
  signal: AbortSignal,
): Promise<string> {
  if (refresh === null) return '';
  const isUnseen = writes.some((write) => readStoredImage(workload.kind, object, write, refresh).kind === 'unseen');
  if (!isUnseen) return '';
  const { namespace } = workload;
  const told = `no webhook saw tagpin.dev/refresh: tagpin namespace enable ${namespace}, and check MutatingWebhookConfiguration tagpin; or write action: set-image`;
  const taken = await patch(target, withoutRefresh(refresh), signal);
  return taken.kind === 'failed' ? `${told}; the annotation could not be taken off again` : told;
}

function resultOf(
  write: PlannedImage,
  { workload }: WorkloadPlan,
  { refresh }: WorkloadPatch,
  patched: PatchedWorkload,
  unseen: string,
): WrittenImage {
  switch (patched.kind) {
    case 'conflict':
      return { kind: 'outrun', message: 'somebody changed it meanwhile: the next cycle looks again' };
    case 'failed':
      return { kind: 'failed', reason: 'WriteFailed', message: patched.message };
    case 'written': {
      const stored = readStoredImage(workload.kind, patched.object, write, refresh);
      switch (stored.kind) {
        case 'written':
          return stored;
        case 'unseen':
          return { kind: 'failed', reason: 'NoWebhook', message: unseen };
        case 'other': {
          const said = patched.warnings.slice(0, MOST_WARNINGS).join('; ');
          const why = said === '' ? '' : `: ${said}`;
          const message = `${shortText(write.value)} was asked for, and ${JSON.stringify(stored.found)} was stored${why}`;
          return { kind: 'failed', reason: 'WriteFailed', message };
        }
      }
    }
  }
}
