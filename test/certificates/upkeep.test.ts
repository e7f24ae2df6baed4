/** What an upkeep does while the API server refuses it or is away. What it writes is tried on a real one, in test/cluster. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { parseBundle } from '../../src/certificates/authority.ts';
import type { LiveConfiguration } from '../../src/certificates/live.ts';
import { CERTIFICATE_TIMES } from '../../src/certificates/rotation.ts';
import type { CertificateSecret, StoredSecret } from '../../src/certificates/secret.ts';
import type { ServingPair } from '../../src/certificates/serving.ts';
import { type CertificateFacts, startUpkeep } from '../../src/certificates/upkeep.ts';
import { eventually } from '../support/eventually.ts';

const DAY = 24 * 60 * 60_000;
const HOST = 'tagpin-webhook.tagpin-system.svc';

/** An upkeep with an API server whose answers the test chooses. */
function setUp(t: TestContext, refusal: string | null = null) {
  const state = {
    now: Date.parse('2026-11-21T12:00:00Z'),
    secret: null as StoredSecret | null,
    /** Why nothing can be read or written; null where it can. */
    refusal,
    caBundle: '',
    log: [] as string[],
    served: [] as ServingPair[],
    facts: null as CertificateFacts | null,
    looks: 0,
    changed: () => {},
  };
  const orRefuse = (): void => {
    if (state.refusal !== null) throw new Error(state.refusal);
  };
  const secret: CertificateSecret = {
    name: 'tagpin-system/tagpin-certificates',
    async read() {
      state.looks += 1;
      orRefuse();
      return state.secret;
    },
    async write(changes, over) {
      orRefuse();
      const entries = Object.entries({ ...over?.data, ...changes });
      const data = Object.fromEntries(entries.flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
      state.secret = { version: `${state.looks}`, type: 'Opaque', annotations: {}, data };
      return 'written';
    },
  };
  function live(): readonly LiveConfiguration[] {
    const webhooks = [{ name: 'workloads.tagpin.dev', caBundle: state.caBundle, host: HOST }];
    const found = { version: '1', revision: state.caBundle, webhooks, injector: null };
    return [{ kind: 'MutatingWebhookConfiguration', name: 'tagpin', state: found }];
  }
  const write = (message: string, facts: object = {}): void => {
    state.log.push(`${message} ${JSON.stringify(facts)}`);
  };
  const upkeep = startUpkeep({
    secret,
    configurations: {
      async read() {
        orRefuse();
        return live();
      },
      async write(_configuration, _webhooks, caBundle) {
        orRefuse();
        state.caBundle = caBundle;
        return 'written';
      },
      watch: (changed, signal) =>
        new Promise((_resolve, reject) => {
          state.changed = changed;
          signal.addEventListener('abort', () => reject(new Error('over')));
        }),
    },
    hosts: [HOST],
    times: { ...CERTIFICATE_TIMES, poll: 20 },
    now: () => state.now,
    log: { info: write, warn: write, error: write },
    renewed: (pair) => state.served.push(pair),
    observe: (facts) => {
      state.facts = facts;
    },
  });
  t.after(() => upkeep.stop());
  const looked = async (): Promise<void> => {
    const until = state.looks + 3;
    await eventually('three looks', () => state.looks >= until);
  };
  return { state, upkeep, looked };
}

const errors = (log: readonly string[]) => log.filter((line) => /can not be/.test(line));

test('an API server that refuses is asked again and again, and told of once', async (t) => {
  const { state, upkeep, looked } = setUp(t, 'forbidden');
  await looked();
  await looked();
  assert.equal(errors(state.log).length, 2, state.log.join('\n'));
  assert.equal(
    upkeep.problem(),
    'the certificate Secret can not be read: tagpin-system/tagpin-certificates: forbidden',
  );
  assert.equal(upkeep.current(), null);
  state.refusal = null;
  await eventually('it is trusted', () => upkeep.problem() === null);
  assert.equal(upkeep.current(), state.served[0]);
  assert.equal(state.served.length, 1);
  const registered = state.facts?.webhooks.map(({ name, registered: is, trusted }) => `${name} ${is} ${trusted}`);
  assert.deepEqual(registered, ['workloads.tagpin.dev true true', 'pods.tagpin.dev false false']);
});

test('without an API server a certificate is renewed, up to a lifetime after the Secret was read', async (t) => {
  const { state, upkeep, looked } = setUp(t);
  await eventually('it is trusted', () => upkeep.problem() === null);
  const start = state.now;
  state.now = start + 2 * DAY;
  await looked();
  state.refusal = 'gone';
  await looked();
  state.now = start + 5 * DAY;
  await eventually('it is renewed', () => state.served.length === 2);
  // Read two days after the start, and for a week from then.
  assert.equal(state.served[1]?.expires.getTime(), start + 9 * DAY);
  state.now = start + 8 * DAY;
  await looked();
  assert.equal(state.served.length, 2);
  assert.equal(upkeep.problem(), null);
  state.now = start + 9 * DAY;
  assert.match(upkeep.problem() ?? '', /the certificate ended on 2026-11-30/);
  state.refusal = null;
  await eventually('it is trusted again', () => upkeep.problem() === null);
});

test('a Secret that becomes somebody else’s stays as it is, and what is served is served on', async (t) => {
  const { state, upkeep, looked } = setUp(t);
  await eventually('it is trusted', () => upkeep.problem() === null);
  const foreign = {
    version: 'x',
    type: 'kubernetes.io/tls',
    annotations: {},
    data: { 'tls.crt': 'x', 'tls.key': 'y' },
  };
  state.secret = foreign;
  state.caBundle = '';
  await looked();
  assert.equal(state.secret, foreign);
  assert.equal(upkeep.problem(), null);
  assert.equal(parseBundle(state.caBundle).authorities.length, 1);
  assert.equal(errors(state.log).length, 1);
});

test('somebody who changes caBundle again and again is told of, and no key is in any line', async (t) => {
  const { state, upkeep } = setUp(t);
  await eventually('it is trusted', () => upkeep.problem() === null);
  for (let times = 0; times < 8; times += 1) {
    state.caBundle = 'theirs';
    state.changed();
    await eventually('put right', () => state.caBundle !== 'theirs');
  }
  assert.equal(state.log.filter((line) => /again and again/.test(line)).length, 1);
  assert.doesNotMatch(state.log.join('\n'), /PRIVATE KEY/);
});
