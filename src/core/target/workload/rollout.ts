import { asString, elements, type JsonObject, property, valueAt } from '../../workload/json.ts';

/** The kinds of workloads that can follow tags. */
export const FOLLOWING_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'] as const;
export type FollowingKind = (typeof FOLLOWING_KINDS)[number];

/** How a workload stands to what its template says, as `kubectl rollout status` judges it. */
export type Rollout =
  /** All that there is to be is new and available. */
  | { readonly kind: 'settled' }
  /** Its Pods are not replaced by a controller: a CronJob, and what has the strategy `OnDelete`. */
  | { readonly kind: 'none'; readonly why: string }
  | {
      readonly kind: 'rolling';
      /** What is waited for, half a sentence. */
      readonly why: string;
      /** Grows as it gets on. */
      readonly progress: number;
      /** How long it may take to get on, in milliseconds. */
      readonly patience: number;
    }
  /** Its own `spec.paused`. */
  | { readonly kind: 'paused' }
  /** Its controller says that it does not get on. */
  | { readonly kind: 'stuck'; readonly why: string };

/** How long a rollout may stand still; the default of `progressDeadlineSeconds`. */
const PATIENCE = 600_000;
/** Who sets more than this means that there is no deadline; nothing is waited for that long. */
const LONGEST_PATIENCE = 6 * 3_600_000;
const LONGEST_REASON = 200;

/** Judges a workload's status (https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_status/). */
export function readRollout(kind: FollowingKind, object: unknown): Rollout {
  if (kind === 'CronJob') return { kind: 'none', why: 'its next Job runs it' };
  const strategy = asString(valueAt(object, ['spec', 'updateStrategy', 'type']));
  if (strategy === 'OnDelete')
    return { kind: 'none', why: 'its strategy is OnDelete: Pods run it once they are deleted' };
  if (kind === 'Deployment' && valueAt(object, ['spec', 'paused']) === true) return { kind: 'paused' };
  const observed = count(object, ['status', 'observedGeneration']);
  if (observed === 0 || count(object, ['metadata', 'generation']) > observed) {
    return rolling(object, 'its controller has not seen the change', 0);
  }
  switch (kind) {
    case 'Deployment':
      return deploymentRollout(object);
    case 'StatefulSet':
      return statefulSetRollout(object);
    case 'DaemonSet':
      return daemonSetRollout(object);
  }
}

function deploymentRollout(object: unknown): Rollout {
  const progressing = condition(object, 'Progressing');
  if (progressing !== null && progressing['reason'] === 'ProgressDeadlineExceeded') {
    const message = (asString(progressing['message']) ?? '').slice(0, LONGEST_REASON);
    return { kind: 'stuck', why: `ProgressDeadlineExceeded${message === '' ? '' : `: ${message}`}` };
  }
  const wanted = count(object, ['spec', 'replicas'], 1);
  const status = (name: string): number => count(object, ['status', name]);
  const [all, updated, available] = [status('replicas'), status('updatedReplicas'), status('availableReplicas')];
  const old = Math.max(0, all - updated);
  const wait = (why: string): Rollout => rolling(object, why, updated + available + Math.max(0, wanted - old));
  if (updated < wanted) return wait(`${updated} of ${wanted} new Pods have been made`);
  if (old > 0) return wait(`${old} old ${old === 1 ? 'Pod is' : 'Pods are'} still there`);
  return available < updated ? wait(`${available} of ${updated} new Pods are available`) : { kind: 'settled' };
}

function statefulSetRollout(object: unknown): Rollout {
  const wanted = count(object, ['spec', 'replicas'], 1);
  const [ready, updated] = [count(object, ['status', 'readyReplicas']), count(object, ['status', 'updatedReplicas'])];
  if (ready < wanted) return rolling(object, `${ready} of ${wanted} Pods are ready`, updated + ready);
  const partition = count(object, ['spec', 'updateStrategy', 'rollingUpdate', 'partition']);
  if (partition > 0) {
    const moving = Math.max(0, wanted - partition);
    return updated < moving
      ? rolling(object, `${updated} of ${moving} Pods beyond the partition are new`, updated + ready)
      : { kind: 'settled' };
  }
  const [current, next] = ['currentRevision', 'updateRevision'].map((name) => valueAt(object, ['status', name]));
  // With none to run the revisions are not brought together (kubernetes/kubernetes#106055).
  return current !== next && updated < wanted
    ? rolling(object, `${updated} of ${wanted} Pods are new`, updated + ready)
    : { kind: 'settled' };
}

function daemonSetRollout(object: unknown): Rollout {
  const status = (name: string): number => count(object, ['status', name]);
  const [wanted, updated] = [status('desiredNumberScheduled'), status('updatedNumberScheduled')];
  const available = status('numberAvailable');
  if (updated < wanted)
    return rolling(object, `${updated} of ${wanted} new Pods have been scheduled`, updated + available);
  return available < wanted
    ? rolling(object, `${available} of ${wanted} new Pods are available`, updated + available)
    : { kind: 'settled' };
}

function rolling(object: unknown, why: string, progress: number): Rollout {
  const deadline = valueAt(object, ['spec', 'progressDeadlineSeconds']);
  const own = typeof deadline === 'number' && Number.isFinite(deadline) ? deadline * 1000 : 0;
  return { kind: 'rolling', why, progress, patience: own > LONGEST_PATIENCE ? PATIENCE : Math.max(PATIENCE, own) };
}

function condition(object: unknown, type: string): JsonObject | null {
  const found = elements(valueAt(object, ['status', 'conditions'])).find((each) => property(each, 'type') === type);
  return (found as JsonObject | undefined) ?? null;
}

function count(object: unknown, path: readonly string[], missing = 0): number {
  const value = valueAt(object, path);
  return typeof value === 'number' && Number.isFinite(value) ? value : missing;
}
