import { canonicalName } from '../core/image/reference.ts';
import type { Change, Hold, TargetName } from '../core/sweep/change.ts';
import type { SweepAnswers } from '../core/sweep/choice/questions.ts';
import { settleChanges, type WriteResult } from '../core/sweep/plan.ts';
import {
  holdRepository,
  planRepository,
  type RepositoryFacts,
  type RepositoryOperation,
  type RepositoryPlan,
  repositoryKey,
  repositoryName,
  repositoryQuestions,
} from '../core/sweep/repository-plan.ts';
import type { TargetState } from '../core/sweep/state.ts';
import { isSameValue } from '../core/sweep/value.ts';
import { type OciRepositoryTarget, readOciRepository } from '../core/target/oci-repository.ts';
import { type ObjectVerification, verificationEntry } from '../core/target/oci-verification.ts';
import type { JsonObject } from '../core/workload/json.ts';
import { missing, nameOf, problemOf } from './problem.ts';
import type { CycleFacts, FindTargets, Settled, SweptPlan, SweptTarget } from './target.ts';

/** The values of a Secret; or why there are none, as a sentence without its content. */
export type SecretValues =
  | { readonly kind: 'read'; readonly values: Readonly<Record<string, string>> }
  /** It is for somebody to mend. */
  | { readonly kind: 'unusable'; readonly problem: string }
  /** It may be known a little later. */
  | { readonly kind: 'failed'; readonly problem: string };

/** What is needed to sweep Flux OCIRepositories. */
export interface RepositoryNeeds {
  /** Raw and in parts: all that are annotated, or those that are named. Nothing where there is no such resource. */
  readonly list: (names: readonly TargetName[] | null, signal: AbortSignal) => AsyncIterable<readonly JsonObject[]>;
  /** One as it is now; null where it is gone. Throws `signal.reason` and where it can't be known. */
  readonly read: (target: TargetName, signal: AbortSignal) => Promise<JsonObject | null>;
  /** A Secret that an object names, in the object's own namespace. It does not reject. */
  readonly readSecret: (namespace: string, name: string) => Promise<SecretValues>;
  /** Sends a JSON Patch. Throws only `signal.reason`. */
  readonly apply: (
    target: TargetName,
    patch: readonly RepositoryOperation[],
    signal: AbortSignal,
  ) => Promise<
    | { readonly kind: 'written' }
    /** It is not any more what was read. */
    | { readonly kind: 'conflict'; readonly message: string }
    | { readonly kind: 'failed'; readonly message: string }
  >;
}

/** Of those who write at the same time all but one start again; more than a few in a row is somebody's loop. */
const MOST_TRIES = 5;

/** Makes what finds Flux OCIRepositories that follow a range of versions. */
export function createOciRepositories(needs: RepositoryNeeds): FindTargets {
  return async (facts, signal) => {
    const names = facts.names?.filter(({ kind }) => kind === 'OCIRepository') ?? null;
    const targets = new Map<string, SweptTarget>();
    const problems: Change[] = [];
    const seen = new Set<string>();
    if (names === null || names.length > 0) {
      for await (const objects of needs.list(names, signal)) {
        for (const object of objects) {
          const { namespace, name } = nameOf('OCIRepository', object);
          seen.add(`${namespace}/${name}`);
          const found = await describe(object, facts, needs);
          if (found === null) {
            if (names !== null) problems.push(problemOf('OCIRepository', object, 'NotFollowed', NOT_FOLLOWED));
          } else if ('repository' in found) targets.set(found.repository.uid, swept(found, facts, needs));
          else problems.push(found);
        }
        signal.throwIfAborted();
      }
    }
    const absent = (names ?? []).filter(({ namespace, name }) => !seen.has(`${namespace}/${name}`));
    return {
      targets: [...targets.values()],
      problems: [...problems, ...absent.map(missing)],
      writeTogether: null,
    };
  };
}

const NOT_FOLLOWED = 'it follows nothing: annotate it with tagpin.dev/follow: semver';

/** Everything that one of them is decided by; a refusal where it can't be read, null where nobody asked for it. */
async function describe(
  object: JsonObject,
  facts: CycleFacts,
  { readSecret }: Pick<RepositoryNeeds, 'readSecret'>,
): Promise<RepositoryFacts | Change | null> {
  const { policy, namespaces, stateOf, lastAsked, now } = facts;
  const namespacePaused = namespaces.get(nameOf('OCIRepository', object).namespace)?.isPaused ?? false;
  const read = readOciRepository(object, { namespacePaused });
  switch (read.kind) {
    case 'unfollowed':
      return null;
    case 'unreadable':
      return problemOf('OCIRepository', object, 'InvalidSettings', read.problems.join('; '));
    case 'read': {
      const { target: repository } = read;
      const { uid, rule } = repository;
      const known: Omit<RepositoryFacts, 'ownVerify'> = {
        repository,
        verify: policy.verify,
        state: stateOf(uid),
        lastAsked: lastAsked(uid, repositoryKey(repository), { repository: repository.repository, rule }),
        protect: policy.sweep.protect,
        labels: (namespace) => namespaces.get(namespace)?.labels ?? null,
        now,
      };
      // Who is left alone has no Secret read.
      const isHeld = holdRepository({ ...known, ownVerify: null }) !== null;
      const ownVerify = isHeld ? null : await ownVerification(repository, readSecret);
      return { ...known, ownVerify };
    }
  }
}

