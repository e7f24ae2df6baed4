import assert from 'node:assert/strict';
import { type Digest, parseDigest } from '../../src/core/image/digest.ts';
import { canonicalName } from '../../src/core/image/reference.ts';
import { DEFAULT_POLICY, parsePolicy } from '../../src/core/policy/schema.ts';
import type { Change } from '../../src/core/sweep/change.ts';
import { questionKey, type SweepAnswer, type SweepQuestion } from '../../src/core/sweep/choice/questions.ts';
import { lastManager } from '../../src/core/sweep/guard/manager.ts';
import type { ProtectEntry } from '../../src/core/sweep/guard/protection.ts';
import {
  type GuardFacts,
  openQuestions,
  planTarget,
  settle,
  type TargetFacts,
  type TargetPlan,
} from '../../src/core/sweep/plan.ts';
import { formatTargetState, parseTargetState, type TargetState } from '../../src/core/sweep/state.ts';
import type { TrackedSettings } from '../../src/core/target/settings.ts';
import { applicationPatch } from '../../src/core/target/value/patch.ts';
import { application, type Manifest, own, patched, read, type Written } from './application.ts';

/** A digest of one letter, again and again. */
export function digestOf(letter: string): Digest {
  return parseDigest(`sha256:${letter.repeat(64)}`) ?? assert.fail('a, b, c, d, e, f and digits are hexadecimal');
}

/** What registries hold: digests by `REPOSITORY:TAG`, the repository canonical. */
export type Tags = Readonly<Record<string, string>>;

/** The entries of a policy's `sweep.protect`. */
export function protectEntries(yaml: string): readonly ProtectEntry[] {
  const parsed = parsePolicy(`apiVersion: tagpin.dev/v1\nkind: TagPolicy\nsweep:\n  protect:\n  ${yaml}\n`);
  return parsed.ok ? parsed.policy.sweep.protect : assert.fail(JSON.stringify(parsed.errors));
}

/** Settings as an Application's annotations make them, keys without `tagpin.dev/`: those of the image `shop`. */
export function shopSettings(settings: Readonly<Record<string, string>>): TrackedSettings {
  const { images, problems } = read(application({ annotations: own(settings) }));
  const shop = images.find(({ tracked }) => tracked.key === 'shop');
  return shop?.tracked ?? assert.fail(JSON.stringify(problems));
}

const FREE: GuardFacts = {
  protect: DEFAULT_POLICY.sweep.protect,
  labels: () => ({}),
  imageUpdater: { isTheirs: false, isRunning: false },
};

/** Follows `ghcr.io/acme/shop:main` by its digest. */
export const FOLLOWS_MAIN: Written = {
  annotations: own({ 'image-list': 'shop=ghcr.io/acme/shop:main', 'shop.update-strategy': 'digest' }),
};

/** One Application and what is remembered of it, planned again and again as cycles would, without anything outside. */
export class PlannedTarget {
  object: Manifest;
  state: TargetState | null = null;
  now = Date.parse('2026-11-21T12:00:00Z');
  guard: GuardFacts = FREE;
  lastAsked: number | null = null;
  tags: Tags = { 'ghcr.io/acme/shop:main': digestOf('a') };

  constructor(written: Written = FOLLOWS_MAIN) {
    this.object = application(written);
  }

  /** What a registry says of these tags. */
  answer({ kind, reference }: SweepQuestion): SweepAnswer {
    const prefix = `${canonicalName(reference)}:`;
    const own = Object.entries(this.tags).filter(([name]) => name.startsWith(prefix));
    if (kind === 'tags') return { kind, tags: own.map(([name]) => name.slice(prefix.length)) };
    const digest = parseDigest(own.find(([name]) => name === `${prefix}${reference.tag}`)?.[1] ?? '');
    if (digest === null) return { kind: 'failed', code: 'NotFound', message: 'no such tag' };
    return kind === 'digest' ? { kind, digest } : { kind: 'inspected', digest, built: null, fits: true };
  }

  facts(): TargetFacts {
    const { state, guard, now } = this;
    return {
      application: read(this.object),
      state,
      changedBy: lastManager(this.object),
      lastAsked: () => this.lastAsked,
      guard,
      verify: [],
      now,
    };
  }

  plan(): TargetPlan {
    const facts = this.facts();
    const answers = new Map<string, SweepAnswer>();
    for (let open = openQuestions(facts, answers); open.length > 0; open = openQuestions(facts, answers)) {
      for (const question of open.flat()) answers.set(questionKey(question), this.answer(question));
    }
    return planTarget(facts, answers);
  }

  /** One cycle, as far as it comes: it may end after its record of the attempt, or after the write. */
  cycle(until: 'end' | 'attempt' | 'write' = 'end'): Change {
    const plan = this.plan();
    this.remember(plan.now);
    if (plan.writes.length === 0 || until === 'attempt') return this.#only(plan.changes);
    const changes = plan.writes.map(({ located, proposed }) => ({ source: located.source, proposed }));
    this.object = patched(this.object, applicationPatch(plan.application.uid, changes));
    if (until === 'write') return this.#only(plan.changes);
    const settled = settle(plan, { kind: 'written' });
    this.remember(settled.now);
    return this.#only(settled.changes);
  }

  /** As it is stored and read again. */
  remember(state: TargetState): void {
    this.state = parseTargetState(formatTargetState(state));
  }

  /** What the one image's tag parameter says; null where there is none. */
  parameter(name = 'image.tag'): string | null {
    const { spec } = this.object as { spec: { source: { helm?: { parameters?: { name: string; value: string }[] } } } };
    return spec.source.helm?.parameters?.find((each) => each.name === name)?.value ?? null;
  }

  /** Somebody else sets, or takes away, Helm parameters. */
  edit(parameters: Readonly<Record<string, string>>, manager = 'kubectl-edit'): void {
    const { spec, metadata } = this.object as { spec: Manifest & { source: Manifest }; metadata: Manifest };
    const list = Object.entries(parameters).map(([name, value]) => ({ name, value }));
    const managed = { manager, time: new Date(this.now).toISOString(), fieldsV1: { 'f:spec': { 'f:source': {} } } };
    this.object = {
      ...this.object,
      metadata: { ...metadata, managedFields: [managed] },
      spec: { ...spec, source: { ...spec.source, helm: { parameters: list } } },
    };
  }

  wait(milliseconds: number): void {
    this.now += milliseconds;
  }

  #only(changes: readonly Change[]): Change {
    assert.equal(changes.length, 1, JSON.stringify(changes));
    return changes[0] ?? assert.fail();
  }
}
