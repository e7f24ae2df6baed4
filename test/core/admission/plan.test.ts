import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  admit,
  type Case,
  cronJob,
  deployment,
  digest,
  type Images,
  job,
  type Manifest,
  pod,
  podSpec,
  record,
  workload,
} from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const NGINX = { 'docker.io/library/nginx:1': A };
const owner = (apiVersion: string, kind: string) => ({
  ownerReferences: [{ apiVersion, kind, name: 'o', controller: true }],
});

const template = { template: { spec: podSpec({ app: 'nginx:1' }) } };
const everyKind: readonly Manifest[] = [
  deployment({ app: 'nginx:1' }),
  workload('apps/v1', 'StatefulSet', template),
  workload('apps/v1', 'DaemonSet', template),
  workload('apps/v1', 'ReplicaSet', template),
  workload('v1', 'ReplicationController', template),
  job({ app: 'nginx:1' }),
  cronJob({ app: 'nginx:1' }),
  pod({ app: 'nginx:1' }),
  { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'web' }, template: { spec: podSpec({ app: 'nginx:1' }) } },
];

for (const object of everyKind) {
  test(`${String(object['kind'])}: pinned on CREATE, with the record in its own metadata`, () => {
    const result = admit({ object, registry: NGINX });
    assert.equal(result.images['app'], `nginx@${A}`);
    assert.equal(result.pins, record({ 'containers/app': [['nginx:1', A]] }));
  });
}

const untouched: readonly (readonly [string, Case])[] = [
  ['a DELETE', { object: null, oldObject: pod({ app: 'nginx:1' }), operation: 'DELETE' }],
  ['a CONNECT', { object: pod({ app: 'nginx:1' }), operation: 'CONNECT' }],
  ['a scale', { object: deployment({ app: 'nginx:1' }), subResource: 'scale' }],
  ['a status', { object: pod({ app: 'nginx:1' }), subResource: 'status' }],
  [
    'an object that is being deleted',
    { object: pod({ app: 'nginx:1' }, { deletionTimestamp: '2026-11-21T00:00:00Z' }) },
  ],
  ['a mirror Pod', { object: pod({ app: 'nginx:1' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }) }],
  ['a Deployment of another group', { object: workload('acme.io/v1', 'Deployment', template) }],
];

for (const [name, input] of untouched.filter(([, each]) => each.object !== null)) {
  test(`${name} is neither rewritten nor judged`, () => {
    const result = admit({ ...input, registry: NGINX, policy: 'defaults: {action: deny}' });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.operations, []);
    assert.deepEqual(result.asked, []);
  });
}

test('a kind that is none of ours says that the rules are wrong', () => {
  const result = admit({ object: workload('acme.io/v1', 'Rollout', template) });
  assert.match(result.warnings[0] ?? '', /does not know Rollout/);
});

test('an annotation config.mirror on anything but a Pod means nothing', () => {
  const object = deployment({ app: 'nginx:1' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
  assert.equal(admit({ object, registry: NGINX }).images['app'], `nginx@${A}`);
});

// [owner, customControllers, is it pinned?]
const owners = [
  ['apps/v1', 'ReplicaSet', 'pin', false],
  ['apps/v1', 'StatefulSet', 'pin', false],
  ['batch/v1', 'Job', 'pin', false],
  ['argoproj.io/v1alpha1', 'Rollout', 'skip', false],
  ['argoproj.io/v1alpha1', 'Rollout', 'pin', true],
  ['acme.io/v1', 'ReplicaSet', 'pin', true],
] as const;

for (const [apiVersion, kind, customControllers, isPinned] of owners) {
  test(`a Pod of a ${kind} of ${apiVersion} under customControllers: ${customControllers} is ${isPinned ? 'pinned' : 'left'}`, () => {
    const object = pod({ app: 'nginx:1' }, owner(apiVersion, kind));
    const result = admit({ object, registry: NGINX, policy: `defaults: {customControllers: ${customControllers}}` });
    assert.equal(result.images['app'], isPinned ? `nginx@${A}` : 'nginx:1');
  });
}

test('an owner that is no controller is nobody', () => {
  const object = pod(
    { app: 'nginx:1' },
    { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'o' }] },
  );
  assert.equal(admit({ object, registry: NGINX }).images['app'], `nginx@${A}`);
});

