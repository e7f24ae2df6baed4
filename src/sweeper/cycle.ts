import type { Policy } from '../core/policy/schema.ts';
import type { RegistryHint } from '../core/receivers/hint.ts';
import type { Change, TargetName } from '../core/sweep/change.ts';
import { concerns } from '../core/sweep/hint.ts';
import { settleChanges, type WriteResult } from '../core/sweep/plan.ts';
import { countOutcomes, news, type OutcomeCounts } from '../core/sweep/report.ts';
import type { TargetState } from '../core/sweep/state.ts';
import type { LookPurpose } from '../core/sweep/workload/plans.ts';
import { type AskNeeds, askAll } from './ask.ts';
import { createSweepState, type NotStored, type OpenState, type SweepState } from './memory.ts';
import type { CycleFacts, FindTargets, FoundTargets, NamespaceFacts, Settled, SweptPlan } from './target.ts';

/** What a cycle needs from outside. */
export interface CycleNeeds {
  readonly listNamespaces: (signal: AbortSignal) => Promise<ReadonlyMap<string, NamespaceFacts>>;
  /** One for each kind of target. */
  readonly find: readonly FindTargets[];
  readonly registries: AskNeeds;
  readonly openState: OpenState;
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
  /** `rollouts`: how those get on that are under way, and nothing else. */
  readonly purpose: LookPurpose;
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
  const { names, mode, asked } = options;
  const state = createSweepState(await needs.openState(signal));
  const facts = factsOf(options, state, await needs.listNamespaces(signal), needs.now());
  const found = await Promise.all(needs.find.map((find) => find(facts, signal)));
  const targets = found.flatMap((each) => each.targets);
  const problems = found.flatMap((each) => each.problems);

  const answers = await askAll(
    needs.registries,
    (known) => [...new Set(targets.flatMap((target) => target.openQuestions(known)))].flat(),
    signal,
  );
  const kinds = found.map((each) => ({ found: each, plans: each.targets.map((target) => target.plan(answers)) }));
  const report = (changes: readonly Change[]): SweepReport => {
    const all = [...problems, ...changes];
    return { changes: all, counts: countOutcomes(all), targets: targets.length, questions: answers.size };
  };
  if (mode === 'plan') return report(kinds.flatMap(({ plans }) => plans.flatMap(({ changes }) => changes)));

  for (const target of targets) for (const key of target.askedKeys()) asked.set(askedKey(target.uid, key), facts.now);
  const changes = await carryOut(needs, kinds, state, signal);
  for (const change of problems) needs.tell(change);
  if (names === null) {
    const present = new Set(targets.map(({ uid }) => uid));
    for (const key of asked.keys()) if (!present.has(key.split(' ', 1)[0] ?? '')) asked.delete(key);
    await state.forget(present, facts.now, signal);
  }
  return report(changes);
}

function factsOf(
  { policy, names, purpose, asked, hints }: CycleOptions,
  state: SweepState,
  namespaces: CycleFacts['namespaces'],
  now: number,
): CycleFacts {
  return {
    policy,
    names,
    purpose,
    namespaces,
    stateOf: (uid) => state.get(uid),
    lastAsked(uid, key, followed) {
      const isHinted = hints.some((hint) => concerns(hint, followed));
      return isHinted ? null : (asked.get(askedKey(uid, key)) ?? null);
    },
    now,
  };
}

/** The targets of a kind, and what was decided of each. */
interface Kind {
  readonly found: FoundTargets;
  readonly plans: readonly SweptPlan[];
}

/** Remembers, writes, remembers, tells. */
async function carryOut(
  needs: CycleNeeds,
  kinds: readonly Kind[],
  state: SweepState,
  signal: AbortSignal,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  const told: Change[] = [];
  const states = new Map<string, TargetState>();
  const take = (uid: string, settled: Settled): void => {
    const heard = news(settled.changes, settled.now);
    states.set(uid, heard.state);
    told.push(...heard.told);
    changes.push(...settled.changes);
  };

  const plans = kinds.flatMap((kind) => kind.plans);
  const moving = plans.filter(({ writing }) => writing !== null);
  for (const plan of plans) if (plan.writing === null) take(plan.uid, plan);
  const attempts = new Map(moving.map((plan) => [plan.uid, plan.now]));
  const unstored = await state.record(new Map([...states, ...attempts]), signal);
  states.clear();

  for (const plan of moving) {
    const problem = unstored.get(plan.uid);
    if (problem === undefined) continue;
    take(plan.uid, { changes: settleChanges(plan.changes, notStored(problem)), now: plan.now });
  }
  const ready = moving.filter(({ uid }) => !unstored.has(uid));
  const together = kinds.map(({ found, plans: own }) => writeTogether(found, own, unstored, signal));
  const work = async (): Promise<void> => {
    for (let plan = ready.shift(); plan !== undefined; plan = ready.shift()) {
      if (typeof plan.writing !== 'function') continue;
      signal.throwIfAborted();
      take(plan.uid, await plan.writing(signal));
    }
  };
  await Promise.all([...Array.from({ length: WRITES_AT_ONCE }, work), ...together]);
  for (const settled of await Promise.all(together)) for (const [uid, came] of settled) take(uid, came);

  signal.throwIfAborted();
  await state.record(states, signal);
  for (const change of told) needs.tell(change);
  return changes;
}

async function writeTogether(
  found: FoundTargets,
  plans: readonly SweptPlan[],
  unstored: ReadonlyMap<string, NotStored>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Settled>> {
  const joined = plans.filter(({ uid, writing }) => writing === 'together' && !unstored.has(uid));
  if (joined.length === 0 || found.writeTogether === null) return new Map();
  return await found.writeTogether(new Set(joined.map(({ uid }) => uid)), signal);
}

/** What is not on record is not attempted: nobody would know who wrote it. */
function notStored(problem: NotStored): WriteResult {
  if (problem.kind === 'failed') return { kind: 'failed', reason: 'StateNotStored', message: problem.message };
  return { kind: 'waiting', reason: 'Outrun', message: 'another sweeper is at it: the next cycle looks again' };
}
