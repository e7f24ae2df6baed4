import { type InertObject, inertRow } from '../core/audit/inert.ts';
import type { AuditRow, ObservedSlot } from '../core/audit/row.ts';
import { requestedOf } from '../core/audit/workload.ts';
import type { LintCode, ObjectFinding, PolicyFinding } from '../core/lint/finding.ts';
import { Matchers } from '../core/lint/matchers.ts';
import { followedByApplication, lintApplication } from '../core/lint/objects/application.ts';
import {
  type Followed,
  type FollowedAnswer,
  type FollowedQuestion,
  followedQuestion,
  notFound,
  questionKey,
} from '../core/lint/objects/followed.ts';
import { lintKeys } from '../core/lint/objects/keys.ts';
import { followedByOciRepository, lintOciRepository } from '../core/lint/objects/oci-repository.ts';
import { followedBy, lintUnseenWorkload, lintWorkload } from '../core/lint/objects/workload.ts';
import { lintPolicy } from '../core/lint/policy.ts';
import { DEFAULT_POLICY, type Policy } from '../core/policy/schema.ts';
import { pathText } from '../core/policy/yaml/problem.ts';
import type { TargetKind } from '../core/sweep/change.ts';
import { type ProtectedSubject, placesOf } from '../core/sweep/guard/protection.ts';
import { readDestination } from '../core/target/application.ts';
import type { ImageUpdater } from '../core/target/settings/image-updater.ts';
import { readSources } from '../core/target/value/source.ts';
import { FOLLOWING_KINDS } from '../core/target/workload/rollout.ts';
import { asString, type JsonObject, valueAt } from '../core/workload/json.ts';
import type { WorkloadKind } from '../core/workload/kinds.ts';

/** What inert things are found by. */
export interface InertFacts {
  /** Null where it may not be read. */
  readonly policy: Policy | null;
  /** The object that holds it; null where only what it says of others counts. */
  readonly policyObject: InertObject | null;
  /** Null where the policy does not read Image Updater's settings. */
  readonly imageUpdaters: readonly ImageUpdater[] | null;
  /** The labels of namespaces; null for one that is not there. */
  readonly labels: (namespace: string) => Readonly<Record<string, string>> | null;
}

/** Asks a registry. */
export type AskFollowed = (question: FollowedQuestion) => Promise<FollowedAnswer>;

interface FollowedBy extends Followed {
  readonly object: InertObject;
}

/** What makes Pods besides itself: what is listed under it stands for these, too. */
const MADE: Partial<Readonly<Record<string, readonly string[]>>> = {
  Deployment: ['ReplicaSet', 'Pod'],
  CronJob: ['Job', 'Pod'],
  Pod: [],
};

/** Is shown what a cluster has, piece by piece, and keeps of it what is configured and can't act. */
export class InertThings {
  readonly #facts: InertFacts;
  readonly #matchers: Matchers;
  readonly #rows = new Map<string, AuditRow>();
  readonly #followed: FollowedBy[] = [];

  constructor(facts: InertFacts) {
    this.#facts = facts;
    this.#matchers = new Matchers(facts.policy ?? DEFAULT_POLICY, facts.labels);
  }

  /** A Namespace. @param object its metadata at least */
  sawNamespace(object: JsonObject): void {
    this.#add(nameOf('Namespace', object), lintKeys('Namespace', object));
  }

  /** A workload of a namespace that has opted in, whole. */
  sawWorkload(kind: WorkloadKind, object: JsonObject): void {
    const allowSkip = this.#facts.policy?.defaults.allowSkip ?? null;
    const name = nameOf(kind, object);
    this.#add(name, lintWorkload(kind, object, { webhook: 'looking', allowSkip }));
    this.#sawTarget(kind, name.namespace);
    for (const { followed: repository, rule, slot, variable } of followedBy(kind, object)?.images ?? []) {
      this.#matchers.sawFollowed(repository);
      // What a container runs has a row of its own.
      const isOwn = rule !== null && (slot === null || variable !== null);
      if (isOwn) this.#followed.push({ object: name, repository, rule, where: 'tagpin.dev/follow' });
    }
  }

  /** A workload of another namespace. @param object its metadata at least */
  sawUnseenWorkload(kind: WorkloadKind, object: JsonObject): void {
    const name = nameOf(kind, object);
    this.#add(name, lintUnseenWorkload(kind, object));
    this.#sawTarget(kind, name.namespace);
  }

  /** The images of a namespace that has opted in. */
  sawImages(namespace: string, slots: readonly ObservedSlot[]): void {
    const namespaceLabels = this.#facts.labels(namespace) ?? {};
    for (const { kind, slot } of slots) {
      const reference = requestedOf(slot) ?? slot.reference;
      if (reference === null) continue;
      const kinds = [kind, ...(MADE[kind] ?? ['Pod'])];
      this.#matchers.sawImage({ namespace, namespaceLabels, kinds, reference });
    }
  }

