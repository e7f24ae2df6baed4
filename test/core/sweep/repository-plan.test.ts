import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch } from 'rfc6902';
import { type Digest, parseDigest } from '../../../src/core/image/digest.ts';
import { parsePolicy } from '../../../src/core/policy/schema.ts';
import type { Verdict, VerifyEntry } from '../../../src/core/signature/verification.ts';
import { questionKey, type SweepAnswer, type SweepQuestion } from '../../../src/core/sweep/choice/questions.ts';
import { news } from '../../../src/core/sweep/report.ts';
import {
  planRepository,
  type RepositoryFacts,
  type RepositoryPlan,
  repositoryKey,
  repositoryQuestions,
} from '../../../src/core/sweep/repository-plan.ts';
import { type ImageState, NEW_IMAGE } from '../../../src/core/sweep/state.ts';
import { verificationEntry } from '../../../src/core/target/oci-verification.ts';
import { ociRepository, readTarget, type WrittenOciRepository } from '../../support/oci-repository.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

function digestOf(text: string): Digest {
  const hex = Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);
  return parseDigest(`sha256:${hex}`) ?? assert.fail();
}

const valueOf = (tag: string) => ({ tag, digest: digestOf(tag) });
const refOf = (tag: string) => ({ tag, digest: digestOf(tag) });

/** What a registry of tests says: which tags there are, and which of them are signed by whom. */
interface Registry {
  readonly tags: readonly string[];
  /** By the name of an entry: the tags that it verifies; without an entry's name all. */
  readonly signed?: Readonly<Record<string, readonly string[]>>;
  readonly verdict?: Verdict;
}

interface Case extends WrittenOciRepository {
  readonly registry?: Registry;
  readonly verify?: readonly VerifyEntry[];
  readonly ownVerify?: RepositoryFacts['ownVerify'];
  readonly state?: Partial<ImageState> | null;
  readonly lastAsked?: number | null;
  readonly protect?: string;
}

function factsOf({ verify = [], ownVerify = null, state = null, lastAsked = null, protect = '', ...written }: Case) {
  const repository = readTarget(ociRepository(written));
  const images = new Map(state === null ? [] : [[repositoryKey(repository), { ...NEW_IMAGE, ...state }]]);
  const policy = parsePolicy(`apiVersion: tagpin.dev/v1\nkind: TagPolicy\nsweep:\n  protect: [${protect}]\n`);
  assert.ok(policy.ok, JSON.stringify(policy));
  const facts: RepositoryFacts = {
    repository,
    verify,
    ownVerify,
    state: state === null ? null : { target: '', gone: null, images },
    lastAsked,
    protect: policy.policy.sweep.protect,
    labels: () => ({ team: 'apps' }),
    now: NOW,
  };
  return facts;
}

function answer(question: SweepQuestion, { tags, signed, verdict }: Registry): SweepAnswer {
  switch (question.kind) {
    case 'tags':
      return { kind: 'tags', tags };
    case 'digest':
      return { kind: 'digest', digest: digestOf(question.reference.tag ?? '') };
    case 'inspect':
      return assert.fail('nothing is looked into');
    case 'verify': {
      const verdicts = question.entries.map((entry) => {
        const good = (signed?.[entry.name] ?? tags).map(digestOf).includes(question.reference.digest ?? digestOf(''));
        const bad: Verdict = verdict ?? { kind: 'unverified', reason: 'no signature was found' };
        return { entry, verdict: good ? { kind: 'verified' as const, signer: 'them' } : bad };
      });
      return { kind: 'verification', verification: { verdicts, signatures: [] } };
    }
  }
}

function plan(wanted: Case): RepositoryPlan {
  const facts = factsOf(wanted);
  const answers = new Map<string, SweepAnswer>();
  for (let rounds = 0; rounds < 100; rounds += 1) {
    const open = repositoryQuestions(facts, answers);
    if (open.length === 0) return planRepository(facts, answers);
    for (const question of open) {
      answers.set(questionKey(question), answer(question, wanted.registry ?? { tags: ['1.0.0', '1.1.0'] }));
    }
  }
  return assert.fail('it asks for ever');
}

