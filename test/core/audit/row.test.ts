import assert from 'node:assert/strict';
import test from 'node:test';
import {
  askedPairs,
  askedReferences,
  auditRows,
  type ObservedSlot,
  type RowFacts,
} from '../../../src/core/audit/row.ts';
import { type Observation, observePod } from '../../../src/core/audit/running.ts';
import { readWorkload } from '../../../src/core/audit/workload.ts';
import { canonicalText } from '../../../src/core/image/reference.ts';
import type { Resolution } from '../../../src/core/image/resolution.ts';
import { deployment, digest, pod, policyOf, type RecordTable, record } from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const PINNED: RecordTable = { 'containers/app': [['nginx:1', A]] };

/** A Pod's image, its `imageID`, how many there are. */
type Pods = readonly (readonly [string, string, number?])[];

function observed(image: string, table: RecordTable | null, pods: Pods, name = 'web'): ObservedSlot {
  const annotations = table === null ? {} : { 'tagpin.dev/pins': record(table) };
  const facts = { policy: policyOf(undefined), namespace: 'shop', namespaceLabels: {} };
  const workload = readWorkload('Deployment', deployment({ app: image }, { name, annotations }), facts);
  const slot = workload?.slots[0] ?? assert.fail();
  const observations = pods.flatMap(([podImage, imageID, count = 1]): Observation[] =>
    observePod({ ...pod({ app: podImage }), status: { containerStatuses: [{ name: 'app', imageID }] } }).map(
      (each) => ({
        ...each,
        pods: count,
      }),
    ),
  );
  return { kind: 'Deployment', name, slot, observations };
}

const resolved = (to: typeof A): Resolution => ({ kind: 'resolved', digest: to, mediaType: null, source: 'registry' });
const failed: Resolution = { kind: 'failed', code: 'Unreachable', message: 'no connection', lastKnown: null };
const FACTS: RowFacts = { namespace: 'shop', application: () => null, now: () => null, lists: () => null };

interface Case {
  readonly name: string;
  readonly image: string;
  readonly record?: RecordTable;
  readonly pods?: Pods;
  readonly facts?: Partial<RowFacts>;
  readonly state: string;
  readonly why: readonly string[];
  readonly running?: readonly string[];
}

const cases: readonly Case[] = [
  { name: 'a pin that nobody runs yet', image: `nginx@${A}`, record: PINNED, state: 'pinned', why: [] },
  {
    name: 'a pin that its Pods run',
    image: `nginx@${A}`,
    record: PINNED,
    pods: [[`nginx@${A}`, `docker.io/library/nginx@${A}`, 3]],
    state: 'pinned',
    why: [],
    running: [A],
  },
  {
    name: 'Pods of an earlier template',
    image: `nginx@${A}`,
    record: PINNED,
    pods: [
      [`nginx@${A}`, `nginx@${A}`],
      [`nginx@${B}`, `nginx@${B}`, 2],
    ],
    state: 'drifted',
    why: ['OtherTemplate'],
    running: [A, B],
  },
  {
    name: 'Pods of an earlier template that do not run yet',
    image: `nginx@${A}`,
    pods: [[`nginx@${B}`, '']],
    state: 'drifted',
    why: ['OtherTemplate'],
    running: [],
  },
  {
    name: 'a platform of the pinned index that no registry was asked about',
    image: `nginx@${A}`,
    pods: [[`nginx@${A}`, `nginx@${B}`]],
    state: 'pinned',
    why: ['MaybePlatform'],
    running: [B],
  },
  {
    name: 'a platform of the pinned index',
    image: `nginx@${A}`,
    pods: [[`nginx@${A}`, `nginx@${B}`]],
    facts: { lists: () => true },
    state: 'pinned',
    why: [],
    running: [B],
  },
  {
    name: 'something that the pinned index does not list',
    image: `nginx@${A}`,
    pods: [[`nginx@${A}`, `nginx@${B}`]],
    facts: { lists: () => false },
    state: 'drifted',
    why: ['OtherImage'],
    running: [B],
  },
  {
    name: 'the ID of a configuration, as docker reports it',
    image: `nginx@${A}`,
    pods: [[`nginx@${A}`, B]],
    facts: { lists: () => false },
    state: 'pinned',
    why: ['NoDigests'],
    running: [],
  },
  {
    name: 'a Pod that was made with the tag, and runs the pin',
    image: `nginx@${A}`,
    record: PINNED,
    pods: [['nginx:1', `nginx@${A}`]],
    state: 'pinned',
    why: [],
    running: [A],
  },
  {
    name: 'a Pod that was made with the tag, and runs what may be a platform',
    image: `nginx@${A}`,
    record: PINNED,
    pods: [['nginx:1', `nginx@${B}`]],
    state: 'pinned',
    why: ['MaybePlatform'],
    running: [B],
  },
  {
    name: 'a Pod that was made with the tag, and runs what ran before',
    image: `nginx@${A}`,
    record: {
      'containers/app': [
        ['nginx:1', A],
        ['nginx:1', B],
      ],
    },
    pods: [['nginx:1', `nginx@${B}`]],
    state: 'drifted',
    why: ['OtherImage'],
    running: [B],
  },
  {
    name: 'a tag that nobody pinned',
    image: 'nginx:1',
    pods: [['nginx:1', `nginx@${B}`]],
    state: 'floating',
    why: ['NeverPinned'],
    running: [B],
  },
  {
    name: 'a tag whose Pods run two digests',
    image: 'nginx:1',
    pods: [
      ['nginx:1', `nginx@${B}`],
      ['nginx:1', `nginx@${A}`],
    ],
    state: 'floating',
    why: ['NeverPinned', 'OtherDigest'],
    running: [A, B],
  },
  {
    name: 'a tag of which the registry says nothing',
    image: 'nginx:1',
    facts: { now: () => failed },
    state: 'unresolved',
    why: ['NoAnswer', 'NeverPinned'],
  },
  {
    name: 'a pin whose tag has moved',
    image: `nginx@${A}`,
    record: PINNED,
    facts: { now: () => resolved(B) },
    state: 'behind',
    why: ['TagMoved'],
  },
  {
    name: 'a pin whose tag has not moved',
    image: `nginx@${A}`,
    record: PINNED,
    facts: { now: () => resolved(A) },
    state: 'pinned',
    why: [],
  },
  {
    name: 'a pin of which the registry says nothing',
    image: `nginx@${A}`,
    record: PINNED,
    facts: { now: () => failed },
    state: 'unresolved',
    why: ['NoAnswer'],
  },
  {
    name: 'a tag beside a digest that was written by hand',
    image: `nginx:1@${A}`,
    facts: { now: () => resolved(B), application: () => 'argocd/shop' },
    state: 'behind',
    why: ['TagMoved'],
  },
  {
    name: 'a digest by hand, of which nobody knows a tag',
    image: `nginx@${A}`,
    facts: { now: () => assert.fail('there is nothing to ask'), application: () => 'argocd/shop' },
    state: 'pinned',
    why: [],
  },
  {
    name: 'a pin in an Application without server-side diff',
    image: `nginx@${A}`,
    record: PINNED,
    facts: { application: (kind, name) => `argocd/${kind}-${name}`, now: () => resolved(B) },
    state: 'flapping',
    why: ['ClientSideDiff', 'TagMoved'],
  },
  {
    name: 'a malformed image',
    image: 'NGINX:1',
    facts: { now: () => assert.fail('there is nothing to ask') },
    state: 'unresolved',
    why: ['Malformed'],
  },
];

