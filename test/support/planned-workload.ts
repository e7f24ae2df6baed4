import assert from 'node:assert/strict';
import { applyPatch } from 'rfc6902';
import { type Digest, parseDigest } from '../../src/core/image/digest.ts';
import { canonicalName, parseReference } from '../../src/core/image/reference.ts';
import type { Change, Hold } from '../../src/core/sweep/change.ts';
import type { Choice } from '../../src/core/sweep/choice/choose.ts';
import { formatTargetState, parseTargetState, type TargetState } from '../../src/core/sweep/state.ts';
import type { LookPurpose } from '../../src/core/sweep/workload/plans.ts';
import {
  askedImages,
  isAwaited,
  lastRefresh,
  planWorkload,
  settleWorkload,
  type WorkloadFacts,
} from '../../src/core/sweep/workload-plan.ts';
import { readStoredImage } from '../../src/core/target/workload/answer.ts';
import { type WorkloadOperation, workloadPatch } from '../../src/core/target/workload/patch.ts';
import type { FollowingKind } from '../../src/core/target/workload/rollout.ts';
import { type FollowedByWorkload, readWorkload, type WorkloadTarget } from '../../src/core/target/workload.ts';
import { templatePath } from '../../src/core/workload/kinds.ts';
import { readPins, writePins } from '../../src/core/workload/pins.ts';
import { imageSlots, readSlot } from '../../src/core/workload/slots.ts';
import { REFRESH_ANNOTATION } from '../../src/core/workload/targets.ts';
import type { ApiObject } from '../environment/control-plane.ts';
import type { Manifest } from './application.ts';

/** What of a workload a test cares about. */
export interface WantedPlan {
  readonly kind?: FollowingKind;
  /** By name: an image, or the rest of the container too. */
  readonly containers?: Readonly<Record<string, string | Manifest>>;
  readonly initContainers?: Readonly<Record<string, string | Manifest>>;
  /** Entries, or the text of the annotation. */
  readonly follow?: readonly Manifest[] | string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly metadata?: Manifest;
  readonly spec?: Manifest;
  readonly template?: Manifest;
}

const UID = '6c1f8a0e-0000-4000-8000-000000000002';

/** A workload in the namespace shop, its first container `api` with `ghcr.io/acme/api:main`, unless something else is said. */
export function workloadObject(wanted: WantedPlan = {}): Manifest {
  const { kind = 'Deployment', containers = { api: 'ghcr.io/acme/api:main' }, initContainers, annotations } = wanted;
  const { follow = [{ container: 'api' }], metadata, spec, template } = wanted;
  const list = (named: NonNullable<WantedPlan['containers']>) =>
    Object.entries(named).map(([name, what]) => ({ name, ...(typeof what === 'string' ? { image: what } : what) }));
  const text = typeof follow === 'string' ? follow : JSON.stringify(follow);
  const pod = {
    metadata: { labels: { app: 'web' } },
    spec: {
      containers: list(containers),
      ...(initContainers !== undefined && { initContainers: list(initContainers) }),
    },
    ...template,
  };
  const isCronJob = kind === 'CronJob';
  const own = isCronJob ? { jobTemplate: { spec: { template: pod } } } : { replicas: 1, template: pod };
  return {
    apiVersion: isCronJob ? 'batch/v1' : 'apps/v1',
    kind,
    metadata: {
      namespace: 'shop',
      name: 'web',
      uid: UID,
      generation: 1,
      annotations: { 'tagpin.dev/follow': text, ...annotations },
      ...metadata,
    },
    spec: { ...own, ...spec },
  };
}

/** The workload as it is read; it must be one that follows something. */
export function readTarget(object: Manifest): WorkloadTarget {
  const read = readWorkload((object['kind'] as FollowingKind) ?? 'Deployment', object, { namespacePaused: false });
  assert.ok(read.ok, 'it can be read');
  return read.workload ?? assert.fail('it follows nothing');
}

/** The annotation `tagpin.dev/pins` of containers that were pinned from these references. */
export function pinned(pins: Readonly<Record<string, readonly [reference: string, digest: Digest]>>): Manifest {
  const entries = Object.entries(pins).map(([name, [ref, digest]]) => [`containers/${name}`, { digest, ref }]);
  return { 'tagpin.dev/pins': JSON.stringify({ ...Object.fromEntries(entries), v: 1 }) };
}

/** One workload and what is remembered of it, planned again and again as cycles would, with a webhook that does as it is told. */
export class PlannedWorkload {
  object: ApiObject;
  state: TargetState | null = null;
  now = Date.parse('2026-11-21T12:00:00Z');
  /** What tags mean, by `REPOSITORY:TAG`, the repository canonical; what is not here can't be found out. */
  tags: Readonly<Record<string, Digest>> = {};
  webhook: 'running' | 'none' | 'refusing' = 'running';
  protection: Hold | null = null;
  lastAsked: number | null = null;
  purpose: LookPurpose = 'sweep';
  changes: readonly Change[] = [];
  /** The patches that were sent. */
  readonly patches: (readonly WorkloadOperation[])[] = [];
  readonly #kind: FollowingKind;

  constructor(wanted: WantedPlan = {}) {
    this.#kind = wanted.kind ?? 'Deployment';
    this.object = structuredClone(workloadObject(wanted));
    this.rolls('settled');
  }

