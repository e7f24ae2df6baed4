import assert from 'node:assert/strict';
import test from 'node:test';
import { withTag } from '../../src/core/image/reference.ts';
import { questionKey, type SweepQuestion } from '../../src/core/sweep/choice/questions.ts';
import { askAll } from '../../src/sweeper/ask.ts';
import { reference, startResolver } from '../support/resolver.ts';

const NOT_ASKED = () => assert.fail('nothing is verified here');
const TAGS = Array.from({ length: 30 }, (_, index) => `build-${index}`);

test('looking into all tags of a repository costs three requests a tag once, and one HEAD a tag in each later cycle', async (t) => {
  const { registry, resolver } = await startResolver(t);
  for (const tag of TAGS) registry.pushImage('acme/shop', tag);
  const image = reference(`${registry.host}/acme/shop`);
  const questions = TAGS.map(
    (tag): SweepQuestion => ({ kind: 'inspect', reference: withTag(image, tag), secret: null, platforms: [] }),
  );
  const cycle = async () => {
    registry.clearRequests();
    const answers = await askAll(
      { ...resolver, verify: NOT_ASKED, credentials: async () => [] },
      () => questions,
      t.signal,
    );
    const counts = new Map(
      [...Map.groupBy(registry.requests, ({ method }) => method)].map(([method, { length }]) => [method, length]),
    );
    return { answers, counts: { HEAD: counts.get('HEAD') ?? 0, GET: counts.get('GET') ?? 0 } };
  };

  const first = await cycle();
  assert.deepEqual(first.counts, { HEAD: TAGS.length, GET: 2 * TAGS.length });
  const second = await cycle();
  assert.deepEqual(second, { answers: first.answers, counts: { HEAD: TAGS.length, GET: 0 } });

  const moved = registry.pushImage('acme/shop', 'build-7');
  const third = await cycle();
  assert.deepEqual(third.counts, { HEAD: TAGS.length, GET: 2 });
  const answer = third.answers.get(questionKey(questions[7] ?? assert.fail()));
  assert.equal(answer?.kind === 'inspected' && answer.digest, moved);
});
