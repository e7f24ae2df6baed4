import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credential } from '../../src/core/image/credentials.ts';
import { parsePlatform } from '../../src/core/image/platform.ts';
import { createResolver } from '../../src/registry/resolver.ts';
import type { Fault } from '../support/faults.ts';
import { registriesOf } from '../support/loopback.ts';
import { ROBOT, reference, show, startResolver } from '../support/resolver.ts';

const WRONG: Credential = { kind: 'basic', username: 'robot', password: 'wrong' };

test('a thousand who ask for one image at once cost one HEAD', async (t) => {
  const { registry, ask, lookups } = await startResolver(t, { latencyMilliseconds: 20 });
  const digest = registry.pushImage('app', '1');
  const all = await Promise.all(Array.from({ length: 1000 }, () => ask('app:1')));
  assert.deepEqual(new Set(all.map(show)), new Set([digest]));
  assert.deepEqual(
    registry.requests.map(({ method }) => method),
    ['HEAD'],
  );
  assert.equal(lookups().filter((result) => result === 'shared').length, 999);
});

test('a digest is served from memory while it is fresh, and asked for anew after that', async (t) => {
  const { registry, ask, pass, lookups } = await startResolver(t);
  const old = registry.pushImage('app', '1');
  assert.deepEqual(await ask('app:1'), {
    kind: 'resolved',
    digest: old,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    source: 'registry',
  });
  const moved = registry.pushImage('app', '1', { label: 'moved' });
  pass(9);
  const kept = await ask('app:1');
  assert.equal(`${show(kept)} ${kept.kind === 'resolved' && kept.source}`, `${old} cache`);
  assert.equal(show(await ask('app:1', { maxAgeMilliseconds: 5000 })), moved);
  pass(11);
  assert.equal(show(await ask('app:1')), moved);
  assert.deepEqual(lookups(), ['miss', 'hit', 'stale', 'stale']);
});

test('spellings of one image share their memory', async (t) => {
  const { registry, ask } = await startResolver(t);
  registry.pushImage('app', 'latest');
  await ask('app');
  await ask('app:latest');
  assert.equal(registry.requests.length, 1);
});

test('past the memory means: asked after the question', async (t) => {
  const { registry, ask } = await startResolver(t, { latencyMilliseconds: 60 });
  const old = registry.pushImage('app', '1');
  const early = ask('app:1');
  await sleep(100 - 60);
  const asked = [ask('app:1', { maxAgeMilliseconds: 0 }), ask('app:1', { maxAgeMilliseconds: 0 })];
  // The first request reads the tag when its latency is over, just as the tag moves.
  assert.equal(show(await early), old);
  const moved = registry.pushImage('app', '1', { label: 'moved' });
  assert.deepEqual((await Promise.all(asked)).map(show), [moved, moved]);
  assert.equal(registry.requests.length, 2);
});

test('failures are remembered for seconds, and not by who goes past the memory', async (t) => {
  const { registry, ask, pass, lookups } = await startResolver(t);
  assert.equal(show(await ask('app:1')), 'NotFound');
  const digest = registry.pushImage('app', '1');
  assert.equal(show(await ask('app:1')), 'NotFound');
  assert.equal(show(await ask('app:1', { maxAgeMilliseconds: 0 })), digest);
  assert.equal(show(await ask('other:1')), 'NotFound');
  const other = registry.pushImage('other', '1');
  pass(5);
  assert.equal(show(await ask('other:1')), other);
  assert.deepEqual(lookups(), ['miss', 'negative', 'miss', 'miss', 'miss']);
});

// [what happens to the registry, code, is the last digest given]
const outages: readonly (readonly [string, Fault, string, boolean])[] = [
  ['resets', { kind: 'reset', after: 'request' }, 'Unreachable', true],
  ['fails', { kind: 'status', status: 503 }, 'Unreachable', true],
  ['hangs', { kind: 'hang', after: 'request' }, 'Timeout', true],
  ['limits', { kind: 'status', status: 429, headers: { 'retry-after': '60' } }, 'RateLimited', true],
  ['shows a web page', { kind: 'status', status: 200, body: '<html>' }, 'InvalidResponse', true],
  ['forgets', { kind: 'status', status: 404 }, 'NotFound', false],
  ['forbids', { kind: 'status', status: 403 }, 'Forbidden', false],
];

