import assert from 'node:assert/strict';
import test from 'node:test';
import { explainFailure, explainStatus, HostingError } from '../../../src/git/hosting/error.ts';

const facts = { repository: 'https://example.com/acme/deploy', host: 'GitLab', secrets: ['hunter2'] };

test('a status becomes a sentence that says what next', () => {
  const error = explainStatus({ status: 403, isLimited: false, saying: 'insufficient_scope hunter2' }, facts);
  assert.equal(
    error.message,
    'GitLab forbids the token of https://example.com/acme/deploy to open pull requests: let it write them (insufficient_scope ***)',
  );
  assert.equal(explainStatus({ status: 418, isLimited: false, saying: '' }, facts).reason, 'Invalid');
  assert.equal(explainStatus({ status: 408, isLimited: false, saying: '' }, facts).reason, 'TimedOut');
});

test('an error that is not of HTTP stays what it is', () => {
  const error = new Error('defect');
  assert.equal(explainFailure(error, facts), error);
});

test('an error without facts is still a sentence', () => {
  assert.equal(
    new HostingError('Limited', {}).message,
    'the host limits what is asked of the repository: try again later',
  );
});
