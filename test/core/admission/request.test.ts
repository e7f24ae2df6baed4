import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseReview } from '../../../src/core/admission/request.ts';

const review = (request: unknown, more = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request,
  ...more,
});

// [body, uid as far as it was read, part of the problem]
const bad: readonly (readonly [unknown, string, RegExp])[] = [
  [null, '', /no JSON object/],
  ['text', '', /no JSON object/],
  [[], '', /no JSON object/],
  [{}, '', /no AdmissionReview/],
  [review({ uid: 'u' }, { apiVersion: 'admission.k8s.io/v1beta1' }), 'u', /no AdmissionReview/],
  [review({ uid: 'u' }, { kind: 'Review' }), 'u', /no AdmissionReview/],
  [review(undefined), '', /no request/],
  [review('x'), '', /no request/],
  [review({}), '', /no uid/],
  [review({ uid: 7 }), '', /no uid/],
  [review({ uid: '' }), '', /no uid/],
];

for (const [body, uid, problem] of bad) {
  test(`${JSON.stringify(body)} is no review that can be answered`, () => {
    const parsed = parseReview(body);
    assert.ok(!parsed.ok);
    assert.equal(parsed.uid, uid);
    assert.match(parsed.problem, problem);
  });
}

test('a review with a uid is read, whatever else is missing', () => {
  const parsed = parseReview(review({ uid: 'u' }));
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.request, {
    uid: 'u',
    kind: null,
    kindName: '',
    namespace: '',
    name: '',
    operation: '',
    subResource: '',
    user: '',
    dryRun: false,
    object: null,
    oldObject: null,
  });
});

test("the name is the request's, then the object's, then its generateName", () => {
  const name = (request: object) => {
    const parsed = parseReview(review({ uid: 'u', ...request }));
    return parsed.ok ? parsed.request.name : null;
  };
  assert.equal(name({ name: 'a', object: { metadata: { name: 'b' } } }), 'a');
  assert.equal(name({ name: '', object: { metadata: { name: 'b', generateName: 'c-' } } }), 'b');
  assert.equal(name({ object: { metadata: { generateName: 'c-' } } }), 'c-');
});

test('no JSON makes it throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (request, object) => {
      parseReview(request);
      parseReview(review(request));
      parseReview(review({ uid: 'u', object, oldObject: object, kind: object, userInfo: object }));
    }),
    { seed: 3, numRuns: 500 },
  );
});
