import assert from 'node:assert/strict';
import test from 'node:test';
import { parseReference } from '../../../src/core/image/reference.ts';
import { NO_PINS, readPins } from '../../../src/core/workload/pins.ts';
import {
  pinElsewhere,
  readStored,
  remembered,
  rememberedPin,
  standsInStored,
} from '../../../src/core/workload/stored.ts';
import { deployment, digest, record } from '../../support/admission.ts';

const [A, B, C] = [digest('a'), digest('b'), digest('c')];
const pins = record(
  {
    'containers/b': [
      ['nginx:1', B],
      ['nginx:0', C],
    ],
    'containers/a': [['nginx:1', A]],
    'containers/x': [['nginx:1', C]],
  },
  ['*'],
);
const stored = readStored('Deployment', deployment({ b: `nginx@${B}`, a: `nginx@${A}`, x: 'nginx:1' }), readPins(pins));

function reference(text: string) {
  const parsed = parseReference(text);
  assert.ok(parsed.ok);
  return parsed.reference;
}

test('what was never stored has nothing', () => {
  const nothing = readStored('Deployment', null, NO_PINS);
  assert.equal(nothing.slots.size + nothing.entries.size + nothing.refreshed.length, 0);
});

test('images, entries that count and honoured refreshes are read', () => {
  assert.deepEqual([...stored.slots.keys()], ['containers/b', 'containers/a', 'containers/x']);
  assert.deepEqual([...stored.entries.keys()], ['containers/b', 'containers/a']);
  assert.deepEqual(stored.refreshed, ['*']);
});

test('another pin of a reference is the first in key order', () => {
  assert.equal(pinElsewhere(stored, reference('nginx:1'))?.digest, A);
  assert.equal(pinElsewhere(stored, reference('nginx:2')), null);
});

test("memory is a slot's own", () => {
  assert.equal(remembered(stored, 'containers/b', reference('nginx:0')), C);
  assert.equal(remembered(stored, 'containers/a', reference('nginx:0')), null);
  assert.equal(remembered(stored, 'containers/none', reference('nginx:0')), null);
});

test("a digest of a slot's own memory is known by its tag; another tag beside it is not that pair", () => {
  const pinOf = (key: string, text: string) => rememberedPin(stored, key, reference(text))?.reference.text ?? null;
  assert.equal(pinOf('containers/b', `nginx@${C}`), 'nginx:0');
  assert.equal(pinOf('containers/b', `nginx:0@${C}`), 'nginx:0');
  assert.equal(pinOf('containers/b', `nginx:1@${C}`), null);
  assert.equal(pinOf('containers/b', `busybox@${C}`), null);
  assert.equal(pinOf('containers/a', `nginx@${C}`), null);
});

test('a pair stands in the record as a pin or as a memory, of any slot that counts', () => {
  assert.ok(standsInStored(stored, { reference: reference('nginx:1'), digest: B }));
  assert.ok(standsInStored(stored, { reference: reference('nginx:0'), digest: C }));
  assert.ok(!standsInStored(stored, { reference: reference('nginx:1'), digest: C }));
});
