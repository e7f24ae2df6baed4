import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { application, type Manifest, own, patched, patchFor, read } from '../../support/application.ts';

// Properties: sources made at random from a few names, so that they meet often.
const ANNOTATIONS = own({
  'image-list': 'web=ghcr.io/acme/web:1.x, db=postgres:17',
  'web.helm.image-tag': 'web.tag',
  'db.helm.image-name': 'db.image',
  'db.helm.image-tag': 'db.tag',
});
const parameter = fc.record(
  {
    name: fc.constantFrom('web.tag', 'db.tag', 'db.image', 'image.name', 'replicas'),
    value: fc.constantFrom('1.0', '2.0', 'postgres', 'docker.io/library/postgres', ''),
    forceString: fc.boolean(),
  },
  { requiredKeys: ['name'], noNullPrototype: true },
);
const helm = fc.oneof(
  fc.record(
    { parameters: fc.array(parameter, { maxLength: 5 }), valueFiles: fc.constant(['v.yaml']) },
    { requiredKeys: [], noNullPrototype: true },
  ),
  fc.constant(null),
);
const entry = fc.constantFrom(
  'postgres:17',
  'docker.io/library/postgres:16',
  'app=ghcr.io/acme/web:1.0',
  'quay.io/acme/web:1.0',
  'ghcr.io/acme/web',
  'redis:8',
);
const kustomize = fc.record({ images: fc.uniqueArray(entry) }, { requiredKeys: [], noNullPrototype: true });
const sources = fc.oneof(
  fc.record({ helm }, { requiredKeys: [], noNullPrototype: true }).map((source) => ({ source, type: 'Helm' })),
  fc
    .record({ kustomize }, { requiredKeys: [], noNullPrototype: true })
    .map((source) => ({ source, type: 'Kustomize' })),
);
const chosen = fc.record({ web: fc.constantFrom('1.0', '2.0'), db: fc.constantFrom('17', '18') });
const runs = { seed: 20_261_121, numRuns: 500 };

function made(source: Manifest, type: string): Manifest {
  const annotations = type === 'Helm' ? ANNOTATIONS : own({ 'image-list': 'web=ghcr.io/acme/web:1.x, db=postgres:17' });
  return application({ annotations, source, type });
}

function patchOf(object: Manifest, tags: { readonly web: string; readonly db: string }) {
  return patchFor(read(object), { web: { tag: tags.web }, db: { tag: tags.db } });
}

test('for all sources: the patch applies, and then nothing is left to do', () => {
  fc.assert(
    fc.property(sources, chosen, ({ source, type }, tags) => {
      const object = made(source, type);
      assert.deepEqual(patchOf(patched(object, patchOf(object, tags)), tags), []);
    }),
    runs,
  );
});

test('for all sources: nothing but the lists changes; in them other entries, their order and forceString stay', () => {
  fc.assert(
    fc.property(sources, chosen, ({ source, type }, tags) => {
      const object = made(source, type);
      const after = patched(object, patchOf(object, tags));
      const before = rest(object);
      assert.deepEqual(rest(after), before);
      const [was, is] = [entries(object), entries(after)];
      assert.ok(is.length >= was.length);
      for (const [index, one] of was.entries()) {
        const name = typeof one === 'string' ? one : one['name'];
        if (typeof one === 'string') assert.ok(one === is[index] || /postgres|ghcr\.io\/acme\/web/.test(one));
        else {
          assert.deepEqual({ ...(is[index] as Manifest), value: null }, { ...one, value: null });
          if (name === 'replicas') assert.deepEqual(is[index], one);
        }
      }
    }),
    runs,
  );
});

/** What somebody else may do between the read and the write. */
const disturbances: Readonly<Record<string, (object: Disturbed) => void>> = {
  'the object is another one': ({ metadata }) => {
    metadata['uid'] = 'other';
  },
  'the source is another one': ({ spec }) => {
    spec.source['repoURL'] = 'https://git.example/other.git';
  },
  'the block is gone': ({ spec }) => {
    delete spec.source['helm'];
    delete spec.source['kustomize'];
    spec.source['directory'] = {};
  },
  'an entry was put first': ({ spec }) => {
    for (const block of ['helm', 'kustomize']) {
      const list = (spec.source[block] as Record<string, unknown[]> | null)?.[
        block === 'helm' ? 'parameters' : 'images'
      ];
      if (list === undefined) spec.source[block] = { new: true };
      else list.unshift(block === 'helm' ? { name: 'first', value: 'x' } : 'first:1');
    }
  },
};

interface Disturbed {
  readonly metadata: Record<string, unknown>;
  readonly spec: { readonly source: Record<string, unknown> };
}

for (const [name, disturb] of Object.entries(disturbances)) {
  test(`for all sources: the patch fails, and changes nothing that anyone could lose, where ${name}`, () => {
    fc.assert(
      fc.property(sources, chosen, ({ source, type }, tags) => {
        const object = made(source, type);
        const operations = patchOf(object, tags);
        if (operations.length === 0) return;
        const other = structuredClone(object);
        disturb(other as unknown as Disturbed);
        const problems = applyPatch(other, structuredClone([...operations]));
        assert.ok(problems.some((problem) => problem !== null));
      }),
      runs,
    );
  });
}

test("for all sources: a status that was written meanwhile is nobody's loss", () => {
  fc.assert(
    fc.property(sources, chosen, ({ source, type }, tags) => {
      const object = made(source, type);
      const busy = structuredClone(object) as Record<string, Record<string, unknown>>;
      Object.assign(busy['metadata'] ?? {}, { resourceVersion: '8' });
      Object.assign(busy['status'] ?? {}, { reconciledAt: '2026-11-21T10:00:00Z' });
      patched(busy, patchOf(object, tags));
    }),
    runs,
  );
});

/** The object without the lists that may change. */
function rest(object: Manifest): unknown {
  const copy = structuredClone(object) as unknown as Disturbed;
  const { source } = copy.spec;
  for (const [block, list] of [
    ['helm', 'parameters'],
    ['kustomize', 'images'],
  ] as const) {
    const there = source[block] as Record<string, unknown> | null | undefined;
    if (there !== null && there !== undefined) delete there[list];
    if (there === null || there === undefined || Object.keys(there).length === 0) delete source[block];
  }
  return copy;
}

function entries(object: Manifest): readonly (string | Manifest)[] {
  const { source } = (object as unknown as Disturbed).spec;
  const { parameters } = (source['helm'] ?? {}) as { parameters?: readonly Manifest[] };
  const { images } = (source['kustomize'] ?? {}) as { images?: readonly string[] };
  return parameters ?? images ?? [];
}
