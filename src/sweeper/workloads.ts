import type { ImageReference } from '../core/image/reference.ts';
import { entriesFor } from '../core/signature/entries.ts';
import type { VerifyEntry } from '../core/signature/verification.ts';
import type { Change, TargetName } from '../core/sweep/change.ts';
import { type Choice, choose } from '../core/sweep/choice/choose.ts';
import type { SweepAnswers } from '../core/sweep/choice/questions.ts';
import type { Selection } from '../core/sweep/choice/selection.ts';
import { heldByProtection } from '../core/sweep/guard/protection.ts';
import { askedImages, planWorkload, type WorkloadFacts, workloadName } from '../core/sweep/workload-plan.ts';
import { FOLLOWING_KINDS, type FollowingKind } from '../core/target/workload/rollout.ts';
import { type FollowedByWorkload, readWorkload, type WorkloadTarget } from '../core/target/workload.ts';
import type { JsonObject } from '../core/workload/json.ts';
import { missing, nameOf, problemOf } from './problem.ts';
import type { CycleFacts, FindTargets, SweptPlan, SweptTarget } from './target.ts';
import { type PatchWorkload, writeWorkload } from './workload-writer.ts';

/** What is needed to sweep workloads. */
export interface WorkloadNeeds {
  /** All of a kind that are annotated, raw and in parts; some may come twice. Throws where they can't be known. */
  readonly list: (kind: FollowingKind, signal: AbortSignal) => AsyncIterable<readonly JsonObject[]>;
  /** One; null where it is not there. Throws where that can't be known. */
  readonly read: (kind: FollowingKind, target: TargetName, signal: AbortSignal) => Promise<JsonObject | null>;
  readonly patch: PatchWorkload;
}

/** Makes what finds Deployments, StatefulSets, DaemonSets and CronJobs that follow tags. */
export function createWorkloads(needs: WorkloadNeeds): FindTargets {
  return async (facts, signal) => {
    const found = new Map<string, WorkloadTarget>();
    const problems: Change[] = [];
    for (const kind of FOLLOWING_KINDS) {
      const names = facts.names?.filter((name) => name.kind === kind) ?? null;
      if (names?.length === 0) continue;
      for await (const { name, object } of objectsOf(needs, kind, names, signal)) {
        if (object === null) {
          problems.push(missing(name));
          continue;
        }
        const namespacePaused = facts.namespaces.get(name.namespace)?.isPaused ?? false;
        const read = readWorkload(kind, object, { namespacePaused });
        if (!read.ok) problems.push(problemOf(kind, object, 'InvalidSettings', read.problem));
        else if (read.workload !== null) found.set(read.workload.uid, read.workload);
        else if (names !== null) problems.push(problemOf(kind, object, 'NotFollowed', NOT_FOLLOWED));
      }
    }
    const targets = [...found.values()].map((workload) => swept(workload, found.size - 1, facts, needs));
    return { targets, problems, writeTogether: null };
  };
}

const NOT_FOLLOWED = 'it follows nothing: annotate it with tagpin.dev/follow';

/** The named ones, null for one that is not there; or all. */
async function* objectsOf(
  needs: WorkloadNeeds,
  kind: FollowingKind,
  names: readonly TargetName[] | null,
  signal: AbortSignal,
): AsyncGenerator<{ readonly name: TargetName; readonly object: JsonObject | null }, void> {
  for (const name of names ?? []) yield { name, object: await needs.read(kind, name, signal) };
  if (names !== null) return;
  for await (const objects of needs.list(kind, signal)) {
    for (const object of objects) yield { name: nameOf(kind, object), object };
    signal.throwIfAborted();
  }
}

function swept(workload: WorkloadTarget, others: number, cycle: CycleFacts, needs: WorkloadNeeds): SweptTarget {
  const { policy } = cycle;
  const facts = factsOf(workload, others, cycle);
  const target = workloadName(workload);
  const { uid } = workload;
  const chooseFor = (image: FollowedByWorkload, answers: SweepAnswers): Choice => {
    const selection = selectionOf(image, workload, policy.verify);
    return selection === null ? { kind: 'none', problem: 'no tag of it is known' } : choose(selection, answers);
  };
  return {
    target,
    uid,
    askedKeys: () => askedImages(facts).map(({ key }) => key),
    openQuestions: (answers) =>
      askedImages(facts).flatMap((image) => {
        const choice = chooseFor(image, answers);
        return choice.kind === 'ask' ? [choice.questions] : [];
      }),
    plan(answers): SweptPlan {
      const plan = planWorkload(facts, (image) => chooseFor(image, answers));
      const isMoving = plan.writes.length > 0 || plan.healthy.size > 0;
      const options = { history: policy.defaults.history, patch: needs.patch };
      return {
        target,
        uid,
        changes: plan.changes,
        now: plan.now,
        writing: isMoving ? (signal) => writeWorkload(facts, plan, options, signal) : null,
      };
    },
  };
}

function factsOf(workload: WorkloadTarget, others: number, cycle: CycleFacts): WorkloadFacts {
  const { policy, purpose, namespaces, stateOf, lastAsked, now } = cycle;
  const { uid, kind, namespace } = workload;
  const labels = (name: string) => namespaces.get(name)?.labels ?? null;
  const subject = { kind, namespace, project: null, destination: null };
  return {
    workload,
    state: stateOf(uid),
    lastAsked(key) {
      const image = workload.images.find((each) => each.key === key);
      if (image === undefined || image.rule === null) return null;
      return lastAsked(uid, key, { repository: repositoryOf(image.followed), rule: image.rule });
    },
    protection: heldByProtection(subject, [], policy.sweep.protect, labels),
    customControllers: policy.defaults.customControllers,
    others,
    purpose,
    now,
  };
}

function selectionOf(
  { followed, rule }: FollowedByWorkload,
  { credentials }: WorkloadTarget,
  verify: readonly VerifyEntry[],
): Selection | null {
  if (rule === null) return null;
  const repository = repositoryOf(followed);
  const entries = entriesFor(verify, repository);
  return { repository, rule, platforms: [], pullSecret: credentials, digest: 'wanted', verify: entries };
}

function repositoryOf(followed: ImageReference): ImageReference {
  return { ...followed, text: followed.name, tag: null, digest: null };
}