for (const [what, fault, code, isGiven] of outages) {
  test(`where a registry ${what} the answer is ${code}, ${isGiven ? 'with' : 'without'} the last digest, for a day`, async (t) => {
    const { registry, ask, pass } = await startResolver(t);
    const digest = registry.pushImage('app', '1');
    await ask('app:1');
    pass(3600);
    registry.fault(fault);
    const failed = await ask('app:1');
    assert.ok(failed.kind === 'failed');
    assert.equal(failed.code, code);
    assert.equal(failed.lastKnown, isGiven ? digest : null);
    assert.match(failed.message, new RegExp(`${registry.host}.*: `));
    pass(24 * 3600);
    const later = await ask('app:1');
    assert.equal(later.kind === 'failed' && later.lastKnown, null);
  });
}

test('a registry that is gone answers within the flight, whatever it does', async (t) => {
  const { registry, ask } = await startResolver(t);
  registry.fault({ kind: 'trickle', bytes: 1 });
  registry.fault({ kind: 'header', name: 'docker-content-digest', value: null });
  registry.pushIndex('app', '1', ['linux/amd64', 'linux/arm64']);
  const started = performance.now();
  assert.equal(show(await ask('app:1')), 'Timeout');
  assert.ok(performance.now() - started < 2000);
});

test('who gives up gets the last digest, and the flight goes on for the others', async (t) => {
  const { registry, ask } = await startResolver(t, { latencyMilliseconds: 80 });
  const digest = registry.pushImage('app', '1');
  await ask('app:1');
  const moved = registry.pushImage('app', '1', { label: 'moved' });
  const hasty = ask('app:1', { maxAgeMilliseconds: 0, signal: AbortSignal.timeout(20) });
  const patient = ask('app:1', { maxAgeMilliseconds: 10 });
  const given = await hasty;
  assert.deepEqual(given.kind === 'failed' && [given.code, given.lastKnown], ['Timeout', digest]);
  assert.equal(show(await patient), moved);
  assert.equal(registry.requests.length, 2);
});

test('a keychain that hangs is not waited for longer than the signal says', async (t) => {
  const { ask } = await startResolver(t);
  const keychain = () => new Promise<never>(() => {});
  assert.equal(show(await ask('app:1', { keychain, signal: AbortSignal.timeout(20) })), 'Timeout');
});

test('what one credential has learnt nobody else gets, neither fresh nor as the last digest', async (t) => {
  const { registry, ask, pass } = await startResolver(t, { auth: 'token' });
  const digest = registry.pushImage('private', '1');
  assert.equal(show(await ask('private:1', { credentials: [ROBOT] })), digest);
  assert.equal(show(await ask('private:1')), 'Unauthorized');
  assert.equal(show(await ask('private:1', { credentials: [WRONG] })), 'Unauthorized');
  assert.equal(show(await ask('private:1', { credentials: [{ ...ROBOT }] })), digest);
  pass(60);
  registry.fault({ kind: 'reset', after: 'request' });
  const lastKnown = async (credentials: readonly Credential[]) => {
    const given = await ask('private:1', { credentials });
    return given.kind === 'failed' && given.lastKnown;
  };
  assert.equal(await lastKnown([]), null);
  assert.equal(await lastKnown([WRONG]), null);
  assert.equal(await lastKnown([ROBOT]), digest);
  assert.equal(await lastKnown([WRONG, ROBOT]), digest, 'who holds several gets what any of them saw');
});