test('what is left alone keeps its refresh, its skip and its record', () => {
  const annotations = { 'tagpin.dev/refresh': '*', 'tagpin.dev/skip': '*', 'tagpin.dev/pins': 'junk' };
  const object = workload('apps/v1', 'ReplicaSet', template, { ...owner('apps/v1', 'Deployment'), annotations });
  assert.deepEqual(admit({ object, oldObject: object }).operations, []);
});

const labelled: readonly (readonly [string, Manifest, boolean])[] = [
  ['a Pod that is pinned', pod({ app: 'nginx:1' }), true],
  ['a Pod of digests', pod({ app: `nginx@${B}`, 'volumes/data': `data@${B}` }), true],
  ['a Pod of a ReplicaSet, of digests', pod({ app: `nginx@${B}` }, owner('apps/v1', 'ReplicaSet')), true],
  ['a Pod of a ReplicaSet with a tag', pod({ app: 'nginx:1' }, owner('apps/v1', 'ReplicaSet')), false],
  ['a Pod with a tag that has no answer', pod({ app: 'other:1', b: 'nginx:1' }), false],
  ['a Pod whose image volume floats', pod({ app: `nginx@${B}`, 'volumes/data': 'data:1' }), false],
  ['a mirror Pod', pod({ app: `nginx@${B}` }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), false],
  ['a Pod without images', pod({}), false],
  ['a Deployment', deployment({ app: 'nginx:1' }), false],
];

for (const [name, object, isLabelled] of labelled) {
  test(`${name} gets ${isLabelled ? 'the label' : 'no label'} tagpin.dev/pinned`, () => {
    const metadata = admit({ object, registry: NGINX }).object['metadata'] as { labels?: Record<string, string> };
    assert.equal(metadata.labels?.['tagpin.dev/pinned'], isLabelled ? 'true' : undefined);
  });
}

test('the label is never changed, and an UPDATE does not add it', () => {
  const object = pod({ app: `nginx@${B}` }, { labels: { 'tagpin.dev/pinned': 'false' } });
  assert.deepEqual(admit({ object }).operations, []);
  assert.deepEqual(admit({ object: pod({ app: `nginx@${B}` }), oldObject: pod({ app: `nginx@${B}` }) }).operations, []);
});

const debugging = (images: Images, metadata?: Manifest) => pod({ app: `nginx@${A}`, ...images }, metadata);

test('ephemeral containers: only the new ones are looked at, and only their images are patched', () => {
  const oldObject = debugging({ 'ephemeralContainers/one': 'busybox:1' });
  const object = debugging(
    { 'ephemeralContainers/one': 'busybox:1', 'ephemeralContainers/two': 'busybox:1' },
    { annotations: { 'tagpin.dev/refresh': '*' } },
  );
  const result = admit({
    object,
    oldObject,
    subResource: 'ephemeralcontainers',
    registry: { 'docker.io/library/busybox:1': C },
  });
  assert.deepEqual(result.operations, [
    { op: 'replace', path: '/spec/ephemeralContainers/1/image', value: `busybox@${C}` },
  ]);
  assert.deepEqual(result.audit['pins'], `{"busybox:1":"${C}"}`);
});

test('ephemeral containers: onUnresolved deny does not apply, a deny rule does', () => {
  const object = debugging({ 'ephemeralContainers/two': 'busybox:1' });
  const input = { object, oldObject: debugging({}), subResource: 'ephemeralcontainers' };
  assert.equal(admit({ ...input, policy: 'defaults: {onUnresolved: deny}' }).allowed, true);
  assert.equal(admit({ ...input, policy: 'defaults: {action: deny}' }).allowed, false);
});

test('an UPDATE of a Pod does not look at its ephemeral containers', () => {
  const object = debugging({ 'ephemeralContainers/one': 'busybox:1' });
  const result = admit({
    object,
    oldObject: object,
    policy: 'rules: [{name: r, match: {images: ["**/busybox"]}, action: deny}]',
  });
  assert.equal(result.allowed, true);
  assert.deepEqual(result.warnings, []);
});