function outcome(wanted: Case): string {
  const { outcome: came, reason, to } = plan(wanted).change;
  return [came, reason, ...(to === null ? [] : [to.replace(/@.*/, '')])].join(' ');
}

function entry(name: string): VerifyEntry {
  const text = `verify: [{name: ${name}, images: ["registry.example/**"], identities: [{issuer: a, subject: b}]}]`;
  const policy = parsePolicy(`apiVersion: tagpin.dev/v1\nkind: TagPolicy\n${text}\n`);
  return (policy.ok ? policy.policy.verify[0] : undefined) ?? assert.fail(JSON.stringify(policy));
}

const OURS = entry('ours');
const OWN = { kind: 'entry', entry: entry('spec.verify') } as const;

const ROWS: readonly (readonly [string, Case, string])[] = [
  ['the newest is written where nothing stands', {}, 'planned Moved 1.1.0'],
  ['what stands there is where it begins, and a difference is written', { ref: refOf('1.0.0') }, 'planned Moved 1.1.0'],
  ['a tag without its digest is completed', { ref: { tag: '1.1.0' } }, 'planned Moved 1.1.0'],
  ['what is up to date stays', { ref: refOf('1.1.0') }, 'unchanged UpToDate 1.1.0'],
  [
    'a digest that the tag does not mean any more moves',
    { ref: { tag: '1.1.0', digest: digestOf('x') } },
    'planned Moved 1.1.0',
  ],
  ['no tag fits', { ref: { semver: '>=2.0.0' } }, 'waiting NoTag'],
  ['no tags at all', { registry: { tags: [] } }, 'waiting NoTag'],
  ['a pause', { annotations: { 'tagpin.dev/pause': 'true' } }, 'waiting Paused'],
  ['a deletion', { metadata: { deletionTimestamp: '2026-11-21T00:00:00Z' } }, 'waiting Deleting'],
  ['a suspension', { spec: { suspend: true } }, 'waiting Suspended'],
  ['its kind is protected', { protect: '{kind: OCIRepository}' }, 'refused Protected'],
  ['its Namespace is protected', { protect: '{namespaceLabels: {team: apps}}' }, 'refused Protected'],
  ['another Namespace is protected', { protect: '{namespaceLabels: {team: ops}}' }, 'planned Moved 1.1.0'],
  ['another kind is protected', { protect: '{kind: Application}' }, 'planned Moved 1.1.0'],
  ['an older version is no update', { ref: refOf('1.2.0') }, 'refused Downgrade 1.1.0'],
  [
    'but where that is allowed',
    { ref: refOf('1.2.0'), annotations: { 'tagpin.dev/allow-downgrade': 'true' } },
    'planned Moved 1.1.0',
  ],
  [
    'and where the range leaves out what stands there',
    { ref: { ...refOf('1.2.0'), semver: '<1.2.0' } },
    'planned Moved 1.1.0',
  ],
  ['what is young waits', { annotations: { 'tagpin.dev/min-age': '1h' } }, 'waiting TooYoung 1.1.0'],
  [
    'what is old enough goes',
    { annotations: { 'tagpin.dev/min-age': '1h' }, state: { first: { ...valueOf('1.1.0'), at: NOW - HOUR } } },
    'planned Moved 1.1.0',
  ],
  ['an interval', { annotations: { 'tagpin.dev/interval': '1h' }, lastAsked: NOW - HOUR / 2 }, 'waiting NotDue'],
  [
    'what somebody changed is repaired once',
    { ref: refOf('1.0.0'), state: { written: valueOf('1.1.0') } },
    'planned Repaired 1.1.0',
  ],
  [
    'and not twice',
    { ref: refOf('1.0.0'), state: { written: valueOf('1.1.0'), repaired: valueOf('1.1.0') } },
    'waiting Contested 1.1.0',
  ],
  [
    'nor where it ran before',
    { ref: refOf('1.0.0'), state: { written: valueOf('1.1.0'), before: [valueOf('1.0.0')] } },
    'waiting Contested 1.1.0',
  ],
  [
    'nor where its digest alone is what ran before',
    {
      ref: { tag: '1.1.0', digest: digestOf('1.0.0') },
      state: { written: valueOf('1.1.0'), before: [valueOf('1.0.0')] },
    },
    'waiting Contested 1.1.0',
  ],
  [
    'a tag that somebody changed beside its digest is repaired',
    {
      ref: { tag: '1.0.0', digest: digestOf('1.1.0') },
      state: { written: valueOf('1.1.0'), before: [{ tag: '0.9.0', digest: digestOf('1.1.0') }] },
    },
    'planned Repaired 1.1.0',
  ],
  [
    'what could not be written three times is tried more seldom',
    { ref: refOf('1.0.0'), state: { attempt: { ...valueOf('1.1.0'), at: NOW - 1000, count: 3 } } },
    'failed Retrying 1.1.0',
  ],
  [
    'who applies the reference puts it back',
    {
      metadata: {
        managedFields: [
          { manager: 'kustomize-controller', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:ref': { 'f:tag': {} } } } },
        ],
      },
    },
    'refused OwnedByApply',
  ],
  ['what verifies is written', { verify: [OURS], registry: { tags: ['1.0.0', '1.1.0'] } }, 'planned Moved 1.1.0'],
  [
    'the newest that does not verify is passed over',
    { verify: [OURS], registry: { tags: ['1.0.0', '1.1.0'], signed: { ours: ['1.0.0'] } } },
    'planned Moved 1.0.0',
  ],
  [
    'its own spec.verify has to hold as well',
    { verify: [OURS], ownVerify: OWN, registry: { tags: ['1.0.0', '1.1.0'], signed: { 'spec.verify': ['1.0.0'] } } },
    'planned Moved 1.0.0',
  ],
  [
    'and alone',
    { ownVerify: OWN, registry: { tags: ['1.0.0', '1.1.0'], signed: { 'spec.verify': ['1.0.0'] } } },
    'planned Moved 1.0.0',
  ],
  ['nothing verifies', { verify: [OURS], registry: { tags: ['1.0.0'], signed: { ours: [] } } }, 'refused NotVerified'],
  [
    'what can not be found out is no reason to pass by',
    {
      verify: [OURS],
      registry: {
        tags: ['1.0.0', '1.1.0'],
        signed: { ours: ['1.0.0'] },
        verdict: { kind: 'failed', code: 'Timeout', message: 'slow' },
      },
    },
    'failed LookupFailed',
  ],
  [
    'what verifies and is older is no update',
    { ref: refOf('1.1.0'), verify: [OURS], registry: { tags: ['1.0.0', '1.1.0'], signed: { ours: ['1.0.0'] } } },
    'refused Downgrade 1.0.0',
  ],
  [
    'Secrets of its spec.verify that are not there',
    { ownVerify: { kind: 'held', hold: { outcome: 'refused', reason: 'InvalidSettings', message: 'no Secret' } } },
    'refused InvalidSettings',
  ],
];

for (const [name, wanted, expected] of ROWS) {
  test(name, () => {
    assert.equal(outcome(wanted), expected);
  });
}

test('what is wrong with its settings is told once, however often it is looked at', () => {
  const hold = { outcome: 'refused', reason: 'InvalidSettings', message: 'no Secret' } as const;
  const facts = factsOf({ ownVerify: { kind: 'held', hold } });
  const first = planRepository(facts, new Map());
  const heard = news([first.change], first.now);
  assert.equal(heard.told.length, 1);
  const again = planRepository({ ...facts, state: heard.state }, new Map());
  assert.deepEqual(news([again.change], again.now).told, []);
});

test('the patch writes tag and digest, leaves the range, and holds only for what was read', () => {
  const object = structuredClone(ociRepository({ ref: { ...refOf('1.0.0'), semverFilter: '' } }));
  const { write } = plan({ ref: { ...refOf('1.0.0'), semverFilter: '' } });
  assert.ok(write !== null);
  const changed = structuredClone(object) as { metadata: { generation: number }; spec: { ref: object } };
  assert.deepEqual(
    applyPatch(changed, structuredClone(write.patch) as never).filter((each) => each !== null),
    [],
  );
  assert.deepEqual(changed.spec.ref, { semver: '>=1.0.0', semverFilter: '', ...refOf('1.1.0') });
  for (const other of [
    { ...object, metadata: { ...changed.metadata, uid: 'another' } },
    { ...object, metadata: { ...changed.metadata, generation: 4 } },
    ociRepository({ ref: { semver: '>=2.0.0', ...refOf('1.0.0') } }),
    ociRepository({ ref: { ...refOf('1.0.0'), semverFilter: '' }, spec: { url: 'oci://registry.example/other' } }),
  ]) {
    const failures = applyPatch(structuredClone(other), structuredClone(write.patch) as never);
    assert.ok(
      failures.some((each) => each !== null),
      JSON.stringify(other),
    );
  }
});

test('what was passed over is told with its reason, also where nothing else is to be done', () => {
  const registry = { tags: ['1.0.0', '1.1.0', '1.2.0'], signed: { ours: ['1.0.0'] } };
  const { change } = plan({ verify: [OURS], registry });
  assert.match(
    change.message,
    /^from nothing to 1\.0\.0@sha256:\w+; passed over 1\.2\.0@\S+ \(no signature was found\), 1\.1\.0@/,
  );
  assert.deepEqual(
    change.passedOver.map(({ tag, reason }) => [tag, reason]),
    [
      ['1.2.0', 'no signature was found'],
      ['1.1.0', 'no signature was found'],
    ],
  );
  const still = plan({ verify: [OURS], registry, ref: refOf('1.0.0') }).change;
  assert.equal(still.reason, 'UpToDate');
  assert.equal(still.passedOver.length, 2);
  const none = plan({ verify: [OURS], registry: { ...registry, signed: { ours: [] } } }).change;
  assert.equal(none.passedOver.length, 3);
});

test('who is left alone asks nobody', () => {
  const facts = factsOf({ annotations: { 'tagpin.dev/pause': 'true' } });
  assert.deepEqual(repositoryQuestions(facts, new Map()), []);
});

test('what was written is remembered, and what is about to be', () => {
  const { now, done } = plan({ ref: refOf('1.0.0') });
  const [before, after] = [now, done].map(({ images }) => images.get('registry.example/manifests/podinfo'));
  assert.deepEqual([before?.written, before?.attempt?.count, before?.attempt?.tag], [null, 1, '1.1.0']);
  assert.deepEqual(before?.before, [valueOf('1.0.0')]);
  assert.deepEqual([after?.written, after?.attempt], [valueOf('1.1.0'), null]);
  assert.equal(now.target, 'OCIRepository apps/podinfo');
});

test('its own entry is about its own image', () => {
  const verification = {
    keySecret: null,
    identities: [{ issuerPattern: 'a', subjectPattern: 'b' }],
    trustedRootSecret: null,
  };
  const made = verificationEntry(verification, { keys: null, trustedRoot: null }, 'registry.example/manifests/podinfo');
  assert.ok(made.ok);
  const registry = { tags: ['1.0.0', '1.1.0'], signed: { 'spec.verify': ['1.0.0'] } };
  assert.equal(outcome({ ownVerify: { kind: 'entry', entry: made.entry }, registry }), 'planned Moved 1.0.0');
});

test('who asks for nothing special is asked for together with all others', () => {
  const keys = (one: WrittenOciRepository, other: WrittenOciRepository): number => {
    const open = [one, other].flatMap((written) => repositoryQuestions(factsOf(written), new Map()));
    return new Set(open.map(questionKey)).size;
  };
  assert.equal(keys({ namespace: 'a' }, { namespace: 'b' }), 1);
  const own = { spec: { secretRef: { name: 'pull' } } };
  assert.equal(keys({ namespace: 'a', ...own }, { namespace: 'a', name: 'other', ...own }), 1);
  assert.equal(keys({ namespace: 'a', ...own }, { namespace: 'b', ...own }), 2);
  assert.equal(keys({ namespace: 'a' }, { namespace: 'a', spec: { insecure: true } }), 2);
});

test('of what its URL was before nothing is kept', () => {
  const facts = factsOf({ ref: refOf('1.0.0') });
  const images = new Map([['registry.example/another', { ...NEW_IMAGE, written: valueOf('1.0.0') }]]);
  const { now } = planRepository({ ...facts, state: { target: '', gone: null, images } }, new Map());
  assert.deepEqual([...now.images.keys()], []);
});
