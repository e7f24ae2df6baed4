import type { Policy } from '../core/policy/schema.ts';
import type { RegistryHint } from '../core/receivers/hint.ts';
import type { Change, TargetName } from '../core/sweep/change.ts';
import { concerns } from '../core/sweep/hint.ts';
import {
  askedKeys,
  openQuestions,
  planTarget,
  settle,
  type TargetFacts,
  type TargetPlan,
  type WriteResult,
} from '../core/sweep/plan.ts';
import { type GitPlace, heldByProtection, isReadAt } from '../core/sweep/protection.ts';
import { countOutcomes, news, type OutcomeCounts } from '../core/sweep/report.ts';
import type { TargetState } from '../core/sweep/state.ts';
import type { ApplicationTarget } from '../core/target/application.ts';
import type { JsonObject } from '../core/workload/json.ts';
import { type ApplyChange, writeApplication } from './application-writer.ts';
import { type AskNeeds, askAll } from './ask.ts';
import { type FoundTarget, type Gathered, type GatherNeeds, gather } from './gather.ts';
import { createSweepState, type NotStored, type OpenState, type SweepState } from './memory.ts';

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

/** What a cycle needs from outside. */
export interface CycleNeeds {
  readonly gather: GatherNeeds;
  readonly registries: AskNeeds;
  readonly openState: OpenState;
  /** One Application as it is now; null where it is gone. Throws `signal.reason` and where it can't be known. */
  readonly readTarget: (target: TargetName, signal: AbortSignal) => Promise<JsonObject | null>;
  readonly apply: ApplyChange;
  readonly commit: CommitTargets;
  /** Takes what is new: a success, a failure or a waiting, each once. */
  readonly tell: (change: Change) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What one cycle is about. */
export interface CycleOptions {
  readonly policy: Policy;
  /** Null: all that there are. */
  readonly names: readonly TargetName[] | null;
  /** `plan`: nothing is written, stored or told. */
  readonly mode: 'write' | 'plan';
  /** When registries were asked for an image last, by uid and alias; empty at first, and kept from cycle to cycle. */
  readonly asked: Map<string, number>;
  /** What was pushed since: who follows it is not kept waiting by an interval. */
  readonly hints: readonly RegistryHint[];
}

/** What came of a cycle. */
export interface SweepReport {
  readonly changes: readonly Change[];
  readonly counts: OutcomeCounts;
  readonly targets: number;
  /** How many distinct questions registries were asked. */
  readonly questions: number;
}

const WRITES_AT_ONCE = 8;

function askedKey(uid: string, alias: string): string {
  return `${uid} ${alias}`;
}

/**
 * Looks once at everything: list, ask, plan, remember what is attempted, write, remember what was written, tell.
 *
 * Two cycles at the same time do no harm: what is written holds only where everything that was read is still so.
 *
 * @throws `signal.reason`, and where the targets, the namespaces or the state can't be known: then nothing was written.
 */
export async function runCycle(needs: CycleNeeds, options: CycleOptions, signal: AbortSignal): Promise<SweepReport> {
  const { policy, names, mode, asked, hints } = options;
  const state = createSweepState(await needs.openState(signal));
  const gathered = await gather(needs.gather, policy.sweep, names, signal);
  const now = needs.now();
  const factsOf = (found: FoundTarget): TargetFacts =>
    describeTarget(found, { gathered, policy, state, asked, hints, now });
  const facts = gathered.targets.map(factsOf);

  const answers = await askAll(
    needs.registries,
    (known) => [...new Set(facts.flatMap((target) => openQuestions(target, known)))].flat(),
    signal,
  );
  const plans = facts.map((target) => planTarget(target, answers));
  const report = (changes: readonly Change[]): SweepReport => {
    const all = [...gathered.problems, ...changes];
    return { changes: all, counts: countOutcomes(all), targets: plans.length, questions: answers.size };
  };
  if (mode === 'plan') return report(plans.flatMap(({ changes }) => changes));

  for (const target of facts) {
    for (const key of askedKeys(target)) asked.set(askedKey(target.application.uid, key), now);
  }
  const replan = async (plan: TargetPlan): Promise<TargetPlan | null> => {
    const { namespace, name, uid } = plan.application;
    const object = await needs.readTarget({ kind: 'Application', namespace, name }, signal);
    const found = object === null ? null : await gathered.read(object, signal);
    const isSame = found !== null && 'application' in found && found.application.uid === uid;
    // With the same state as before: what is attempted is on record already, and it is no matter of intervals any more.
    return isSame ? planTarget({ ...factsOf(found), lastAsked: () => null }, answers) : null;
  };
  const standing = plans.filter((plan) => plan.writes.length === 0 && plan.standing.length > 0);
  const context = { git: policy.sweep.git, standing, protects: protection(gathered, policy), signal };
  const changes = await carryOut(needs, plans, state, replan, context);
  for (const change of gathered.problems) needs.tell(change);
  if (names === null) {
    const present = new Set(facts.map(({ application }) => application.uid));
    for (const key of asked.keys()) if (!present.has(key.split(' ', 1)[0] ?? '')) asked.delete(key);
    await state.forget(present, now, signal);
  }
  return report(changes);
}

function describeTarget(
  { application, changedBy, isTheirs }: FoundTarget,
  context: {
    readonly gathered: Gathered;
    readonly policy: Policy;
    readonly state: SweepState;
    readonly asked: ReadonlyMap<string, number>;
    readonly hints: readonly RegistryHint[];
    readonly now: number;
  },
): TargetFacts {
  const { gathered, policy, state, asked, hints, now } = context;
  return {
    application,
    state: state.get(application.uid),
    changedBy,
    lastAsked(key) {
      const image = application.images.find(({ tracked }) => tracked.key === key);
      const isHinted = image !== undefined && hints.some((hint) => concerns(hint, image.tracked));
      return isHinted ? null : (asked.get(askedKey(application.uid, key)) ?? null);
    },
    guard: {
      protect: policy.sweep.protect,
      labels: (namespace) => gathered.namespaces.get(namespace)?.labels ?? null,
      imageUpdater: { isTheirs, isRunning: gathered.isImageUpdaterRunning },
    },
    now,
  };
}

/** Files are known when they are about to be written. */
function protection(
  { namespaces, protectedPlaces }: Gathered,
  { sweep: { protect } }: Policy,
): CommitContext['protects'] {
  const labels = (namespace: string) => namespaces.get(namespace)?.labels ?? null;
  return (application, file) => {
    const hold = heldByProtection(application, [file], protect, labels);
    if (hold !== null) return hold.message;
    const { writeBack } = application;
    // Argo CD reads `.argocd-source-NAME.yaml` for that Application alone; as a file of values it may be that of another.
    if (writeBack.kind === 'git' && writeBack.target.kind === 'argocd-source') return null;
    return isReadAt(protectedPlaces, file) ? "an Application that the policy's sweep.protect protects reads it" : null;
  };
}

/** Remembers, writes, remembers, tells. */
async function carryOut(
  needs: CycleNeeds,
  plans: readonly TargetPlan[],
  state: SweepState,
  replan: (plan: TargetPlan, signal: AbortSignal) => Promise<TargetPlan | null>,
  context: CommitContext,
): Promise<readonly Change[]> {
  const { signal } = context;
  const changes: Change[] = [];
  const still = plans.filter(({ writes }) => writes.length === 0);
  const moving = plans.filter(({ writes }) => writes.length > 0);
  const told: Change[] = [];
  const states = new Map<string, TargetState>();
  const take = ({ application }: TargetPlan, settled: Pick<TargetPlan, 'changes' | 'now'>): void => {
    const heard = news(settled.changes, settled.now);
    states.set(application.uid, heard.state);
    told.push(...heard.told);
    changes.push(...settled.changes);
  };

  for (const plan of still) take(plan, plan);
  const attempts = new Map(moving.map((plan) => [plan.application.uid, plan.now]));
  const unstored = await state.record(new Map([...states, ...attempts]), signal);
  states.clear();

  const ready = moving.filter((plan) => {
    const problem = unstored.get(plan.application.uid);
    if (problem !== undefined) take(plan, settle(plan, notStored(problem)));
    return problem === undefined;
  });
  const inGit = ready.filter(({ application }) => application.writeBack.kind === 'git');
  const direct = ready.filter(({ application }) => application.writeBack.kind === 'argocd');
  const committing = inGit.length === 0 ? new Map<string, WriteResult>() : needs.commit(inGit, context);
  const work = async (): Promise<void> => {
    for (let plan = direct.shift(); plan !== undefined; plan = direct.shift()) {
      signal.throwIfAborted();
      const written = await writeApplication(plan, { apply: needs.apply, replan }, signal);
      take(written.plan, settle(written.plan, written.result));
    }
  };
  await Promise.all([...Array.from({ length: WRITES_AT_ONCE }, work), committing]);
  const committed = await committing;
  for (const plan of inGit) take(plan, settle(plan, committed.get(plan.application.uid) ?? LOST));

  signal.throwIfAborted();
  await state.record(states, signal);
  for (const change of told) needs.tell(change);
  return changes;
}

const LOST: WriteResult = { kind: 'failed', reason: 'WriteFailed', message: 'nothing is known of its commit' };

/** What is not on record is not attempted: nobody would know who wrote it. */
function notStored(problem: NotStored): WriteResult {
  if (problem.kind === 'failed') return { kind: 'failed', reason: 'StateNotStored', message: problem.message };
  return { kind: 'waiting', reason: 'Outrun', message: 'another sweeper is at it: the next cycle looks again' };
}
