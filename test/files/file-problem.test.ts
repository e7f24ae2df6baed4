import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { explainProblem } from '../../src/files/file-problem.ts';

function problemOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test('errors of the file system become sentences without a path', () => {
  assert.equal(explainProblem(problemOf(() => readFileSync('/nonexistent'))), 'there is no such file or folder');
  assert.equal(explainProblem(problemOf(() => readFileSync('/'))), 'it is a folder');
  assert.equal(
    explainProblem(problemOf(() => new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from([255])))),
    'it is not UTF-8 text',
  );
});

test('what has no sentence is told by its code, or as it is', () => {
  assert.equal(explainProblem(Object.assign(new Error('x'), { code: 'EWHAT' })), 'EWHAT');
  assert.equal(explainProblem(new Error('why')), 'why');
  assert.equal(explainProblem('why'), 'why');
});
