/** Several replicas round one cluster, which is a value here: what is in force, what is stored, what is told. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { NotReady } from '../../../src/webhook/exchange.ts';
import {
  type PolicyNews,
  type PolicySource,
  type StoredPolicy,
  startPolicySource,
} from '../../../src/webhook/policy/policy-source.ts';
import { ABSENCE_MILLISECONDS, DEFAULT_TEXT } from '../../../src/webhook/policy/policy-state.ts';
import { eventually } from '../../support/eventually.ts';

const HEAD = 'apiVersion: tagpin.dev/v1\nkind: TagPolicy\n';
const ONE = `${HEAD}rules: [{name: one, action: deny}]\n`;
const TWO = `${HEAD}rules: [{name: two, action: deny}]\n`;
const BAD = `${HEAD}defaults:\n  action: pinn\n`;

class Cluster {
  submitted: { readonly text: string | null } | null | undefined = undefined;
  accepted: StoredPolicy | null = null;
  writes: string[] = [];
  /** Thrown by the next reads and writes. */
  failures: Error[] = [];

  read(): StoredPolicy | null {
    this.#fail();
    return this.accepted;
  }

  write(text: string, before: StoredPolicy | null): StoredPolicy | 'outrun' {
    this.#fail();
    if (this.accepted?.version !== before?.version) return 'outrun';
    this.writes.push(text);
    this.accepted = { text, version: String(this.writes.length) };
    return this.accepted;
  }

  #fail(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}

interface Replica {
  readonly source: PolicySource;
  readonly news: PolicyNews[];
  /** The names of the rules in force. */
  readonly rules: () => readonly string[];
  /** What was told, in short. */
  readonly told: () => readonly string[];
  clock: number;
}

function start(t: TestContext, cluster: Cluster): Replica {
  const news: PolicyNews[] = [];
  const replica = { clock: 0 };
  const source = startPolicySource({
    submitted: () => cluster.submitted,
    readAccepted: async () => cluster.read(),
    storeAccepted: async (text, before) => cluster.write(text, before),
    tell: (one) => news.push(one),
    now: () => replica.clock,
    backoffMilliseconds: [1, 5],
  });
  t.after(() => source.stop());
  return Object.assign(replica, {
    source,
    news,
    rules() {
      const policy = source.policy();
      return policy instanceof NotReady ? [] : policy.rules.map(({ name }) => name);
    },
    told: () => news.map(shown),
  });
}