  /** One cycle: what came of each image, as `ALIAS OUTCOME REASON`. */
  look(): readonly string[] {
    const facts = this.facts();
    const plan = planWorkload(facts, (image) => this.choice(image));
    this.#remember(plan.now);
    this.changes = plan.changes;
    if (plan.writes.length > 0 || plan.healthy.size > 0) {
      const done = isAwaited(plan.workload) ? [] : plan.writes.map(({ image, value }) => [image.key, value] as const);
      const healthy = new Map([...plan.healthy, ...done]);
      const told = healthy.size === 0 ? null : lastRefresh(healthy, this.now);
      const patch = workloadPatch(plan.workload, plan.writes, { history: 5, told });
      this.#apply(patch.operations);
      const results = plan.writes.map((write) => {
        const stored = readStoredImage(this.#kind, this.object, write, patch.refresh);
        const result =
          stored.kind === 'written'
            ? stored
            : ({
                kind: 'failed',
                reason: stored.kind === 'unseen' ? 'NoWebhook' : 'WriteFailed',
                message: '',
              } as const);
        return [write.image.key, result] as const;
      });
      delete this.object.metadata.annotations[REFRESH_ANNOTATION];
      const settled = settleWorkload(facts, plan, new Map(results));
      this.#remember(settled.now);
      this.changes = settled.changes;
    }
    return this.changes.map(({ alias, outcome, reason }) => `${alias} ${outcome} ${reason}`);
  }

  facts(): WorkloadFacts {
    return {
      workload: readTarget(this.object),
      state: this.state,
      lastAsked: () => this.lastAsked,
      protection: this.protection,
      customControllers: 'skip',
      others: 2,
      purpose: this.purpose,
      now: this.now,
    };
  }

  /** Whose registry would be asked now. */
  asked(): readonly string[] {
    return askedImages(this.facts()).map(({ key }) => key);
  }

  choice({ followed }: FollowedByWorkload): Choice {
    const tag = followed.tag ?? 'latest';
    const digest = this.tags[`${canonicalName(followed)}:${tag}`];
    if (digest === undefined) return { kind: 'failed', code: 'Unreachable', message: 'the registry gave no answer' };
    return { kind: 'chosen', value: { tag, digest }, passedOver: [], warnings: [] };
  }

  /** What its controller says of it now; `unseen`: nothing of the last change. */
  rolls(rollout: 'settled' | 'rolling' | 'stuck', done = 0): void {
    const count = this.object.spec.replicas ?? 1;
    const fresh = rollout === 'settled' ? count : done;
    this.object.status = {
      observedGeneration: this.object.metadata.generation,
      replicas: count,
      readyReplicas: count,
      updatedReplicas: fresh,
      availableReplicas: fresh,
      desiredNumberScheduled: 1,
      updatedNumberScheduled: fresh,
      numberAvailable: fresh,
      currentRevision: rollout === 'settled' ? 'b' : 'a',
      updateRevision: 'b',
      conditions: [
        { type: 'Progressing', reason: rollout === 'stuck' ? 'ProgressDeadlineExceeded' : 'ReplicaSetUpdated' },
      ],
    };
  }

  wait(milliseconds: number): void {
    this.now += milliseconds;
  }

  /** The template, as text: it is another one with each rollout. */
  get template(): string {
    return JSON.stringify(templatePath(this.#kind).reduce((value, key) => value[key], this.object));
  }

  /** What a container runs. */
  image(name = 'api'): string {
    const slot = imageSlots(this.#kind, this.object).find((each) => each.name === name);
    return slot?.image ?? assert.fail(`there is no ${name}`);
  }

  /** A variable of the first container; null where there is none. */
  variable(name: string): string | null {
    const spec = templatePath(this.#kind).reduce((value, key) => value[key], this.object).spec;
    const found = spec.containers[0].env?.findLast((each: ApiObject) => each.name === name);
    return found === undefined ? null : (found.value ?? '');
  }

  annotation(key: string): string | null {
    return this.object.metadata.annotations[`tagpin.dev/${key}`] ?? null;
  }

  #remember(state: TargetState): void {
    this.state = parseTargetState(formatTargetState(state));
  }

  #apply(operations: readonly WorkloadOperation[]): void {
    const before = this.template;
    this.patches.push(operations);
    for (const problem of applyPatch(this.object, structuredClone([...operations]) as ApiObject))
      assert.equal(problem, null);
    this.#admit();
    if (this.template !== before) this.object.metadata.generation += 1;
  }

  /** Pins what a refresh names, and takes it off. */
  #admit(): void {
    const { annotations } = this.object.metadata;
    const value = annotations[REFRESH_ANNOTATION];
    if (value === undefined || this.webhook === 'none') return;
    delete annotations[REFRESH_ANNOTATION];
    if (this.webhook === 'refusing') return;
    const pins = readPins(annotations['tagpin.dev/pins']);
    const entries = new Map(pins.entries);
    for (const target of String(value).split(';')[0]?.split(',') ?? []) {
      const [name = '', text = ''] = target.split('=');
      const slot = imageSlots(this.#kind, this.object)
        .map(readSlot)
        .find((each) => [each.name, each.key].includes(name));
      const digest = parseDigest(text);
      if (slot === undefined || slot.reference === null || digest === null) assert.fail(`${target} names nothing`);
      const holder = slot.path.slice(0, -1).reduce<ApiObject>((at, step) => at[step], this.object);
      const reference = entries.get(slot.key)?.reference ?? slot.reference;
      holder.image = `${slot.reference.name}@${digest}`;
      entries.set(slot.key, { reference, digest, before: [] });
    }
    annotations['tagpin.dev/pins'] = writePins({ entries, refreshed: [value] });
  }
}

/** A reference that can be read. */
export function referenceOf(text: string) {
  const parsed = parseReference(text);
  return parsed.ok ? parsed.reference : assert.fail(parsed.problem);
}