test('a CronJob is told where skip has to stand for its Jobs', () => {
  const skip = { annotations: { 'tagpin.dev/skip': '*' } };
  const elsewhere = admit({ object: cronJob({ app: 'nginx:1' }, skip), registry: NGINX });
  assert.equal(elsewhere.images['app'], 'nginx:1');
  assert.match(elsewhere.warnings[0] ?? '', /spec\.jobTemplate\.metadata/);
  for (const object of [cronJob({ app: 'nginx:1' }, skip, skip), cronJob({ app: 'nginx:1' }, {}, skip)]) {
    const result = admit({ object, registry: NGINX });
    assert.equal(result.images['app'], 'nginx:1');
    assert.deepEqual(result.warnings, []);
  }
});

test('a rule for CronJobs also matches the Jobs that a CronJob made', () => {
  const policy = 'rules: [{name: r, match: {kinds: [CronJob]}, action: deny}]';
  assert.equal(admit({ object: job({ app: 'nginx:1' }, owner('batch/v1', 'CronJob')), policy }).allowed, false);
  assert.equal(admit({ object: job({ app: 'nginx:1' }), policy, registry: NGINX }).allowed, true);
});

test('a restart with kept pins warns that it fetches nothing new', () => {
  const pins = { annotations: { 'tagpin.dev/pins': record({ 'containers/app': [['nginx:1', A]] }) } };
  const oldObject = deployment({ app: `nginx@${A}` }, pins);
  const object = structuredClone(oldObject) as { spec: { template: { metadata: Manifest } } };
  object.spec.template.metadata = { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-11-21T00:00:00Z' } };
  assert.match(admit({ object, oldObject }).warnings[0] ?? '', /a restart keeps the pinned digests/);
  assert.deepEqual(admit({ object, oldObject: object }).warnings, []);
});

test('a template that is null, containers that are no list, and images that are no text are passed over', () => {
  for (const spec of [
    { template: null },
    { template: { spec: { containers: 'x' } } },
    { template: { spec: { containers: [{ image: 7 }, null] } } },
  ]) {
    const result = admit({ object: workload('v1', 'ReplicationController', spec) });
    assert.equal(result.allowed, true);
    assert.deepEqual(result.operations, []);
  }
});

test('names such as __proto__ are names like any other', () => {
  const object = JSON.parse(JSON.stringify(deployment({ app: 'nginx:1' })).replace('"app"', '"__proto__"')) as Manifest;
  const result = admit({ object, registry: NGINX });
  assert.equal(result.pins, `{"containers/__proto__":{"digest":"${A}","ref":"nginx:1"},"v":1}`);
});

// Properties: objects, records and registries made at random from a few names, so that they meet often.
const refs = fc.constantFrom('nginx:1', 'nginx:2', 'busybox:1', 'ghcr.io/acme/app:v1');
const digests = fc.constantFrom(A, B, C);
const images = fc.oneof(
  refs,
  fc.tuple(refs, digests).map(([ref, value]) => `${ref.slice(0, ref.lastIndexOf(':'))}@${value}`),
  fc.tuple(refs, digests).map(([ref, value]) => `${ref}@${value}`),
);
const names = fc.constantFrom('app', 'side', 'initContainers/setup', 'volumes/data');
const tables = fc.dictionary(
  names.map((name) => (name.includes('/') ? name : `containers/${name}`)),
  fc.array(fc.tuple(refs, digests), { minLength: 1, maxLength: 4 }),
  { maxKeys: 3, noNullPrototype: true },
);
const annotations = fc.record(
  {
    'tagpin.dev/pins': fc.oneof(
      fc.tuple(tables, fc.subarray(['*', 'app;1'])).map(([table, refreshed]) => record(table, refreshed)),
      fc.constantFrom('', '{', '[]', '{"v":2}', '{"v":1,"containers/app":{"ref":"","digest":""}}'),
    ),
    'tagpin.dev/refresh': fc.constantFrom('*', 'floating', 'app', 'app;1', `app=${B}`, 'nobody'),
    'tagpin.dev/skip': fc.constantFrom('app', '*', 'volumes/data'),
    other: fc.string(),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const metadata = fc.oneof(
  annotations.map((each) => ({ annotations: each })),
  fc.constant({}),
);
const someImages = fc.dictionary(names, images, { maxKeys: 4, noNullPrototype: true });
const objects = fc.oneof(
  fc.tuple(someImages, metadata).map(([each, meta]) => deployment(each, meta)),
  fc.tuple(someImages, metadata).map(([each, meta]) => pod(each, meta)),
  fc.tuple(someImages, metadata).map(([each, meta]) => job(each, meta)),
);
const answer = fc.oneof(digests, fc.constantFrom('NotFound' as const, 'Unreachable' as const));
const registries = fc.record({
  'docker.io/library/nginx:1': answer,
  'docker.io/library/nginx:2': answer,
  'docker.io/library/busybox:1': answer,
  'ghcr.io/acme/app:v1': answer,
  [`docker.io/library/nginx@${A}`]: fc.constant(A),
});
const policies = fc.constantFrom(
  'defaults: {format: digest}',
  'defaults: {format: tag+digest, history: 1}',
  'rules: [{name: r, match: {images: ["**/busybox"]}, action: ignore}]',
);

const inputs = fc
  .tuple(objects, fc.option(objects, { nil: undefined }), registries, policies)
  .map(([object, old, registry, policy]): Case => {
    const same = old?.['kind'] === object['kind'] ? { oldObject: old } : {};
    return { object, ...same, registry, policy };
  });

const runs = { seed: 20_261_121, numRuns: 600 };

test('for all inputs: the patch applies, is minimal, and the same request gives the same bytes', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const first = admit(input);
      assert.deepEqual(admit(input), first);
      const paths = first.operations.map((operation) => operation.path);
      assert.equal(new Set(paths).size, paths.length);
      for (const operation of first.operations) assert.notEqual(operation.op, 'test');
    }),
    runs,
  );
});

