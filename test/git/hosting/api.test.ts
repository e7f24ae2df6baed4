import assert from 'node:assert/strict';
import test from 'node:test';
import { NO_TRUST } from '../../../src/git/credentials.ts';
import { createJsonApi, type SendHosting } from '../../../src/git/hosting/api.ts';
import { HostingError } from '../../../src/git/hosting/error.ts';
import { HttpError, type HttpFailure } from '../../../src/platform/network/http.ts';

const SECRET = 'token-0123456789';

function apiOf(send: SendHosting, signal = new AbortController().signal) {
  return createJsonApi({
    send,
    base: 'https://api.example',
    headers: { authorization: `Bearer ${SECRET}` },
    trust: NO_TRUST,
    signal,
    repository: 'https://example.com/acme/deploy',
    host: 'GitHub',
    secrets: [SECRET],
  });
}

async function refusalOf(status: number, body: string, headers: Record<string, string> = {}): Promise<HostingError> {
  const api = apiOf(async () => ({ status, header: (name) => headers[name] ?? null, body: Buffer.from(body) }));
  const error: unknown = await api.call('GET', '/x').then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HostingError, String(error));
  return error;
}

const STATUSES: readonly (readonly [number, string, Record<string, string>, string, 'refused' | 'failed', RegExp])[] = [
  [401, '{"message":"Bad credentials"}', {}, 'Unauthorized', 'refused', /\(Bad credentials\)/],
  [403, '{"message":"Resource not accessible by personal access token"}', {}, 'Forbidden', 'refused', /not accessible/],
  [403, '{"message":"API rate limit exceeded"}', { 'x-ratelimit-remaining': '0' }, 'Limited', 'failed', /later/],
  [403, '{"message":"secondary rate limit"}', { 'retry-after': '60' }, 'Limited', 'failed', /later/],
  [404, '{"message":"404 Project Not Found"}', {}, 'NotFound', 'refused', /check the URL/],
  [429, 'Retry later\n', {}, 'Limited', 'failed', /later/],
  [301, '', { location: 'https://evil.example/' }, 'Redirected', 'refused', /has moved/],
  [307, '', { location: 'https://evil.example/' }, 'Redirected', 'refused', /has moved/],
  [
    422,
    '{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"No commits between main and x"}]}',
    {},
    'Invalid',
    'refused',
    /: Validation Failed: No commits between main and x$/,
  ],
  [
    409,
    '{"message":["Another open merge request already exists: !5"]}',
    {},
    'Invalid',
    'refused',
    /already exists: !5$/,
  ],
  [
    400,
    '{"message":{"base":["is invalid"],"title":["is too long"]}}',
    {},
    'Invalid',
    'refused',
    /is invalid, is too long$/,
  ],
  [400, '<html>', {}, 'Invalid', 'refused', /status 400/],
  [500, '', {}, 'Unreachable', 'failed', /later/],
  [502, `{"message":"${SECRET}"}`, {}, 'Unreachable', 'failed', /later/],
  [200, '<html>Sign in</html>', {}, 'NotUnderstood', 'refused', /not the API of GitHub/],
];

for (const [status, body, headers, reason, kind, sentence] of STATUSES) {
  test(`status ${status} with ${body.slice(0, 40).trim()} is ${reason}`, async () => {
    const error = await refusalOf(status, body, headers);
    assert.deepEqual([error.reason, error.kind], [reason, kind]);
    assert.match(error.message, sentence);
    assert.doesNotMatch(error.message, /evil/);
  });
}

test('what an API says is one line of decent length, without the token', async () => {
  const { message } = await refusalOf(422, JSON.stringify({ message: `a\u001b[31m${SECRET}\nb ${'x'.repeat(5000)}` }));
  assert.ok(message.length < 400);
  assert.doesNotMatch(message, new RegExp(`${SECRET}|\\p{Cc}`, 'u'));
});

for (const [failure, reason, kind] of [
  ['Unreachable', 'Unreachable', 'failed'],
  ['TimedOut', 'TimedOut', 'failed'],
  ['Untrusted', 'Untrusted', 'refused'],
  ['NotTls', 'NotUnderstood', 'refused'],
  ['TooLarge', 'NotUnderstood', 'refused'],
  ['Malformed', 'NotUnderstood', 'refused'],
] as const satisfies readonly (readonly [HttpFailure, string, string])[]) {
  test(`no answer, ${failure}, is ${reason}`, async () => {
    const api = apiOf(() => Promise.reject(new HttpError(failure)));
    await assert.rejects(
      api.call('GET', '/x'),
      (error) => error instanceof HostingError && error.reason === reason && error.kind === kind,
    );
  });
}

test('what ends a request is what it rejects with', async () => {
  const api = apiOf(() => Promise.reject(new Error('the lease is lost')));
  await assert.rejects(api.call('GET', '/x'), /^Error: the lease is lost$/);
});

test('pages are read until one is not full, and not for ever', async () => {
  let asked: string[] = [];
  const api = apiOf(async ({ url }) => {
    asked.push(url.search);
    const body = Buffer.from(JSON.stringify(Number(url.searchParams.get('page')) < 3 ? [1, 2] : [3]));
    return { status: 200, header: () => null, body };
  });
  assert.deepEqual(await api.pages('/x?a=b', { size: 2, most: 10, sizeName: 'limit' }), [1, 2, 1, 2, 3]);
  assert.deepEqual(asked, ['?a=b&limit=2&page=1', '?a=b&limit=2&page=2', '?a=b&limit=2&page=3']);
  asked = [];
  assert.equal((await api.pages('/x?', { size: 2, most: 2, sizeName: 'limit' })).length, 4);
  assert.equal(asked.length, 2);
  const other = apiOf(async () => ({ status: 200, header: () => null, body: Buffer.from('{}') }));
  await assert.rejects(other.pages('/x?', { size: 2, most: 2, sizeName: 'limit' }), /not the API of GitHub/);
});
