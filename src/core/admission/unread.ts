import { canonicalName, type ImageReference } from '../image/reference.ts';
import type { Resolution } from '../image/resolution.ts';
import type { AdmissionPlan } from './plan.ts';
import { LONGEST_WARNING, type SlotOutcome } from './slot/outcome.ts';

/** Where credentials could have been, and could not be read. */
export interface Unread {
  readonly kind: 'Secret' | 'ServiceAccount';
  readonly namespace: string;
  readonly name: string;
  /** `forbidden`: tagpin has no permission there; `failed`: the API server gave no answer. */
  readonly why: 'forbidden' | 'failed';
}

/** A reference that a registry was asked for, and what came of it. */
export interface Asked {
  readonly reference: ImageReference;
  readonly resolution: Resolution;
}

/** A repository that may not be seen is not there, for many registries. */
const REFUSALS: ReadonlySet<string> = new Set(['Unauthorized', 'Forbidden', 'NotFound']);

/**
 * Adds to a finished plan that credentials could not be read, where a registry refused: as a warning, and in the message of
 * what is denied for that reason.
 */
export function withUnread(plan: AdmissionPlan, asked: readonly Asked[], unread: readonly Unread[]): AdmissionPlan {
  const telling = mostTelling(unread);
  if (telling === null || !isRefused(asked)) return plan;
  const slots = plan.slots.map((slot) => {
    if (slot.denial === null || !refusalsOf(slot).some((code) => REFUSALS.has(code))) return slot;
    const message = `${slot.denial.message}; tagpin ${sentence(telling, Number.POSITIVE_INFINITY)}`;
    return { ...slot, denial: { ...slot.denial, message } };
  });
  // Before all others, of which an object of many images may have more than are shown.
  const warning = { kind: 'problem', text: sentence(telling, LONGEST_WARNING) } as const;
  return { ...plan, slots, warnings: [warning, ...plan.warnings] };
}

/** What a registry said of the image, and of its signatures. */
function refusalsOf({ source, verified }: SlotOutcome): readonly string[] {
  const failed = verified.filter(({ result }) => result === 'failed').map(({ detail }) => detail.split(':')[0] ?? '');
  return source.startsWith('registry:') ? [source.slice('registry:'.length), ...failed] : failed;
}

/** One line says enough, since one command helps with all; what needs that goes before what only failed. */
function mostTelling(unread: readonly Unread[]): Unread | null {
  const rank = ({ kind, why }: Unread) => (why === 'forbidden' ? 0 : 2) + (kind === 'Secret' ? 0 : 1);
  return unread.toSorted((one, other) => rank(one) - rank(other))[0] ?? null;
}

/** Was a repository refused of which nothing at all could be seen? */
function isRefused(asked: readonly Asked[]): boolean {
  const seen = new Set(
    asked.filter(({ resolution }) => resolution.kind === 'resolved').map(({ reference }) => canonicalName(reference)),
  );
  return asked.some(
    ({ reference, resolution }) =>
      resolution.kind === 'failed' && REFUSALS.has(resolution.code) && !seen.has(canonicalName(reference)),
  );
}

/** The command stays whole however long the names are: it is what the user has to type, and says the namespace too. */
function sentence({ kind, namespace, name, why }: Unread, most: number): string {
  const [verb, next] =
    why === 'forbidden'
      ? ['may not read', `tagpin namespace enable ${namespace}`]
      : ['could not read', 'apply again to try again'];
  const whole = `${verb} ${kind} ${name} in ${namespace}: ${next}`;
  if (whole.length <= most) return whole;
  const room = most - `${verb} ${kind} : ${next}`.length;
  return `${verb} ${kind} ${name.length <= room ? name : `…${name.slice(1 - room)}`}: ${next}`;
}
