import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listNamespaces } from '../../../src/kubernetes/namespaces/namespace-list.ts';
import { CONTROL_PLANE, skipWithout } from '../../environment/programs.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';

describe('Namespaces of a real API server', { skip: skipWithout(...CONTROL_PLANE) }, () => {
  const shared = sharedControlPlane();

  test('come with their labels, and whether they are paused', async () => {
    const rows = [
      [{}, false],
      [{ annotations: { 'tagpin.dev/pause': 'true' } }, true],
      [{ annotations: { 'tagpin.dev/pause': 'false' } }, false],
      [{ labels: { 'tagpin.dev/pause': 'yes' } }, true],
    ] as const;
    const names: string[] = [];
    for (const [metadata] of rows) {
      const name = await shared.namespace();
      names.push(name);
      await shared.plane.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...metadata } });
    }
    const found = await listNamespaces(shared.client, new AbortController().signal);
    assert.equal(found.get('nowhere'), undefined);
    for (const [index, [metadata, isPaused]] of rows.entries()) {
      const name = names[index] ?? '';
      assert.equal(found.get(name)?.isPaused, isPaused, JSON.stringify(metadata));
      assert.equal(found.get(name)?.labels['kubernetes.io/metadata.name'], name);
    }
  });
});
