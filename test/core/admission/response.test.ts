import assert from 'node:assert/strict';
import test from 'node:test';
import { refusal } from '../../../src/core/admission/response.ts';
import { admit, type Case, deployment, digest, type Manifest, record } from '../../support/admission.ts';

const [A, B] = [digest('a'), digest('b')];
const registry = { 'docker.io/library/nginx:1': A, 'docker.io/library/side:1': B };

test('the audit annotations are the decision, the pins in sorted order and the rules that decided', () => {
  const policy =
    'rules: [{name: two, match: {tags: ["1"], images: ["**/side"]}, action: pin}, {name: one, match: {}, action: pin}]';
  const { audit } = admit({ object: deployment({ b: 'side:1', app: 'nginx:1' }), registry, policy });
  assert.deepEqual(audit, {
    decision: 'patched',
    pins: `{"nginx:1":"${A}","side:1":"${B}"}`,
    'policy-rule': 'one,two',
  });
});

test('an answer that changes nothing carries neither patch nor patchType', () => {
  const result = admit({ object: deployment({ app: `nginx@${A}` }) });
  assert.deepEqual(result.operations, []);
  assert.deepEqual(result.audit, { decision: 'allowed' });
});

test('a denial carries no patch, no warnings and the rule that denies alone', () => {
  const policy =
    'rules: [{name: bad, match: {images: ["**/side"]}, action: deny}, {name: good, match: {}, action: pin}]';
  const result = admit({ object: deployment({ app: 'nginx:1', b: 'side:1' }), registry, policy });
  assert.equal(result.allowed, false);
  assert.equal(result.code, 403);
  assert.deepEqual(result.operations, []);
  assert.deepEqual(result.warnings, []);
  assert.deepEqual(result.audit, { decision: 'denied', 'policy-rule': 'bad' });
  assert.match(result.message, /image "side:1" of container b/);
});

test('of many denials three are told in full', () => {
  const images = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, `${name}:1`]));
  const { message } = admit({ object: deployment(images), policy: 'defaults: {action: deny}' });
  assert.match(message, /container a .*container b .*container c .*\(and 2 more\)$/);
});

test('a policy denial outranks a registry that gives no answer', () => {
  const policy = 'defaults: {onUnresolved: deny}\nrules: [{name: r, match: {images: ["**/side"]}, action: deny}]';
  assert.equal(
    admit({ object: deployment({ app: 'x:1', b: 'side:1' }), registry: { 'docker.io/library/x:1': 'Timeout' }, policy })
      .code,
    403,
  );
});

test('the audit line says who asked, what for, and what became of each image', () => {
  const { record: line } = admit({ object: deployment({ app: 'nginx:1', other: 'none:1' }), registry });
  assert.deepEqual(line, {
    uid: 'u-1',
    user: 'alice',
    operation: 'CREATE',
    namespace: 'shop',
    kind: 'Deployment',
    name: 'web',
    decision: 'patched',
    images: [
      { container: 'containers/app', ref: 'nginx:1', digest: A, outcome: 'pinned', source: 'registry', rule: null },
      {
        container: 'containers/other',
        ref: 'none:1',
        digest: null,
        outcome: 'unresolved',
        source: 'registry:NotFound',
        rule: null,
      },
    ],
  });
});

test('texts of the object are bounded in the audit line', () => {
  const { record: line } = admit({ object: deployment({ app: `x${'y'.repeat(2000)}:1` }) });
  assert.equal(line.images[0]?.ref.length, 512);
});

test('letters beyond ASCII survive the patch', () => {
  const pins = record({ 'containers/app': [['nginx:1', A]] }, ['app;ünï😀']);
  const oldObject = deployment({ app: `nginx@${A}` }, { annotations: { 'tagpin.dev/pins': pins } });
  assert.equal(admit({ object: deployment({ app: `nginx@${A}` }), oldObject }).pins, pins);
});

test('a refusal is a review', () => {
  assert.deepEqual(refusal('u', 400, 'BadRequest', 'no'), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u', allowed: false, status: { code: 400, reason: 'BadRequest', message: 'no' } },
  });
});

const signed = (input: Case) =>
  admit({
    registry: { 'docker.io/library/nginx:1': digest('a'), 'docker.io/library/redis:1': digest('b') },
    verify: [{ name: 'ours' }],
    signatures: { a: { kind: 'verified', signer: 'a key' }, b: { kind: 'verified', signer: 'a key' } },
    ...input,
  });

test('a second round says what the first one said, and of what was injected between them under a key of its own', () => {
  const first = signed({ object: deployment({ app: 'nginx:1' }) });
  const again = signed({ object: first.object });
  assert.deepEqual([again.operations, again.audit['verified']], [[], first.audit['verified']]);
  const spec = (first.object as { spec: { template: { spec: { containers: Manifest[] } } } }).spec.template.spec;
  spec.containers.push({ name: 'proxy', image: 'redis:1' });
  const injected = signed({ object: first.object });
  assert.equal(injected.audit['verified'], undefined);
  assert.equal(injected.audit['verified-added'], '{"redis:1":"ours=verified"}');
});
