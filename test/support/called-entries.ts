import assert from 'node:assert/strict';
import type { AuditEvent, ControlPlane } from '../environment/control-plane.ts';
import type { Manifest } from './admission.ts';
import { eventually } from './eventually.ts';

/** Runs kubectl, and gives the webhooks that were called for its one write in a namespace, the first time round. */
export async function entriesOf(
  plane: ControlPlane,
  args: readonly string[],
  options: { readonly input?: string; readonly kubeconfig?: string } = {},
): Promise<readonly string[]> {
  const start = (await plane.auditEvents()).length;
  const { code, stderr } = await plane.kubectl(args, options);
  assert.equal(code, 0, stderr);
  const events = await eventually('the request is in the audit log', async () => {
    const writes = (await plane.auditEvents())
      .slice(start)
      .filter(({ verb }) => /^(?:create|update|patch)$/.test(verb));
    return writes.some(({ objectRef }) => objectRef?.namespace !== undefined) && writes;
  });
  return events.flatMap(called);
}

/** Creates an object in a namespace, and gives the webhooks that were called. */
export function entriesOfCreate(
  plane: ControlPlane,
  namespace: string,
  manifest: Manifest,
): Promise<readonly string[]> {
  return entriesOf(plane, ['create', '-n', namespace, '-f', '-'], { input: JSON.stringify(manifest) });
}

// https://kubernetes.io/docs/reference/labels-annotations-taints/audit-annotations/
function called({ annotations = {} }: AuditEvent): readonly string[] {
  return Object.entries(annotations)
    .filter(([key]) => key.startsWith('mutation.webhook.admission.k8s.io/round_0_'))
    .map(([, value]) => JSON.parse(value).webhook);
}
