import type { FollowedByWorkload } from '../../target/workload.ts';
import { shortText } from '../guard/drift.ts';
import type { ImageState } from '../state.ts';
import type { ImageValue } from '../value.ts';
import { hold, leave, type WorkloadImageFacts, type WorkloadImagePlan } from './plans.ts';
import { holdUnsettled } from './rollout.ts';

/** Where an image begins of which nothing is known. */
export function begin(
  image: FollowedByWorkload,
  facts: WorkloadImageFacts,
  wanted: ImageValue,
): WorkloadImagePlan | { readonly state: ImageState } {
  const { state } = facts;
  const { found, adopted } = image;
  const isInvisible = found.kind === 'floating';
  const isOther = isInvisible && state.observed === true && state.attempt === null && state.written?.tag !== wanted.tag;
  if (!isOther && (state.written !== null || state.attempt !== null || state.contested !== null)) return { state };
  const invalid = (message: string): WorkloadImagePlan =>
    hold(image, state, { outcome: 'refused', reason: 'InvalidSettings', message }, wanted);
  const record = (value: ImageValue, message: string): WorkloadImagePlan => {
    const now: ImageState = { ...state, written: value, observed: isInvisible ? true : null, waited: null };
    return { ...leave(image, now, wanted), outcome: 'unchanged', reason: 'Recorded', message };
  };

  if (!isOther && adopted.kind === 'problem') return invalid(adopted.problem);
  if (!isOther && adopted.kind === 'digest') {
    const written = { tag: wanted.tag, digest: adopted.digest };
    return { state: { ...state, written, observed: isInvisible ? true : null } };
  }
  switch (found.kind) {
    case 'floating':
      return record(wanted, `${shortText(wanted)} is recorded: it moves when its tag does`);
    case 'text': {
      const message = `the variable ${image.env ?? ''} holds ${JSON.stringify(found.text.slice(0, 40))}, which is no digest: empty it, or write one`;
      return invalid(message);
    }
    case 'digest':
      if (image.action !== 'set-env') return { state };
      return (
        unsettled(image, facts, wanted) ?? record(found.value, `${shortText(found.value)} is adopted as what it runs`)
      );
    case 'empty':
    case 'by hand':
      return { state };
  }
}

/** The plan of an image that waits for the rollout of its workload; null where that is settled. */
export function unsettled(
  image: FollowedByWorkload,
  facts: WorkloadImageFacts,
  wanted: ImageValue,
): WorkloadImagePlan | null {
  const wait = holdUnsettled(facts);
  return wait === null ? null : hold(image, { ...facts.state, waited: wait.waited }, wait.hold, wanted);
}
