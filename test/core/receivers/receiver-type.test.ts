import assert from 'node:assert/strict';
import test from 'node:test';
import { RECEIVER_TYPES, receiverType } from '../../../src/core/receivers/receiver-type.ts';

test('each type is found by its name and nothing else is', () => {
  for (const type of RECEIVER_TYPES) assert.equal(receiverType(type), type);
  for (const name of ['', 'Harbor', 'harbor ', '__proto__', 'constructor', 'toString', '0']) {
    assert.equal(receiverType(name), null, name);
  }
});