  sawApplication(object: unknown): void {
    const name = nameOf('Application', object);
    const facts = { sweep: this.#facts.policy?.sweep ?? null, imageUpdaters: this.#facts.imageUpdaters };
    this.#add(name, lintApplication(object, facts));
    const application = followedByApplication(object, facts);
    const committed = application?.writeBack.kind === 'git' ? application.writeBack.repository : null;
    this.#matchers.sawTarget({
      subject: {
        kind: 'Application',
        namespace: name.namespace,
        project: asString(valueAt(object, ['spec', 'project'])) || 'default',
        destination: readDestination(object),
      },
      places: [
        ...placesOf({ sources: readSources(object) }),
        ...(committed === null ? [] : [{ repository: committed, branch: null, path: null }]),
      ],
    });
    for (const { tracked } of application?.images ?? []) {
      const { repository } = tracked.image;
      this.#matchers.sawFollowed(repository);
      this.#followed.push({ object: name, repository, rule: tracked.rule, where: 'tagpin.dev/image-list' });
    }
  }

  sawOciRepository(object: JsonObject): void {
    const name = nameOf('OCIRepository', object);
    this.#add(name, lintOciRepository(object));
    this.#sawTarget('OCIRepository', name.namespace);
    const target = followedByOciRepository(object);
    if (target === null) return;
    this.#matchers.sawFollowed(target.repository);
    this.#followed.push({ object: name, repository: target.repository, rule: target.rule, where: 'spec.ref.semver' });
  }

  /** Something could not be listed: of what would have been there nothing is said. */
  missed(): void {
    this.#matchers.missed('images');
    this.#matchers.missed('targets');
  }

  /** Asks about everything that is followed, each question once. */
  async askFor(ask: AskFollowed): Promise<void> {
    const answers = new Map<string, Promise<FollowedAnswer>>();
    const asked = this.#followed.map(async (followed) => {
      const question = followedQuestion(followed);
      const answer = answers.get(questionKey(question)) ?? ask(question);
      answers.set(questionKey(question), answer);
      const finding = notFound(followed, await answer);
      return finding === null ? [] : [[followed.object, finding] as const];
    });
    for (const [object, finding] of (await Promise.all(asked)).flat()) this.#add(object, [finding]);
  }

  /** What was found, by namespace, kind and name; what the policy says in the end. */
  rows(): readonly AuditRow[] {
    const { policy, policyObject } = this.#facts;
    const objects = [...this.#rows.values()].toSorted((a, b) => compare(sortKey(a), sortKey(b)));
    if (policy === null || policyObject === null) return objects;
    const alone = lintPolicy(policy);
    // What can match nothing anywhere needs not be told to match nothing here.
    const isDead = ({ path }: PolicyFinding): boolean =>
      alone.some(({ code, path: of }) => DEAD.has(code) && path.every((step, index) => of[index] === step));
    const own = [...alone, ...this.#matchers.findings().filter((finding) => !isDead(finding))];
    return [...objects, ...own.map((finding) => inertRow(policyObject, ofPolicy(finding)))];
  }

  #sawTarget(kind: string, namespace: string): void {
    if (!TARGETS.has(kind)) return;
    const subject: ProtectedSubject = { kind: kind as TargetKind, namespace, project: null, destination: null };
    this.#matchers.sawTarget({ subject, places: [] });
  }

  /** Where a list had to be begun again, some come twice. */
  #add(object: InertObject, findings: readonly ObjectFinding[]): void {
    for (const finding of findings.slice(0, MOST_FINDINGS)) {
      const row = inertRow(object, finding);
      this.#rows.set(JSON.stringify([sortKey(row), row.reason]), row);
    }
  }
}

/** Of one object: anybody may write a thousand annotations, and nobody reads as many lines. */
const MOST_FINDINGS = 20;

const DEAD: ReadonlySet<LintCode> = new Set(['Shadowed', 'MatchesNothing']);
const TARGETS: ReadonlySet<string> = new Set(['OCIRepository', ...FOLLOWING_KINDS]);

function nameOf(kind: string, object: unknown): InertObject {
  const text = (key: string): string => asString(valueAt(object, ['metadata', key])) ?? '';
  return kind === 'Namespace'
    ? { namespace: text('name'), kind, name: text('name') }
    : { namespace: text('namespace'), kind, name: text('name') };
}

function ofPolicy({ code, path, message }: PolicyFinding): ObjectFinding {
  return { code, where: pathText(path), message };
}

function sortKey({ namespace, kind, name }: AuditRow): string {
  return [namespace, kind, name].join(' ');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
