import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import test from 'node:test';
import { watchSignals } from '../../../src/platform/process/shutdown.ts';

function watched() {
  const source = new EventEmitter();
  let time = 0;
  const shutdown = watchSignals(source, () => time);
  return {
    source,
    shutdown,
    send: (signal: string, after = 0): void => {
      time += after;
      source.emit(signal, signal);
    },
    state: () => [shutdown.requested.aborted, shutdown.forced.aborted],
  };
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} asks for an end, and is the reason`, () => {
    const { shutdown, send, state } = watched();
    send(signal);
    assert.deepEqual(state(), [true, false]);
    assert.equal(shutdown.requested.reason, signal);
  });
}

test('a second signal forces the end, and a third is left to the process', () => {
  const { source, send, state } = watched();
  send('SIGTERM');
  send('SIGINT', 600);
  assert.deepEqual(state(), [true, true]);
  assert.equal(source.listenerCount('SIGTERM') + source.listenerCount('SIGINT'), 0);
});

test('the same signal that comes twice at once, as from npm and the terminal, is one', () => {
  const { send, state } = watched();
  send('SIGINT');
  send('SIGINT', 100);
  assert.deepEqual(state(), [true, false]);
  send('SIGINT', 1000);
  assert.deepEqual(state(), [true, true]);
});

test('nothing is listened for after the stop', () => {
  const { source, shutdown } = watched();
  shutdown.stop();
  assert.deepEqual(source.eventNames(), []);
});