for (const { name, image, record: table = null, pods = [], facts, state, why, running } of cases) {
  test(`${name}: ${state}${why.length === 0 ? '' : ` (${why.join(', ')})`}`, () => {
    const [row] = auditRows([observed(image, table, pods)], { ...FACTS, ...facts });
    assert.ok(row !== undefined);
    assert.equal(row.state, state);
    assert.deepEqual(
      row.findings.map((finding) => finding.why),
      why,
    );
    assert.equal(row.reason === null, why.length === 0);
    if (running !== undefined) assert.deepEqual(row.running, running);
  });
}

test('a row says what was asked for, and what it became', () => {
  const [byTagpin, floating, byHand, both] = auditRows(
    [
      observed(`nginx@${A}`, PINNED, []),
      observed('nginx', null, []),
      observed(`redis@${A}`, null, []),
      observed(`redis:7@${A}`, null, []),
    ],
    FACTS,
  ).map(({ image, requested, digest: pinned }) => [image, requested, pinned]);
  assert.deepEqual(byTagpin, [`nginx@${A}`, 'nginx:1', A]);
  assert.deepEqual(floating, ['nginx', 'nginx', null]);
  assert.deepEqual(byHand, [`redis@${A}`, null, A]);
  assert.deepEqual(both, [`redis:7@${A}`, 'redis:7', A]);
});

test('one reference with two digests in a namespace splits every row that has it, however it is spelt', () => {
  const rows = auditRows(
    [
      observed(`nginx@${A}`, PINNED, [], 'one'),
      observed(`docker.io/library/nginx@${B}`, { 'containers/app': [['docker.io/library/nginx:1', B]] }, [], 'two'),
      observed(`nginx@${C}`, { 'containers/app': [['nginx:2', C]] }, [], 'three'),
    ],
    FACTS,
  );
  assert.deepEqual(
    rows.map(({ name, state }) => `${name} ${state}`),
    ['one split', 'two split', 'three pinned'],
  );
  assert.match(rows[0]?.reason ?? '', /2 digests in the namespace: sha256:61\w+, sha256:62\w+$/);
});

test('a tag that floats beside its pin splits itself, and not the pin: what it runs may be a platform of it', () => {
  const rows = auditRows(
    [observed(`nginx@${A}`, PINNED, []), observed('nginx:1', null, [['nginx:1', `nginx@${B}`]])],
    FACTS,
  );
  assert.deepEqual(
    rows.map(({ findings }) => findings.map(({ state }) => state)),
    [[], ['floating', 'split']],
  );
});

test('a record that is not the image’s says nothing', () => {
  const [row] = auditRows([observed(`nginx@${B}`, PINNED, [])], { ...FACTS, now: () => resolved(A) });
  assert.deepEqual([row?.requested, row?.state], [null, 'pinned']);
});

test('registries are asked for each reference once, and not for what is known by digest alone', () => {
  const slots = [
    observed(`nginx@${A}`, PINNED, []),
    observed('docker.io/library/nginx:1', null, []),
    observed(`redis@${A}`, null, []),
    observed('redis:7', null, []),
    observed('NOT/an image', null, []),
  ];
  assert.deepEqual(askedReferences(slots).map(canonicalText), [
    'docker.io/library/nginx:1',
    'docker.io/library/redis:7',
  ]);
});

test('indexes are looked into only for what runs instead of the pin', () => {
  const slots = [
    observed(`nginx@${A}`, PINNED, [
      [`nginx@${A}`, `nginx@${A}`],
      [`nginx@${A}`, `nginx@${B}`],
      [`nginx@${A}`, `other@${B}`],
      [`nginx@${C}`, `nginx@${C}`],
    ]),
    observed('redis:7', null, [['redis:7', `redis@${B}`]]),
  ];
  assert.deepEqual(
    askedPairs(slots).map(([index, manifest]) => [canonicalText(index), manifest]),
    [[`docker.io/library/nginx@${A}`, B]],
  );
});
