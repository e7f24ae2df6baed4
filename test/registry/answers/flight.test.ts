import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDigest } from '../../../src/core/image/digest.ts';
import { createFlights, type Journey, type Outcome } from '../../../src/registry/answers/flight.ts';
import type { Described } from '../../../src/registry/client.ts';
import { RegistryError } from '../../../src/registry/error.ts';

const DIGEST = parseDigest(`sha256:${'a'.repeat(64)}`) ?? assert.fail();
const described: Described = { digest: DIGEST, mediaType: 'm' };
const now = (): number => performance.now();

function journey(more: Partial<Journey> = {}): Journey {
  const landed = (): void => {};
  return {
    key: 'k',
    since: Number.NEGATIVE_INFINITY,
    host: 'a.io',
    limit: '',
    fly: async () => described,
    landed,
    ...more,
  };
}

const codeOf = (outcome: Outcome): string => (outcome instanceof RegistryError ? outcome.reason : outcome.digest);

function hanging(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

test('a flight ends by itself, whoever waits', async () => {
  const flights = createFlights(30, now);
  const landed: string[] = [];
  const { result } = flights.board(journey({ fly: hanging, landed: (outcome) => landed.push(codeOf(outcome)) }));
  assert.equal(codeOf(await result), 'TimedOut');
  assert.deepEqual(landed, ['TimedOut']);
});

test('a failure is an outcome, and a programming error is not', async () => {
  const flights = createFlights(1000, now);
  const refused = async () => {
    throw new RegistryError('Forbidden', { host: 'a.io' });
  };
  const broken = async () => {
    throw new TypeError('mine');
  };
  assert.equal(codeOf(await flights.board(journey({ fly: refused })).result), 'Forbidden');
  await assert.rejects(flights.board(journey({ fly: broken })).result, TypeError);
});

test('one asker can not have everything under way, and others are not hindered by that', async () => {
  const flights = createFlights(1000, now);
  const own = Array.from({ length: 128 }, (_, number) =>
    flights.board(journey({ key: `own ${number}`, limit: 'greedy', fly: hanging })),
  );
  const landed: string[] = [];
  const more = journey({ key: 'more', limit: 'greedy', landed: (outcome) => landed.push(codeOf(outcome)) });
  assert.equal(codeOf(await flights.board(more).result), 'TooManyQuestions');
  assert.deepEqual(landed, [], 'what was not asked is not remembered');
  assert.equal(codeOf(await flights.board({ ...more, limit: 'modest' }).result), DIGEST);
  flights.close();
  await Promise.all(own.map(({ result }) => result));
  assert.equal(codeOf(await flights.board(more).result), 'Closed');
});

test('what is under way when all is closed ends at once and is not remembered', async () => {
  const flights = createFlights(10_000, now);
  const landed: string[] = [];
  const { result } = flights.board(journey({ fly: hanging, landed: (outcome) => landed.push(codeOf(outcome)) }));
  flights.close();
  assert.equal(codeOf(await result), 'Closed');
  assert.deepEqual(landed, []);
});
