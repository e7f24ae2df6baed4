import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { admit, type Case, deployment, digest, job, type Manifest, pod, record } from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];

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
