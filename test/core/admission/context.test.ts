import assert from 'node:assert/strict';
import test from 'node:test';
import { readContext } from '../../../src/core/admission/context.ts';
import { parseReview } from '../../../src/core/admission/request.ts';
import { workloadKind } from '../../../src/core/workload/kinds.ts';
import { cronJob, deployment, type Manifest, policyOf } from '../../support/admission.ts';

function context(object: Manifest, policy?: string, request: Manifest = {}) {
  const kind = String(object['kind']);
  const parsed = parseReview({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u', operation: 'UPDATE', object, oldObject: object, ...request },
  });
  assert.ok(parsed.ok);
  const facts = { policy: policyOf(policy), namespaceLabels: {} };
  return readContext(parsed.request, workloadKind(String(object['apiVersion']), kind) ?? assert.fail(), facts);
}

const skip = (value: string) => ({ annotations: { 'tagpin.dev/skip': value } });

test('skip is read from the object, for a CronJob from its jobTemplate as well, and only where the policy allows it', () => {
  assert.equal(context(deployment({}, skip('a'))).skip, 'a');
  assert.equal(context(deployment({})).skip, null);
  assert.equal(context(deployment({}, skip('a')), 'defaults: {allowSkip: false}').skip, null);
  assert.equal(context(cronJob({}, skip('a'), skip('b'))).skip, 'a,b');
  assert.equal(context(cronJob({}, {}, skip('b'))).skip, 'b');
});

test("Kubernetes' own controllers are only reported on, and never refused for what is unresolved", () => {
  const user = { userInfo: { username: 'system:serviceaccount:kube-system:job-controller' } };
  assert.deepEqual(
    [context(deployment({}), undefined, user).reportOnly, context(deployment({}), undefined, user).mayRefuseUnresolved],
    [true, false],
  );
  assert.deepEqual([context(deployment({})).reportOnly, context(deployment({})).mayRefuseUnresolved], [false, true]);
  assert.equal(
    context(deployment({}), undefined, { userInfo: { username: 'system:serviceaccount:shop:x-controller' } })
      .reportOnly,
    false,
  );
});

test('what was stored counts on an UPDATE only', () => {
  assert.equal(context(deployment({ app: 'a:1' })).stored.slots.size, 1);
  assert.equal(context(deployment({ app: 'a:1' }), undefined, { operation: 'CREATE' }).stored.slots.size, 0);
});