function shown(news: PolicyNews): string {
  switch (news.kind) {
    case 'in force':
      return `in force: ${news.origin} ${news.policy.rules.map(({ name }) => name).join()}`.trim();
    case 'refused':
      return `refused: ${news.errors.map(({ line }) => line).join()} ${news.inForce}`;
    case 'failed':
      return `failed: ${news.doing}`;
    case 'valid':
    case 'gone':
      return news.kind;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('until the ConfigMap is read there is no policy, and whoever asks shall ask again', (t) => {
  const { source } = start(t, new Cluster());
  source.changed();
  assert.match(source.problem() ?? '', /not read yet/);
  const policy = source.policy();
  assert.ok(policy instanceof NotReady);
  assert.equal(policy.retryAfterSeconds, 1);
});

test('what the ConfigMap says is in force at once, and stored once however many replicas there are', async (t) => {
  const cluster = new Cluster();
  const replicas = [start(t, cluster), start(t, cluster), start(t, cluster)];
  cluster.submitted = { text: ONE };
  for (const { source, rules } of replicas) {
    source.changed();
    assert.deepEqual(rules(), ['one']);
  }
  await eventually('it is stored', () => cluster.writes.length > 0);
  cluster.submitted = { text: TWO };
  for (const { source } of replicas) source.changed();
  await eventually('it is stored', () => cluster.accepted?.text === TWO);
  for (const { told } of replicas) {
    assert.deepEqual(told(), ['valid', 'in force: configmap one', 'in force: configmap two']);
  }
  assert.deepEqual(cluster.writes, [ONE, TWO]);
});

test('of a bad one the last good one stays, told once; the mended one is in force', async (t) => {
  const cluster = new Cluster();
  const { source, rules, told } = start(t, cluster);
  cluster.submitted = { text: ONE };
  source.changed();
  cluster.submitted = { text: BAD };
  for (let times = 0; times < 3; times += 1) source.changed();
  await settled();
  assert.deepEqual([rules(), source.problem()], [['one'], null]);
  cluster.submitted = { text: ONE };
  source.changed();
  await eventually('all is told', () => told().length === 5);
  assert.deepEqual(told(), [
    'valid',
    'in force: configmap one',
    'refused: 4 accepted',
    'valid',
    'in force: configmap one',
  ]);
  assert.equal(cluster.accepted?.text, ONE);
});

test('a replica that starts with a bad one uses what was accepted', async (t) => {
  const cluster = new Cluster();
  cluster.accepted = { text: TWO, version: '7' };
  cluster.submitted = { text: BAD };
  const { source, rules, told } = start(t, cluster);
  source.changed();
  await eventually('it is in force', () => source.problem() === null);
  assert.deepEqual([rules(), told()], [['two'], ['refused: 4 accepted', 'in force: accepted two']]);
  assert.deepEqual(cluster.writes, []);
});

test('with nothing accepted it waits for a good one, and nobody waits for it', async (t) => {
  const cluster = new Cluster();
  cluster.submitted = { text: BAD };
  const { source, rules, told } = start(t, cluster);
  source.changed();
  await eventually('it is told', () => told().length > 0);
  assert.match(source.problem() ?? '', /not valid, and no policy was accepted before/);
  const policy = source.policy();
  assert.ok(policy instanceof NotReady);
  assert.equal(policy.retryAfterSeconds, null);
  cluster.submitted = { text: ONE };
  source.changed();
  assert.deepEqual([rules(), source.problem()], [['one'], null]);
  assert.deepEqual(told(), ['refused: 4 null', 'valid', 'in force: configmap one']);
});

test('a ConfigMap that is deleted and comes back within seconds was never away', async (t) => {
  const cluster = new Cluster();
  const replica = start(t, cluster);
  const { source, rules } = replica;
  cluster.submitted = { text: ONE };
  source.changed();
  await eventually('it is stored', () => cluster.accepted?.text === ONE);
  cluster.submitted = null;
  source.changed();
  replica.clock += ABSENCE_MILLISECONDS - 1;
  source.changed();
  await settled();
  assert.deepEqual([rules(), source.problem()], [['one'], null]);
  cluster.submitted = { text: TWO };
  source.changed();
  assert.deepEqual(rules(), ['two']);
  await eventually('it is stored', () => cluster.accepted?.text === TWO);
  assert.deepEqual(cluster.writes, [ONE, TWO]);
});

test('one that stays away means the defaults, also for whoever starts later and meets a bad one', async (t) => {
  const cluster = new Cluster();
  const replica = start(t, cluster);
  cluster.submitted = { text: ONE };
  replica.source.changed();
  await eventually('it is stored', () => cluster.accepted?.text === ONE);
  cluster.submitted = null;
  replica.source.changed();
  assert.equal(replica.told().at(-1), 'gone');
  replica.clock += ABSENCE_MILLISECONDS;
  replica.source.changed();
  assert.deepEqual([replica.rules(), replica.told().at(-1)], [[], 'in force: defaults']);
  await eventually('that is stored', () => cluster.accepted?.text === DEFAULT_TEXT);
  cluster.submitted = { text: BAD };
  const later = start(t, cluster);
  later.source.changed();
  await eventually('it has a policy', () => later.source.problem() === null);
  assert.deepEqual(later.told(), ['refused: 4 defaults', 'in force: defaults']);
});

test('what can not be read or stored is told once and tried again', async (t) => {
  const cluster = new Cluster();
  const refused = new Error('forbidden');
  cluster.failures = [refused, refused, refused];
  cluster.submitted = { text: ONE };
  const { source, rules, told } = start(t, cluster);
  source.changed();
  assert.deepEqual(rules(), ['one']);
  await eventually('it is stored', () => cluster.accepted?.text === ONE);
  assert.deepEqual(told(), ['valid', 'in force: configmap one', 'failed: read']);
});

test('a bad one is told of also while what was accepted can not be read', async (t) => {
  const cluster = new Cluster();
  cluster.accepted = { text: ONE, version: '1' };
  cluster.failures = [new Error('away'), new Error('away')];
  cluster.submitted = { text: BAD };
  const { source, told } = start(t, cluster);
  source.changed();
  await eventually('it is in force', () => source.problem() === null);
  assert.deepEqual(told(), ['failed: read', 'refused: 4 null', 'in force: accepted one']);
});

test('somebody else wrote meanwhile: it is read again, and what is there already is not written', async (t) => {
  const cluster = new Cluster();
  cluster.accepted = { text: ONE, version: 'a' };
  cluster.submitted = { text: ONE };
  const { source } = start(t, cluster);
  source.changed();
  await settled();
  cluster.accepted = { text: TWO, version: 'b' };
  cluster.submitted = { text: TWO };
  source.changed();
  await settled();
  cluster.submitted = { text: ONE };
  source.changed();
  await eventually('it is stored', () => cluster.accepted?.text === ONE);
  assert.deepEqual(cluster.writes, [ONE]);
});
