import assert from 'node:assert/strict';
import test from 'node:test';
import { NotReady } from '../../src/webhook/exchange.ts';
import { startTestServer } from '../support/admission-server.ts';
import { reviewText } from '../support/https-client.ts';

for (const [what, seconds, header] of [
  ['what comes in a moment is worth another try', 1, '1'],
  ['what somebody has to mend is not: the API server goes on as its failurePolicy says', null, undefined],
] as const) {
  test(`without a policy the answer is 503; ${what}`, async (context) => {
    const { client, reports, failures } = await startTestServer(context, {
      review: () => Promise.reject(new NotReady('there is no policy', seconds)),
    });
    const { status, headers, text } = await client.send({ path: '/mutate', body: reviewText('u') });
    assert.deepEqual([status, headers['retry-after'], text], [503, header, 'there is no policy\n']);
    assert.deepEqual([reports[0]?.outcome, failures], ['unready', []]);
  });
}