test('credentials are tried in order, then the cloud, then nobody', async (t) => {
  const cloud = async (): Promise<readonly Credential[]> => [ROBOT];
  const { registry, ask } = await startResolver(t, { auth: 'basic', resolver: { cloud } });
  const digest = registry.pushImage('app', '1');
  assert.equal(show(await ask('app:1', { credentials: [WRONG, { kind: 'identity', token: 'x' }] })), digest);
  const open = await startResolver(t, { auth: 'token', actions: () => ['pull'] });
  const own = open.registry.pushImage('app', '1');
  assert.equal(
    show(await open.ask('app:1', { credentials: [WRONG] })),
    own,
    'a wrong one does not hide what all may see',
  );
});

test('that an image is not there is told by the credential that may look', async (t) => {
  const { ask } = await startResolver(t, { auth: 'token' });
  assert.equal(show(await ask('app:1', { credentials: [ROBOT] })), 'NotFound');
});

const platform = (text: string) => {
  const parsed = parsePlatform(text);
  assert.ok(parsed.ok);
  return parsed.platform;
};

test('a platform is looked for in an index, or in what a single image was built for', async (t) => {
  const { registry, resolver } = await startResolver(t);
  const index = registry.pushIndex('many', '1', ['linux/amd64', 'linux/arm64', 'linux/arm/v6']);
  const single = registry.pushImage('one', '1', { platform: 'linux/arm64' });
  const signal = new AbortController().signal;
  const ask = async (image: string, text: string) =>
    show(
      await resolver.resolvePlatform({
        reference: reference(`${registry.host}/${image}`),
        keychain: async () => [],
        signal,
        platform: platform(text),
      }),
    );
  const amd = await ask('many:1', 'linux/amd64');
  assert.match(amd, /^sha256:/);
  assert.equal(new Set([index, amd, await ask('many:1', 'linux/arm64'), await ask('many:1', 'linux/arm/v7')]).size, 4);
  assert.equal(await ask('many:1', 'windows/amd64'), 'NoMatchingPlatform');
  assert.equal(await ask('one:1', 'linux/arm64/v8'), single);
  assert.equal(await ask('one:1', 'linux/amd64'), 'NoMatchingPlatform');
  assert.equal(await ask('none:1', 'linux/amd64'), 'NotFound');
  const asked = registry.requests.length;
  assert.equal(await ask('many:1', 'linux/amd64'), amd);
  assert.equal(registry.requests.length, asked, 'platforms are remembered as well');
});

test('an index is looked into for a manifest; a single image and an index without it list none', async (t) => {
  const { registry, resolver } = await startResolver(t);
  const index = registry.pushIndex('many', '1', ['linux/amd64', 'linux/arm64']);
  const single = registry.pushImage('one', '1');
  const question = { keychain: async () => [], signal: new AbortController().signal };
  const arm = { reference: reference(`${registry.host}/many:1`), platform: platform('linux/arm64'), ...question };
  const entry = show(await resolver.resolvePlatform(arm)) as typeof index;
  const ask = async (image: string, wanted: typeof index) =>
    show(
      await resolver.resolveEntry({ reference: reference(`${registry.host}/${image}`), entry: wanted, ...question }),
    );
  assert.equal(await ask(`many@${index}`, entry), entry);
  assert.equal(await ask(`many@${index}`, single), 'NoMatchingPlatform');
  assert.equal(await ask(`one@${single}`, single), 'NoMatchingPlatform');
  assert.equal(await ask(`many@${single}`, entry), 'NotFound');
});

test('closing ends what is under way, and afterwards nothing begins', async (t) => {
  const { registry, resolver, ask } = await startResolver(t);
  registry.fault({ kind: 'hang', after: 'request' });
  const waiting = ask('app:1');
  await sleep(30);
  const started = performance.now();
  await resolver.close();
  assert.equal(show(await waiting), 'Unreachable');
  assert.ok(performance.now() - started < 500);
  assert.equal(show(await ask('app:1')), 'Unreachable');
});

test('by default only public addresses are asked, and nothing needs to be opened or closed for a refusal', async () => {
  const settings = registriesOf({});
  const resolver = createResolver({ settings: () => settings });
  const { signal } = new AbortController();
  const question = { reference: reference('10.0.0.1/app:1'), keychain: async () => [], signal };
  assert.equal(show(await resolver.resolve(question)), 'NotAllowed');
  await resolver.close();
});
