import type { ObjectFinding } from '../lint/finding.ts';
import { explainFinding, type Finding } from './finding.ts';
import type { AuditRow } from './row.ts';

/** The object on which something is configured. */
export interface InertObject {
  /** Empty for what has none. */
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** A line of the audit about something that is configured and can't act: it is about no image. */
export function inertRow({ namespace, kind, name }: InertObject, { code, where, message }: ObjectFinding): AuditRow {
  const finding: Finding = { state: 'inert', why: 'Inert', code, where, message };
  return {
    namespace,
    kind,
    name,
    container: '',
    image: '',
    requested: null,
    digest: null,
    running: [],
    state: 'inert',
    reason: explainFinding(finding),
    findings: [finding],
  };
}
