import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listImageUpdaters, watchImageUpdaterLease } from '../../../src/kubernetes/argo-cd/image-updaters.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';

const { signal } = new AbortController();
const NOW = Date.parse('2026-11-21T12:00:00Z');

/** An API server whose one Lease says this. */
function leaseOf(spec: object) {
  const items = [{ metadata: { namespace: 'argocd', name: 'c21b75f2.argoproj.io' }, spec }];
  return { request: async () => ({ items, metadata: { resourceVersion: '1' } }) };
}

test('who holds the Lease and renewed it lately runs, however wrong a clock is within two minutes', async () => {
  const rows = [
    [{ holderIdentity: 'updater', renewTime: '2026-11-21T11:59:50.000000Z' }, true],
    [{ holderIdentity: 'updater', renewTime: '2026-11-21T12:01:30.000000Z' }, true],
    [{ holderIdentity: 'updater', renewTime: '2026-11-21T11:50:00.000000Z' }, false],
    [{ holderIdentity: '', renewTime: '2026-11-21T11:59:50.000000Z' }, false],
    [{ renewTime: '2026-11-21T11:59:50.000000Z' }, false],
    [{ holderIdentity: 'updater' }, false],
  ] as const;
  for (const [spec, isRunning] of rows) {
    assert.equal(await watchImageUpdaterLease(leaseOf(spec), () => NOW)(signal), isRunning, JSON.stringify(spec));
  }
});

test('who renews it before our eyes runs, whatever its clock says', async () => {
  let renewTime = '2026-11-21T10:00:00.000000Z';
  const client = { request: () => leaseOf({ holderIdentity: 'updater', renewTime }).request() };
  const isRunning = watchImageUpdaterLease(client, () => NOW);
  assert.equal(await isRunning(signal), false);
  renewTime = '2026-11-21T10:00:10.000000Z';
  assert.equal(await isRunning(signal), true);
  assert.equal(await isRunning(signal), false);
});

describe('Image Updater in a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  test('is not there, and that is no error; its Lease is found wherever it is', async () => {
    assert.deepEqual(await listImageUpdaters(shared.client, signal), []);
    const isRunning = watchImageUpdaterLease(shared.client, Date.now);
    assert.equal(await isRunning(signal), false);
    const namespace = await shared.namespace();
    const spec = { holderIdentity: 'updater', renewTime: new Date().toISOString().replace('Z', '000Z') };
    for (const name of ['other', 'c21b75f2.argoproj.io']) {
      assert.equal(await isRunning(signal), false);
      await shared.plane.apply({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace },
        spec,
      });
    }
    assert.equal(await isRunning(signal), true);
  });
});
