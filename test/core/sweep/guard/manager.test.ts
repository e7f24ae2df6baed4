import assert from 'node:assert/strict';
import test from 'node:test';
import { lastManager } from '../../../../src/core/sweep/guard/manager.ts';

const source = { 'f:spec': { 'f:source': {} } };

function managed(...entries: readonly (readonly [manager: unknown, time: unknown, fields: object])[]) {
  const managedFields = entries.map(([manager, time, fieldsV1]) => ({ manager, time, fieldsV1 }));
  return { metadata: { managedFields } };
}

test('who wrote the sources last is named, and tagpin is nobody', () => {
  const rows = [
    [managed(['kubectl', '2026-11-21T10:00:00Z', source]), 'kubectl'],
    [managed(['kubectl', '2026-11-21T10:00:00Z', source], ['tagpin', '2026-11-21T11:00:00Z', source]), null],
    [
      managed(['tagpin', '2026-11-21T11:00:00Z', source], ['argocd-server', '2026-11-21T12:00:00Z', source]),
      'argocd-server',
    ],
    [managed(['helm', '2026-11-21T11:00:00Z', source], ['tagpin', '2026-11-21T11:00:00Z', source]), 'helm'],
    [
      managed(['argocd', '2026-11-21T12:00:00Z', { 'f:status': {} }], ['kubectl', '2026-11-21T10:00:00Z', source]),
      'kubectl',
    ],
    [managed(['flux', '2026-11-21T10:00:00Z', { 'f:spec': { 'f:sources': {} } }]), 'flux'],
    [managed(['kubectl', '2026-11-21T10:00:00Z', { 'f:spec': { 'f:project': {} } }]), null],
    [managed([7, 8, source]), null],
    [{}, null],
    [null, null],
  ] as const;
  for (const [object, name] of rows) assert.equal(lastManager(object), name, JSON.stringify(object));
});
