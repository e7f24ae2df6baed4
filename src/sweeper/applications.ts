import type { Policy } from '../core/policy/schema.ts';
import type { TargetName } from '../core/sweep/change.ts';
import type { SweepAnswers } from '../core/sweep/choice/questions.ts';
import { applicationSubject, type GitPlace, heldByProtection, isReadAt } from '../core/sweep/guard/protection.ts';
import {
  askedKeys,
  openQuestions,
  planTarget,
  settle,
  type TargetFacts,
  type TargetPlan,
  type WriteResult,
} from '../core/sweep/plan.ts';
import type { ApplicationTarget } from '../core/target/application.ts';
import type { JsonObject } from '../core/workload/json.ts';
import { type ApplyChange, writeApplication } from './application/application-writer.ts';
import { type FoundTarget, type Gathered, type GatherNeeds, gather } from './application/gather.ts';
import type { CycleFacts, FindTargets, Settled, SweptPlan, SweptTarget, WriteAlone } from './target.ts';

/** What commits of a cycle go by. */
export interface CommitContext {
  readonly git: Policy['sweep']['git'];
  /** Of method `git`, with nothing to write now: what they wrote before still belongs on a branch that is made anew. */
  readonly standing: readonly TargetPlan[];
  /** Why a file must not be written, whatever annotations say; null where it may. */
  readonly protects: (application: ApplicationTarget, file: GitPlace & { readonly path: string }) => string | null;
  readonly signal: AbortSignal;
}

/** Writes plans of method `git`, grouped as it likes; what came of each, by uid. Throws only `signal.reason`. */
export type CommitTargets = (
  plans: readonly TargetPlan[],
  context: CommitContext,
) => Promise<ReadonlyMap<string, WriteResult>>;

/** What is needed to sweep Argo CD Applications. */
export interface ApplicationNeeds {
  readonly gather: GatherNeeds;
  /** One Application as it is now; null where it is gone. Throws `signal.reason` and where it can't be known. */
  readonly readTarget: (target: TargetName, signal: AbortSignal) => Promise<JsonObject | null>;
  readonly apply: ApplyChange;
  readonly commit: CommitTargets;
}

/** Makes what finds Argo CD Applications that follow images. */
export function createApplications(needs: ApplicationNeeds): FindTargets {
  return async (facts, signal) => {
    const gathered = await gather(needs.gather, facts, signal);
    const plans = new Map<string, TargetPlan>();
    const sweep: Sweep = { needs, facts, gathered, plans };
    return {
      problems: gathered.problems,
      targets: gathered.targets.map((found) => sweptApplication(found, sweep)),
      async writeTogether(ready, under) {
        const all = [...plans.values()];
        const chosen = all.filter(({ application }) => ready.has(application.uid));
        const standing = all.filter((plan) => plan.writes.length === 0 && plan.standing.length > 0);
        const protects = protection(gathered, facts);
        const { git } = facts.policy.sweep;
        const results = await needs.commit(chosen, { git, standing, protects, signal: under });
        return new Map(
          chosen.map((plan): [string, Settled] => {
            const { uid } = plan.application;
            return [uid, settle(plan, results.get(uid) ?? LOST)];
          }),
        );
      },
    };
  };
}

const LOST: WriteResult = { kind: 'failed', reason: 'WriteFailed', message: 'nothing is known of its commit' };

/** What one cycle knows of Applications. */
interface Sweep {
  readonly needs: ApplicationNeeds;
  readonly facts: CycleFacts;
  readonly gathered: Gathered;
  /** By uid, once they are made. */
  readonly plans: Map<string, TargetPlan>;
}

function sweptApplication(found: FoundTarget, sweep: Sweep): SweptTarget {
  const facts = describeTarget(found, sweep);
  const { namespace, name, uid } = found.application;
  const target: TargetName = { kind: 'Application', namespace, name };
  return {
    target,
    uid,
    askedKeys: () => askedKeys(facts),
    openQuestions: (answers) => openQuestions(facts, answers),
    plan(answers) {
      const plan = planTarget(facts, answers);
      sweep.plans.set(uid, plan);
      return {
        target,
        uid,
        changes: plan.changes,
        now: plan.now,
        writing: writingOf(plan, { answers, sweep, before: facts.state }),
      };
    },
  };
}

/** What an Application was planned by. */
interface Planned {
  readonly answers: SweepAnswers;
  readonly sweep: Sweep;
  /** What was remembered of it when the cycle began. */
  readonly before: TargetFacts['state'];
}

function writingOf(plan: TargetPlan, planned: Planned): SweptPlan['writing'] {
  if (plan.writes.length === 0) return null;
  if (plan.application.writeBack.kind === 'git') return 'together';
  const alone: WriteAlone = async (signal) => {
    const replan = (last: TargetPlan) => planAgain(last, planned, signal);
    const written = await writeApplication(plan, { apply: planned.sweep.needs.apply, replan }, signal);
    return settle(written.plan, written.result);
  };
  return alone;
}

async function planAgain(
  { application: { namespace, name, uid } }: TargetPlan,
  { answers, sweep, before }: Planned,
  signal: AbortSignal,
): Promise<TargetPlan | null> {
  const object = await sweep.needs.readTarget({ kind: 'Application', namespace, name }, signal);
  const found = object === null ? null : await sweep.gathered.read(object, signal);
  const isSame = found !== null && 'application' in found && found.application.uid === uid;
  if (!isSame) return null;
  // What is attempted is on record by now, and nothing of it was done: it is the same attempt. Nor is it a matter of intervals any more.
  return planTarget({ ...describeTarget(found, sweep), state: before, lastAsked: () => null }, answers);
}

function describeTarget({ application, changedBy, isTheirs }: FoundTarget, { facts, gathered }: Sweep): TargetFacts {
  const { policy, namespaces, stateOf, lastAsked, now } = facts;
  return {
    application,
    state: stateOf(application.uid),
    changedBy,
    lastAsked(key) {
      const tracked = application.images.find((image) => image.tracked.key === key)?.tracked;
      const followed = tracked === undefined ? null : { repository: tracked.image.repository, rule: tracked.rule };
      return followed === null ? null : lastAsked(application.uid, key, followed);
    },
    guard: {
      protect: policy.sweep.protect,
      labels: (namespace) => namespaces.get(namespace)?.labels ?? null,
      imageUpdater: { isTheirs, isRunning: gathered.isImageUpdaterRunning },
    },
    verify: policy.verify,
    now,
  };
}

/** Files are known when they are about to be written. */
function protection(
  { protectedPlaces }: Gathered,
  { namespaces, policy }: Pick<CycleFacts, 'namespaces' | 'policy'>,
): CommitContext['protects'] {
  const labels = (namespace: string) => namespaces.get(namespace)?.labels ?? null;
  return (application, file) => {
    const hold = heldByProtection(applicationSubject(application), [file], policy.sweep.protect, labels);
    if (hold !== null) return hold.message;
    const { writeBack } = application;
    // Argo CD reads `.argocd-source-NAME.yaml` for that Application alone; as a file of values it may be that of another.
    if (writeBack.kind === 'git' && writeBack.target.kind === 'argocd-source') return null;
    return isReadAt(protectedPlaces, file) ? "an Application that the policy's sweep.protect protects reads it" : null;
  };
}
