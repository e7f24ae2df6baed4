import assert from 'node:assert/strict';
import test from 'node:test';
import { codeOfStatus, isKubernetesError, isPassing, KubernetesError } from '../../../src/kubernetes/request/error.ts';

const CODES = [
  [400, 'BadRequest', 'Invalid'],
  [401, 'Unauthorized', 'Unauthorized'],
  [403, 'Forbidden', 'Forbidden'],
  [404, 'NotFound', 'NotFound'],
  [405, 'MethodNotAllowed', 'Invalid'],
  [409, 'Conflict', 'Conflict'],
  [409, 'AlreadyExists', 'AlreadyExists'],
  [410, 'Expired', 'Expired'],
  [410, 'Gone', 'Expired'],
  [410, '', 'Expired'],
  [415, 'UnsupportedMediaType', 'Invalid'],
  [422, 'Invalid', 'Invalid'],
  [429, 'TooManyRequests', 'TooManyRequests'],
  [500, 'InternalError', 'Unavailable'],
  [503, 'ServiceUnavailable', 'Unavailable'],
  [504, 'Timeout', 'Timeout'],
  [302, '', 'BadAnswer'],
] as const;

test('the code of an error follows from status and reason', () => {
  for (const [status, reason, code] of CODES) assert.equal(codeOfStatus(status, reason), code, `${status} ${reason}`);
});

test('what may pass is what the server, its load or the network have caused', () => {
  const passing = ['Expired', 'TooManyRequests', 'Unavailable', 'Timeout', 'Unreachable'] as const;
  const lasting = [
    'NotFound',
    'AlreadyExists',
    'Conflict',
    'Forbidden',
    'Unauthorized',
    'Invalid',
    'BadAnswer',
  ] as const;
  for (const code of passing) assert.equal(isPassing(new KubernetesError(code, '')), true, code);
  for (const code of lasting) assert.equal(isPassing(new KubernetesError(code, '')), false, code);
  assert.equal(isPassing(new Error('no')), false);
});

test('an error is asked for its code', () => {
  const error: unknown = new KubernetesError('Conflict', 'PUT /x: changed', { status: 409 });
  assert.ok(isKubernetesError(error, 'NotFound', 'Conflict'));
  assert.equal(error.status, 409);
  assert.equal(error.retryAfterMilliseconds, null);
  assert.ok(!isKubernetesError(error, 'NotFound'));
  assert.ok(!isKubernetesError(new Error('Conflict'), 'Conflict'));
});
