import assert from 'node:assert/strict';
import test from 'node:test';
import { createDemands, type Demanded } from '../../src/signature/demand.ts';
import { identity, newKey, privateSigstore, publicPem, verifyEntry } from '../support/signed-image.ts';

const { root } = privateSigstore();
const OURS = verifyEntry({ keys: [publicPem(newKey())] });
const PLACE = { configMap: 'roots', key: 'private.json' } as const;
const US = verifyEntry({ identities: [identity()], transparencyLog: 'required', trustRoot: PLACE });

function start(read: (configMap: string, key: string) => Promise<string>) {
  let passed = 1;
  const asked: string[] = [];
  const demands = createDemands({
    readTrustRoot: (configMap, key) => {
      asked.push(`${configMap}/${key}`);
      return read(configMap, key);
    },
    now: () => passed,
  });
  return { demands, asked, pass: (seconds: number) => (passed += seconds * 1000) };
}

function fingerprint(demanded: Demanded): string {
  return demanded.kind === 'ready' ? demanded.fingerprint : assert.fail(demanded.verdict.message);
}

function refusal(demanded: Demanded): string {
  return demanded.kind === 'failed' ? `${demanded.verdict.code}: ${demanded.verdict.message}` : assert.fail();
}

test('a trust root is read once for all who ask at once, and again after half a minute', async () => {
  const { demands, asked, pass } = start(async () => root);
  await Promise.all([demands.of(US), demands.of(US), demands.of({ ...US, name: 'other' })]);
  await demands.of(US);
  assert.deepEqual(asked, ['roots/private.json']);
  pass(31);
  await demands.of(US);
  assert.equal(asked.length, 2);
});

test('keys that need nobody’s word need no trust root', async () => {
  const { demands, asked } = start(async () => assert.fail());
  const demanded = await demands.of({ ...OURS, trustRoot: PLACE });
  assert.ok(demanded.kind === 'ready' && demanded.demand.root === null && demanded.demand.keys.length === 1);
  assert.deepEqual(asked, []);
});

test('two entries that ask for the same have one fingerprint, whatever they are called', async () => {
  const { demands } = start(async () => root);
  const of = async (wish: Partial<typeof US>) => fingerprint(await demands.of({ ...US, ...wish }));
  const one = await of({});
  assert.equal(await of({ name: 'other', images: ['x'], action: 'warn' }), one);
  assert.equal(await of({ trustRoot: { text: root } }), one);
  assert.notEqual(await of({ trustRoot: 'public' }), one);
  assert.notEqual(await of({ transparencyLog: 'optional' }), one);
  assert.notEqual(await of({ identities: [identity({ subject: 'x' })] }), one);
  assert.notEqual(await of({ keys: OURS.keys }), one);
});

test('a trust root that can not be read or used is a failure that says which, and is asked for again', async () => {
  const place = 'the trust root under "private.json" of the ConfigMap roots can not be used';
  const gone = start(async () => {
    throw new Error('secret detail');
  });
  assert.equal(refusal(await gone.demands.of(US)), `InvalidResponse: ${place}: it can not be read`);
  await gone.demands.of(US);
  assert.equal(gone.asked.length, 2);
  const broken = start(async () => 'root');
  assert.equal(refusal(await broken.demands.of(US)), `InvalidResponse: ${place}: it is no trusted_root.json`);
  const nowhere = createDemands({ readTrustRoot: null, now: () => 0 });
  assert.equal(refusal(await nowhere.of(US)), `InvalidResponse: ${place}: no cluster is asked for it`);
  assert.equal(
    refusal(await nowhere.of({ ...US, trustRoot: { text: '' } })),
    'InvalidResponse: the trust root can not be used: it is no trusted_root.json',
  );
});