test("for all inputs: round 0's object sent again with the same oldObject gives no patch", () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const first = admit(input);
      assert.deepEqual(admit({ ...input, object: first.object }).operations, []);
    }),
    runs,
  );
});

test('for all objects: the same manifest applied again, with every registry down, gives the stored images', () => {
  fc.assert(
    fc.property(inputs, ({ object, registry, policy }) => {
      const create = {
        object: withoutWishes(object),
        ...(registry && { registry }),
        ...(policy !== undefined && { policy }),
      };
      const stored = admit(create);
      const again = admit({ ...create, oldObject: stored.object, registry: {} });
      assert.deepEqual(again.images, stored.images);
    }),
    runs,
  );
});

/** The object without the annotations that ask for something else than before. */
function withoutWishes(object: unknown): Manifest {
  const text = JSON.stringify(object).replaceAll('tagpin.dev/skip', 'skip').replaceAll('tagpin.dev/refresh', 'refresh');
  return JSON.parse(text) as Manifest;
}

test('for all inputs: an image becomes no digest that neither the registry, nor the old images, nor the user named', () => {
  fc.assert(
    fc.property(inputs, (input) => {
      const named = new Set<unknown>([
        ...Object.values(input.registry ?? {}),
        ...[input.object, input.oldObject]
          .flatMap(
            (object) =>
              JSON.stringify(object ?? {}).match(/"(?:image|reference)":"[^"]*@(sha256:[0-9a-f]{64})"/g) ?? [],
          )
          .map((match) => match.slice(-72, -1)),
      ]);
      for (const image of Object.values(admit(input).images)) {
        const at = image.indexOf('@');
        if (at !== -1) assert.ok(named.has(image.slice(at + 1)) || isFromMemory(input), image);
      }
    }),
    runs,
  );
});

/** A remembered digest whose check gets no answer is used: that is the one digest that only a stored record names. */
function isFromMemory(input: Case): boolean {
  return admit(input).record.images.some((image) => image.source === 'memory');
}

test('for all inputs: no registry is asked unless a reference changed, a refresh asks, or a record needs proof', () => {
  fc.assert(
    fc.property(objects, registries, (object, registry) => {
      const { annotations: _, ...rest } = object['metadata'] as Manifest;
      const quiet = { ...object, metadata: rest };
      assert.deepEqual(admit({ object: quiet, oldObject: object, registry }).asked, []);
    }),
    runs,
  );
});
