import { type Digest, parseDigest } from '../../image/digest.ts';
import { effectiveTag, type ImageReference } from '../../image/reference.ts';
import type { ImageValue } from '../../sweep/value.ts';
import { asString, elements, property, valueAt } from '../../workload/json.ts';
import { templatePath } from '../../workload/kinds.ts';
import { isPinOf, type PinEntry } from '../../workload/pins.ts';
import type { SubmittedSlot } from '../../workload/slots.ts';
import type { FieldStep } from './apply-manager.ts';
import type { FollowingKind } from './rollout.ts';

/** What stands in the place that is written, or shows what runs. */
export type Found =
  /** A digest, of which it is known which tag it was: a pin, or a variable of ours. */
  | { readonly kind: 'digest'; readonly value: ImageValue & { readonly digest: Digest } }
  /** A digest that somebody wrote. */
  | { readonly kind: 'by hand'; readonly digest: Digest }
  /** Only a tag, or nothing at all shows what runs. */
  | { readonly kind: 'floating' }
  /** A variable that says nothing, or is not there. */
  | { readonly kind: 'empty' }
  /** A variable that says something else than a digest. */
  | { readonly kind: 'text'; readonly text: string };

/** A variable of a container, by property names and indexes. */
export interface VariablePlace {
  readonly container: readonly (string | number)[];
  readonly name: string;
  /** The container as it is. */
  readonly raw: unknown;
  /** Null where there is none of that name. */
  readonly index: number | null;
}

/** What an image slot shows. */
export function foundImage(slot: SubmittedSlot, entry: PinEntry | null): Found {
  const { reference } = slot;
  if (reference === null || reference.digest === null) return { kind: 'floating' };
  if (entry === null || !isPinOf(entry, reference)) return { kind: 'by hand', digest: reference.digest };
  return { kind: 'digest', value: { tag: effectiveTag(entry.reference), digest: reference.digest } };
}

/** Finds a variable in the container of a slot. Of several of one name the last counts, as for the kubelet. */
export function findVariable(object: unknown, slot: SubmittedSlot, name: string): VariablePlace {
  const container = slot.path.slice(0, -1);
  const raw = container.reduce<unknown>(
    (value, step) => (typeof step === 'number' ? elements(value)[step] : property(value, step)),
    object,
  );
  const index = elements(property(raw, 'env')).findLastIndex((each) => property(each, 'name') === name);
  return { container, name, raw, index: index === -1 ? null : index };
}

/** What a variable shows; a problem where its value comes from elsewhere. */
export function foundVariable(
  { raw, name, index }: VariablePlace,
  followed: ImageReference,
): Found | { readonly kind: 'problem'; readonly problem: string } {
  const entry = index === null ? null : elements(property(raw, 'env'))[index];
  if (property(entry, 'valueFrom') !== null) {
    return {
      kind: 'problem',
      problem: `the variable ${name} has its value from elsewhere (valueFrom): give it a value`,
    };
  }
  const text = (asString(property(entry, 'value')) ?? '').trim();
  if (text === '') return { kind: 'empty' };
  const digest = parseDigest(text);
  if (digest === null) return { kind: 'text', text };
  return { kind: 'digest', value: { tag: effectiveTag(followed), digest } };
}

/** The way to a slot's image for `applyManagerOf`. */
export function imageField(kind: FollowingKind, { list, name }: SubmittedSlot): readonly FieldStep[] {
  const field = list === 'volumes' ? ['image', 'reference'] : ['image'];
  return [...templatePath(kind), 'spec', list, { named: name }, ...field];
}

/** The way to a variable's value for `applyManagerOf`. */
export function variableField(
  kind: FollowingKind,
  { list, name }: SubmittedSlot,
  variable: string,
): readonly FieldStep[] {
  return [...templatePath(kind), 'spec', list, { named: name }, 'env', { named: variable }, 'value'];
}

/** When the Pods were restarted by an annotation last; null where they never were. */
export function restartedAt(kind: FollowingKind, object: unknown): string | null {
  return asString(valueAt(object, [...templatePath(kind), 'metadata', 'annotations', RESTART_ANNOTATION]));
}

/** What is written there for an attempt of that time, in milliseconds since 1970. */
export function restartMark(at: number): string {
  return new Date(at).toISOString();
}

/** What `kubectl rollout restart` writes into the template. */
export const RESTART_ANNOTATION = 'kubectl.kubernetes.io/restartedAt';
