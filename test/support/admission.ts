import assert from 'node:assert/strict';
import { applyPatch, type Operation } from 'rfc6902';
import { type Planner, planAdmission } from '../../src/core/admission/plan.ts';
import { questionKey } from '../../src/core/admission/questions.ts';
import type { AdmissionRecord } from '../../src/core/admission/record.ts';
import { parseReview } from '../../src/core/admission/request.ts';
import { answer } from '../../src/core/admission/response.ts';
import { type Demand, demandKey, judgeSignatures, type Verifications } from '../../src/core/admission/verification.ts';
import { type Digest, parseDigest } from '../../src/core/image/digest.ts';
import { canonicalText } from '../../src/core/image/reference.ts';
import type { Resolution, ResolutionFailureCode } from '../../src/core/image/resolution.ts';
import { isSystemUser } from '../../src/core/policy/match.ts';
import { DEFAULT_POLICY, type Policy, parsePolicy } from '../../src/core/policy/schema.ts';
import { verifySchema } from '../../src/core/policy/sections/signatures.ts';
import type { Verdict } from '../../src/core/signature/verification.ts';
import { workloadKind } from '../../src/core/workload/kinds.ts';
import { imageSlots } from '../../src/core/workload/slots.ts';
import { pemOf } from './policy.ts';

/** A digest that is told from others by one letter or word. */
export function digest(mark: string): Digest {
  const hex = Buffer.from(mark).toString('hex');
  return parseDigest(`sha256:${hex.padEnd(64, '0')}`) ?? assert.fail(`${mark} makes no digest`);
}

export type Manifest = Record<string, unknown>;

/** Containers as `name: image`; keys may name the other lists: `initContainers/setup`, `volumes/data`. */
export type Images = Readonly<Record<string, string>>;

export function podSpec(images: Images, extra: Manifest = {}): Manifest {
  const spec: Record<string, unknown[]> = { containers: [] };
  for (const [key, image] of Object.entries(images)) {
    const [list = '', name = ''] = key.includes('/') ? key.split('/') : ['containers', key];
    spec[list] ??= [];
    spec[list].push(list === 'volumes' ? { name, image: { reference: image } } : { name, image, ...extra });
  }
  return spec;
}

export function deployment(images: Images, metadata: Manifest = {}, extra: Manifest = {}): Manifest {
  return workload('apps/v1', 'Deployment', { template: { metadata: {}, spec: podSpec(images, extra) } }, metadata);
}

export function job(images: Images, metadata: Manifest = {}): Manifest {
  return workload('batch/v1', 'Job', { template: { spec: podSpec(images) } }, metadata);
}

export function cronJob(images: Images, metadata: Manifest = {}, jobMetadata: Manifest = {}): Manifest {
  const jobTemplate = { metadata: jobMetadata, spec: { template: { spec: podSpec(images) } } };
  return workload('batch/v1', 'CronJob', { schedule: '* * * * *', jobTemplate }, metadata);
}

export function pod(images: Images, metadata: Manifest = {}): Manifest {
  return workload('v1', 'Pod', podSpec(images), metadata);
}

export function workload(apiVersion: string, kind: string, spec: Manifest, metadata: Manifest = {}): Manifest {
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'shop', ...metadata }, spec };
}

/** What `tagpin.dev/pins` says, as `slot: [ref, digest, …before]`. */
export type RecordTable = Readonly<Record<string, readonly (readonly [string, Digest])[]>>;

