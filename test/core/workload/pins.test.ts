import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseReference } from '../../../src/core/image/reference.ts';
import {
  countedEntries,
  fitPins,
  nextEntry,
  type Pin,
  type PinEntry,
  readPins,
  sameReference,
  writePins,
} from '../../../src/core/workload/pins.ts';
import { imageSlots, readSlot } from '../../../src/core/workload/slots.ts';
import { digest, pod, record } from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];

function pin(ref: string, value = A): Pin {
  const parsed = parseReference(ref);
  assert.ok(parsed.ok);
  return { reference: parsed.reference, digest: value };
}
const entry = (ref: string, value = A, before: readonly Pin[] = []): PinEntry => ({ ...pin(ref, value), before });

test('a record is written as compact JSON with sorted keys', () => {
  const entries = new Map([
    ['volumes/data', entry('d:1')],
    ['containers/app', entry('nginx:1', A, [pin('nginx:0', B)])],
  ]);
  const d = (value: string) => `"digest":"${value}"`;
  assert.equal(
    writePins({ entries, refreshed: ['*'] }),
    `{"containers/app":{"before":[{${d(B)},"ref":"nginx:0"}],${d(A)},"ref":"nginx:1"},"refreshed":["*"],"v":1,"volumes/data":{${d(A)},"ref":"d:1"}}`,
  );
});

test('a record with nothing to say is none', () => {
  assert.equal(writePins({ entries: new Map(), refreshed: [] }), null);
  assert.equal(writePins({ entries: new Map(), refreshed: ['*'] }), '{"refreshed":["*"],"v":1}');
});

test('what is written is read back', () => {
  const text = record(
    {
      'containers/a': [
        ['nginx', A],
        ['nginx', B],
      ],
      'volumes/b': [['ghcr.io/x/y:1', C]],
    },
    ['a', 'b'],
  );
  assert.equal(writePins(readPins(text)), text);
});

for (const text of [null, 7, '', '{', 'null', '[]', '{}', '{"v":2}', '{"v":"1"}', '{"containers/a":{}}']) {
  test(`${JSON.stringify(text)} counts as no record`, () => {
    assert.equal(writePins(readPins(text)), null);
  });
}

const badEntries = [
  'null',
  '"x"',
  '{"ref":"nginx:1"}',
  `{"digest":"${A}"}`,
  '{"digest":"sha256:../../x","ref":"nginx:1"}',
  `{"digest":"${A}","ref":"NGINX"}`,
  `{"digest":"${A}","ref":"nginx@${A}"}`,
];

for (const bad of badEntries) {
  test(`an entry ${bad.slice(0, 40)} counts as absent, and the others stay`, () => {
    const text = `{"containers/a":${bad},"containers/b":{"digest":"${A}","ref":"nginx:1"},"v":1}`;
    assert.deepEqual([...readPins(text).entries.keys()], ['containers/b']);
  });
}

test('no text makes reading throw, and what is read can be written', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      writePins(readPins(text));
      writePins(readPins(`{"v":1,"a/b":${text}}`));
    }),
    { seed: 5, numRuns: 1000 },
  );
});

test('the next entry remembers what was before, each pair once, the current one never, at most so many', () => {
  const first = nextEntry(null, pin('nginx:1', A), 2);
  assert.deepEqual(first.before, []);
  const second = nextEntry(first, pin('nginx:1', B), 2);
  const back = nextEntry(second, pin('docker.io/library/nginx:1', A), 2);
  assert.deepEqual(
    back.before.map((each) => each.digest),
    [B],
  );
  const third = nextEntry(nextEntry(second, pin('nginx:2', C), 2), pin('nginx:3', A), 2);
  assert.deepEqual(
    third.before.map((each) => each.reference.text),
    ['nginx:2', 'nginx:1'],
  );
  assert.deepEqual(nextEntry(second, pin('nginx:9', C), 0).before, []);
});

test('an entry that stays the same is returned as it is, whatever the history is today', () => {
  const long = entry('nginx:1', A, [pin('nginx:0', B), pin('nginx:0', C)]);
  assert.equal(nextEntry(long, pin('nginx:1', A), 1), long);
});

test('an entry counts where its digest is the image and its reference has the repository', () => {
  const pins = readPins(
    record({ 'containers/a': [['nginx:1', A]], 'containers/b': [['nginx:1', A]], 'containers/c': [['other:1', A]] }),
  );
  const slots = imageSlots('Pod', pod({ a: `nginx@${A}`, b: `nginx@${B}`, c: `nginx@${A}` })).map(readSlot);
  assert.deepEqual([...countedEntries(pins, slots).keys()], ['containers/a']);
});

test('references are the same in canonical form', () => {
  const same = (a: string, b: string) => sameReference(pin(a).reference, pin(b).reference);
  assert.ok(same('nginx', 'docker.io/library/nginx:latest'));
  assert.ok(!same('nginx', 'nginx:1'));
  assert.ok(!same('nginx', 'ghcr.io/library/nginx'));
});

const long = (count: number, before: number) => {
  const history = Array.from({ length: before }, (_, index) => pin(`nginx:${index}`, B));
  return new Map(
    Array.from({ length: count }, (_, index) => [`containers/c${index}`, entry('nginx:now', A, history)] as const),
  );
};

// [containers, earlier pairs, bytes of other annotations, what goes]
const sizes = [
  [1, 10, 0, 'nothing'],
  [100, 10, 0, 'history'],
  [400, 0, 0, 'record'],
  [1, 10, 256 * 1024 - 500, 'history'],
  [1, 10, 256 * 1024 - 50, 'record'],
] as const;

for (const [count, before, others, expected] of sizes) {
  test(`${count} containers with ${before} earlier pairs beside ${others} bytes: ${expected} is dropped`, () => {
    const { text, shortened } = fitPins(
      { entries: long(count, before), refreshed: [] },
      others === 0 ? [] : [['x', 'y'.repeat(others - 1)]],
    );
    assert.equal(shortened, expected);
    assert.equal(text === null, expected === 'record');
    assert.ok((text ?? '').length <= 32 * 1024);
  });
}

test('refresh values outlive the entries, so that one that is kept in git is not honoured at every apply', () => {
  const { text, shortened } = fitPins({ entries: long(400, 0), refreshed: ['*'] }, []);
  assert.deepEqual([text, shortened], ['{"refreshed":["*"],"v":1}', 'record']);
});

test('refresh values are read once each', () => {
  assert.deepEqual(readPins(record({}, ['x', 'x', 'y'])).refreshed, ['x', 'y']);
});

test('a record of a hundred thousand entries is given up at once', () => {
  const { text, shortened } = fitPins({ entries: long(100_000, 0), refreshed: [] }, []);
  assert.deepEqual([text, shortened], [null, 'record']);
});
