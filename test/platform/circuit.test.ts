import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CircuitOpen, createCircuit } from '../../src/platform/circuit.ts';

class Outage extends Error {}

const failing = async (): Promise<never> => {
  throw new Outage('down');
};
const isOutage = (error: unknown): boolean => error instanceof Outage;

test('after so many failures in a row nothing is tried, until a moment later one is let through', async () => {
  const circuit = createCircuit(3, isOutage);
  let tries = 0;
  const counted = async (): Promise<number> => {
    tries += 1;
    return tries;
  };
  for (let failure = 0; failure < 3; failure += 1) await assert.rejects(circuit.run(failing), Outage);
  await assert.rejects(circuit.run(counted), CircuitOpen);
  assert.equal(tries, 0);
  await sleep(1600);
  assert.equal(await circuit.run(counted), 1);
  assert.equal(await circuit.run(counted), 2);
});

test('a success in between and errors of another kind do not open it', async () => {
  const circuit = createCircuit(2, isOutage);
  for (let round = 0; round < 4; round += 1) {
    await assert.rejects(circuit.run(failing), Outage);
    await circuit.run(async () => {});
    await assert.rejects(
      circuit.run(async () => {
        throw new TypeError('mine');
      }),
      TypeError,
    );
  }
});