export function record(table: RecordTable, refreshed: readonly string[] = []): string {
  const entries = Object.entries(table).map(([key, [first, ...before]]) => {
    const pins = before.map(([ref, value]) => ({ digest: value, ref }));
    return [key, { ...(pins.length > 0 && { before: pins }), digest: first?.[1], ref: first?.[0] }] as const;
  });
  const fields = [...entries, ...(refreshed.length > 0 ? [['refreshed', refreshed] as const] : []), ['v', 1] as const];
  return JSON.stringify(Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

type PolicyEntry = Policy['verify'][number];

export interface Case {
  readonly object: unknown;
  readonly oldObject?: unknown;
  readonly operation?: string;
  readonly subResource?: string;
  readonly user?: string;
  readonly namespace?: string;
  /** YAML below `kind: TagPolicy`, or nothing for the defaults. */
  readonly policy?: string;
  /** The policy's `verify` entries: what is not given has its default, and signs with a key. */
  readonly verify?: readonly (Partial<PolicyEntry> & Pick<PolicyEntry, 'name'>)[];
  /** By the digest's letter, or `LETTER ENTRY` where entries differ: what is said of it; what is not there is not signed. */
  readonly signatures?: Readonly<Record<string, Verdict>>;
  /** By canonical reference: a digest, a failure, or a failure with what is last known. */
  readonly registry?: Readonly<
    Record<string, Digest | ResolutionFailureCode | { code: ResolutionFailureCode; lastKnown: Digest }>
  >;
}

export interface Admitted {
  readonly allowed: boolean;
  readonly message: string;
  readonly code: number | null;
  readonly operations: readonly Operation[];
  /** The object after the patch. */
  readonly object: Manifest;
  readonly images: Record<string, string>;
  /** The annotation after the patch; null where there is none. */
  readonly pins: string | null;
  readonly warnings: readonly string[];
  readonly audit: Readonly<Record<string, string>>;
  /** What was asked, in order: the canonical reference, `past-cache` before it where it was. */
  readonly asked: readonly string[];
  /** What was verified, in order: the canonical reference by digest, `brief` before it where nobody is refused for want of an answer. */
  readonly verified: readonly string[];
  readonly record: AdmissionRecord;
}

export function policyOf(text: string | undefined): Policy {
  if (text === undefined) return DEFAULT_POLICY;
  const parsed = parsePolicy(`apiVersion: tagpin.dev/v1\nkind: TagPolicy\n${text}`);
  assert.ok(parsed.ok, parsed.ok ? '' : JSON.stringify(parsed.errors));
  return parsed.policy;
}

/** Sends one request through the whole decision, with a table for a registry, and applies the patch as the API server does. */
export function admit(input: Case): Admitted {
  const object = structuredClone(input.object) as Manifest;
  const apiVersion = String(object['apiVersion']);
  const slash = apiVersion.indexOf('/');
  const kindName = String(object['kind']);
  const parsed = parseReview({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: {
        group: slash === -1 ? '' : apiVersion.slice(0, slash),
        version: apiVersion.slice(slash + 1),
        kind: kindName,
      },
      namespace: input.namespace ?? 'shop',
      operation: input.operation ?? (input.oldObject === undefined ? 'CREATE' : 'UPDATE'),
      subResource: input.subResource ?? '',
      userInfo: { username: input.user ?? 'alice' },
      object: input.object,
      oldObject: input.oldObject ?? null,
    },
  });
  assert.ok(parsed.ok);
  const policy = withEntries(policyOf(input.policy), input.verify);
  const signatures = judgeSignatures(parsed.request, policy);
  const answers = new Map<string, Resolution>();
  const asked: string[] = [];
  const namespaceLabels = { 'kubernetes.io/metadata.name': 'shop' };
  const planAll = planAdmission(parsed.request, { policy, namespaceLabels });
  const planWith: Planner = (known) => signatures?.refuseFloating(planAll(known)) ?? planAll(known);
  let plan = planWith(answers);
  for (let round = 0; plan.questions.length > 0; round += 1) {
    assert.ok(round < 5, 'the plan never ends');
    for (const question of plan.questions) {
      const reference = canonicalText(question.reference);
      asked.push(question.freshness === 'past-cache' ? `past-cache ${reference}` : reference);
      answers.set(questionKey(question), resolution(input.registry?.[reference] ?? 'NotFound'));
    }
    plan = planWith(answers);
  }
  const demands = signatures?.demands(plan) ?? [];
  plan = signatures?.conclude(plan, answersTo(demands, input.signatures ?? {})) ?? plan;
  const { review, record } = answer(
    parsed.request,
    plan,
    isSystemUser(policy, input.user ?? 'alice') ? 'quiet' : 'warn',
  );
  const { response } = review;
  const operations = response.patch === undefined ? [] : (JSON.parse(atob(response.patch)) as Operation[]);
  assert.equal(response.patch === undefined, response.patchType === undefined, 'patch and patchType come together');
  for (const problem of applyPatch(object, structuredClone(operations)))
    assert.equal(problem, null, 'the patch applies');
  const metadata = object['metadata'] as { annotations?: Record<string, string> } | undefined;
  const kind = workloadKind(apiVersion, kindName);
  const slots = kind === null ? [] : imageSlots(kind, object);
  return {
    allowed: response.allowed,
    message: response.status?.message ?? '',
    code: response.status?.code ?? null,
    operations,
    object,
    images: Object.fromEntries(slots.map((slot) => [slot.list === 'containers' ? slot.name : slot.key, slot.image])),
    pins: metadata?.annotations?.['tagpin.dev/pins'] ?? null,
    warnings: response.warnings ?? [],
    audit: response.auditAnnotations ?? {},
    asked,
    verified: demands.map((demand) => `${demand.patience === 'brief' ? 'brief ' : ''}${demandKey(demand)}`),
    record,
  };
}

function withEntries(policy: Policy, entries: Case['verify'] = []): Policy {
  const verify = entries.map((entry): PolicyEntry => ({ ...DEFAULT_ENTRY, ...entry }));
  return verify.length === 0 ? policy : { ...policy, verify };
}

const DEFAULT_ENTRY = verifySchema.parse({ name: 'ours', images: ['**'], keys: [pemOf('PUBLIC KEY')] });

function answersTo(demands: readonly Demand[], signatures: NonNullable<Case['signatures']>): Verifications {
  return new Map(
    demands.map((demand) => {
      const letter = Buffer.from(demand.reference.digest?.slice('sha256:'.length) ?? '', 'hex')
        .toString()
        .replaceAll('\0', '');
      const verdicts = demand.entries.map((entry) => ({
        entry,
        verdict: signatures[`${letter} ${entry.name}`] ??
          signatures[letter] ?? { kind: 'unverified' as const, reason: 'it is not signed' },
      }));
      return [demandKey(demand), { verdicts, signatures: [] }];
    }),
  );
}

function resolution(
  answer: Digest | ResolutionFailureCode | { code: ResolutionFailureCode; lastKnown: Digest },
): Resolution {
  if (typeof answer === 'object') return { kind: 'failed', message: `registry says ${answer.code}`, ...answer };
  const value = parseDigest(answer);
  if (value !== null) return { kind: 'resolved', digest: value, mediaType: null, source: 'registry' };
  return { kind: 'failed', code: answer as ResolutionFailureCode, message: `registry says ${answer}`, lastKnown: null };
}
