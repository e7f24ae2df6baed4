import type { Change, TargetKind, TargetName } from '../core/sweep/change.ts';
import { asString, type JsonObject, valueAt } from '../core/workload/json.ts';

/** The name of an object that the API server sent. */
export function nameOf(kind: TargetKind, object: JsonObject): TargetName {
  return { kind, namespace: textAt(object, 'namespace'), name: textAt(object, 'name') };
}

/** What is told of an object that can't be read as a target, or was named and is none. @param message without its full stop. */
export function problemOf(
  kind: TargetKind,
  object: JsonObject,
  reason: 'InvalidSettings' | 'NotFollowed',
  message: string,
): Change {
  const uid = textAt(object, 'uid');
  return { ...NO_IMAGE, target: nameOf(kind, object), uid, outcome: 'refused', reason, message };
}

/** What is told of a target that was named, and is not there. */
export function missing(target: TargetName): Change {
  const message = `there is no such ${target.kind}`;
  return { ...NO_IMAGE, target, uid: '', outcome: 'failed', reason: 'NotFound', message };
}

const NO_IMAGE = { alias: '*', image: '', from: null, to: null, passedOver: [] } as const;

function textAt(object: JsonObject, key: string): string {
  return asString(valueAt(object, ['metadata', key])) ?? '';
}
