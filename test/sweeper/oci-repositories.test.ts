import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, parseDigest } from '../../src/core/image/digest.ts';
import { DEFAULT_POLICY } from '../../src/core/policy/schema.ts';
import { questionKey, type SweepAnswer } from '../../src/core/sweep/choice/questions.ts';
import { NEW_IMAGE, type TargetState } from '../../src/core/sweep/state.ts';
import { createOciRepositories, type RepositoryNeeds } from '../../src/sweeper/oci-repositories.ts';
import { ociRepository, type WrittenOciRepository } from '../support/oci-repository.ts';

const { signal } = new AbortController();
const KEY = 'registry.example/manifests/podinfo';
const DIGEST: Digest = parseDigest(`sha256:${'ab'.repeat(32)}`) ?? assert.fail();
const VALUE = { tag: '1.0.0', digest: DIGEST };
type Patched = Awaited<ReturnType<RepositoryNeeds['apply']>>;

/** A cycle about one OCIRepository in whose registry there is 1.0.0; each patch comes to the next of `patched`. */
async function cycle(
  object: WrittenOciRepository,
  {
    patched,
    later = object,
    state = null,
  }: { patched: Patched[]; later?: WrittenOciRepository | null; state?: TargetState | null },
) {
  let recorded = state;
  const reads: string[] = [];
  const needs: RepositoryNeeds = {
    async *list() {
      yield [ociRepository(object)];
    },
    read: async ({ name }) => {
      reads.push(name);
      return later === null ? null : ociRepository(later);
    },
    readSecret: async () => assert.fail('no Secret is named'),
    apply: async () => patched.shift() ?? assert.fail('no other patch is sent'),
  };
  const facts = {
    policy: DEFAULT_POLICY,
    names: null,
    purpose: 'sweep' as const,
    namespaces: new Map(),
    stateOf: () => recorded,
    lastAsked: () => null,
    now: Date.parse('2026-11-21T12:00:00Z'),
  };
  const { targets } = await createOciRepositories(needs)(facts, signal);
  const [target] = targets;
  assert.ok(target !== undefined);
  const answers = new Map<string, SweepAnswer>();
  for (let open = target.openQuestions(answers).flat(); open.length > 0; open = target.openQuestions(answers).flat()) {
    for (const question of open) {
      const answer: SweepAnswer =
        question.kind === 'tags' ? { kind: 'tags', tags: ['1.0.0'] } : { kind: 'digest', digest: DIGEST };
      answers.set(questionKey(question), answer);
    }
  }
  const plan = target.plan(answers);
  assert.ok(typeof plan.writing === 'function', JSON.stringify(plan.changes));
  recorded = plan.now;
  const { changes, now } = await plan.writing(signal);
  const [change] = changes;
  return { said: `${change?.outcome} ${change?.reason}`, image: now.images.get(KEY), reads, patched };
}

const WRITTEN: TargetState = { target: '', gone: null, images: new Map([[KEY, { ...NEW_IMAGE, written: VALUE }]]) };
const CONFLICT: Patched = { kind: 'conflict', message: 'it is not what was read' };
const DONE: Patched = { kind: 'written' };

test('who is outrun reads again, and writes what was planned', async () => {
  const came = await cycle({}, { patched: [CONFLICT, CONFLICT, DONE] });
  assert.deepEqual([came.said, came.reads.length, came.patched.length], ['written Moved', 2, 0]);
  assert.deepEqual([came.image?.written, came.image?.attempt], [VALUE, null]);
});

test('a repair that was outrun is still the first: nobody took back what was never written', async () => {
  const came = await cycle({ ref: { tag: '1.0.0' } }, { patched: [CONFLICT, DONE], state: WRITTEN });
  assert.equal(came.said, 'written Repaired');
});

test('one attempt is one, however often it was outrun', async () => {
  const came = await cycle({}, { patched: Array.from({ length: 5 }, () => CONFLICT) });
  assert.deepEqual([came.said, came.image?.attempt?.count], ['failed WriteFailed', 1]);
  const tried = { ...VALUE, at: Date.parse('2026-11-21T11:59:00Z'), count: 2 };
  const state: TargetState = { ...WRITTEN, images: new Map([[KEY, { ...NEW_IMAGE, attempt: tried }]]) };
  const third = await cycle({}, { patched: [CONFLICT, DONE], state });
  assert.equal(third.said, 'written Moved');
});

test('what is something else by then, or gone, has its turn in the next cycle', async () => {
  const others: readonly (WrittenOciRepository | null)[] = [
    null,
    { metadata: { uid: 'another' } },
    { annotations: { 'tagpin.dev/follow': '' } },
    { ref: { semver: '' } },
  ];
  for (const later of others) {
    assert.equal((await cycle({}, { patched: [CONFLICT], later })).said, 'waiting Outrun', JSON.stringify(later));
  }
});
