import assert from 'node:assert/strict';
import test from 'node:test';
import { leave, place, problem, refuse, settle, withWarning } from '../../../../src/core/admission/slot/outcome.ts';
import { parseReference } from '../../../../src/core/image/reference.ts';
import { decide } from '../../../../src/core/policy/decide.ts';
import { imageSlots, readSlot } from '../../../../src/core/workload/slots.ts';
import { digest, type Images, pod, policyOf } from '../../../support/admission.ts';

const A = digest('a');
const slotOf = (images: Images) => readSlot(imageSlots('Pod', pod(images))[0] ?? assert.fail());
const slot = slotOf({ app: 'nginx:1' });

test('what is left floats, but for a digest, which is kept', () => {
  assert.equal(leave(slot, 'ignore', null).outcome, 'skipped');
  assert.equal(leave(slot, 'registry:Timeout', null).outcome, 'unresolved');
  const kept = leave(slotOf({ app: `nginx@${A}` }), 'skip', null);
  assert.deepEqual([kept.outcome, kept.digest], ['kept', A]);
});

test('what is settled is pinned, or kept where nothing new was learnt', () => {
  const result = { image: `nginx@${A}`, digest: A, entry: null };
  assert.equal(settle(slot, { ...result, source: 'registry' }, null).outcome, 'pinned');
  assert.equal(settle(slot, { ...result, source: 'own-pin' }, null).outcome, 'kept');
});

test('a denial by the defaults says so, and what to do', () => {
  const parsed = parseReference('nginx:1');
  assert.ok(parsed.ok);
  const subject = { namespace: 'shop', namespaceLabels: {}, kinds: ['Pod'], reference: parsed.reference };
  const { denial } = refuse(slot, decide(policyOf('defaults: {action: deny}'), subject));
  assert.match(
    denial?.message ?? '',
    /^image "nginx:1" of container app is denied by the policy's defaults .*Use another image/,
  );
});

test('a place names a volume as one, and is bounded', () => {
  assert.equal(place(slotOf({ 'volumes/data': 'data:1' })), 'image "data:1" of volume data');
  assert.ok(place(slotOf({ app: 'x'.repeat(10_000) })).length < 1000);
});

test('a warning is put before the others', () => {
  const left = leave(slot, 'warn', null, problem(slot, 'second'));
  assert.deepEqual(
    withWarning(left, problem(slot, 'first')).warnings.map((each) => each.text),
    ['app: first', 'app: second'],
  );
});

test('a warning keeps its text whole: long names give way to it, from their front', () => {
  const image = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/platform/team/service-with-a-long-name:2026.11.3`;
  const long = slotOf({ ['c'.repeat(63)]: image });
  const text = 'floats as before; annotate tagpin.dev/refresh=floating to pin it';
  const warning = problem(long, text, long.reference ?? assert.fail());
  assert.ok(warning.text.length <= 120, warning.text);
  assert.ok(warning.text.endsWith(text));
  assert.match(warning.text, /:2026\.11\.3 floats/);
});