async function ownVerification(
  { verification, namespace, repository }: OciRepositoryTarget,
  readSecret: RepositoryNeeds['readSecret'],
): Promise<RepositoryFacts['ownVerify']> {
  if (verification === null) return null;
  const keys = await secretOf('secretRef', verification.keySecret, namespace, readSecret);
  if (keys.kind === 'held') return keys;
  const trustedRoot = await secretOf('trustedRootSecretRef', verification.trustedRootSecret, namespace, readSecret);
  if (trustedRoot.kind === 'held') return trustedRoot;
  const secrets = { keys: keys.values, trustedRoot: trustedRoot.values };
  const made = verificationEntry(verification, secrets, canonicalName(repository));
  return made.ok ? { kind: 'entry', entry: made.entry } : { kind: 'held', hold: unreadable(made.problem) };
}

async function secretOf(
  field: string,
  name: ObjectVerification['keySecret'],
  namespace: string,
  readSecret: RepositoryNeeds['readSecret'],
): Promise<
  | { readonly kind: 'read'; readonly values: Readonly<Record<string, string>> | null }
  | { readonly kind: 'held'; readonly hold: Hold }
> {
  if (name === null) return { kind: 'read', values: null };
  const found = await readSecret(namespace, name);
  if (found.kind === 'read') return found;
  const message = `spec.verify.${field}: ${found.problem}`;
  const hold: Hold =
    found.kind === 'failed' ? { outcome: 'failed', reason: 'LookupFailed', message } : unreadable(message);
  return { kind: 'held', hold };
}

function unreadable(message: string): Hold {
  return { outcome: 'refused', reason: 'InvalidSettings', message };
}

function swept(known: RepositoryFacts, facts: CycleFacts, needs: RepositoryNeeds): SweptTarget {
  const { repository } = known;
  const { uid } = repository;
  const target = repositoryName(repository);
  return {
    target,
    uid,
    askedKeys: () => (holdRepository(known) === null ? [repositoryKey(repository)] : []),
    openQuestions: (answers) => [repositoryQuestions(known, answers)],
    plan(answers) {
      const plan = planRepository(known, answers);
      const writing: SweptPlan['writing'] =
        plan.write === null
          ? null
          : (signal) => write(plan, { answers, facts, needs, target, uid, before: known.state }, signal);
      return { target, uid, changes: [plan.change], now: plan.now, writing };
    },
  };
}

interface Writing {
  readonly answers: SweepAnswers;
  readonly facts: CycleFacts;
  readonly needs: RepositoryNeeds;
  readonly target: TargetName;
  readonly uid: string;
  /** What was remembered of it when the cycle began. */
  readonly before: TargetState | null;
}

/** Writes only where everything that was read is still so; else it is read and planned again, with the same answers. */
async function write(first: RepositoryPlan, writing: Writing, signal: AbortSignal): Promise<Settled> {
  const { needs, target } = writing;
  let plan = first;
  for (let tries = 1; ; tries += 1) {
    if (plan.write === null) return settled(plan, { kind: 'unchanged' });
    const patched = await needs.apply(target, plan.write.patch, signal);
    if (patched.kind === 'written') return settled(plan, patched);
    if (patched.kind === 'failed' || tries === MOST_TRIES) {
      return settled(plan, { kind: 'failed', reason: 'WriteFailed', message: patched.message });
    }
    const next = await planAgain(writing, signal);
    // What is attempted is on record; what is something else now has its turn in the next cycle.
    const isSame = next !== null && (next.write === null || isSameValue(next.write.value, first.write?.value ?? null));
    if (!isSame) return settled(plan, OUTRUN);
    plan = next;
  }
}

const OUTRUN: WriteResult = {
  kind: 'waiting',
  reason: 'Outrun',
  message: 'somebody changed it meanwhile: the next cycle looks again',
};

async function planAgain({ answers, facts, needs, target, uid, before }: Writing, signal: AbortSignal) {
  const object = await needs.read(target, signal);
  const found = object === null ? null : await describe(object, facts, needs);
  const isSame = found !== null && 'repository' in found && found.repository.uid === uid;
  // What is attempted is on record by now, and nothing of it was done: it is the same attempt, not one more.
  return isSame ? planRepository({ ...found, state: before, lastAsked: null }, answers) : null;
}

function settled(plan: RepositoryPlan, result: WriteResult): Settled {
  const isDone = result.kind === 'written' || result.kind === 'unchanged';
  return { changes: settleChanges([plan.change], result), now: isDone ? plan.done : plan.now };
}
