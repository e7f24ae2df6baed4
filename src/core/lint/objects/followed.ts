import { canonicalName, type ImageReference, withTag } from '../../image/reference.ts';
import type { ResolutionFailureCode } from '../../image/resolution.ts';
import { type SelectionRule, selectTag } from '../../version/select.ts';
import type { ObjectFinding } from '../finding.ts';

/** An image that something follows, and by which rule. */
export interface Followed {
  /** Without tag and digest. */
  readonly repository: ImageReference;
  readonly rule: SelectionRule;
  /** Where that is said. */
  readonly where: string;
}

/** What a registry has to be asked about it: what one tag means, or which tags there are. */
export type FollowedQuestion =
  | { readonly kind: 'resolve'; readonly reference: ImageReference }
  | { readonly kind: 'tags'; readonly repository: ImageReference };

/** What it answered. */
export type FollowedAnswer =
  | { readonly kind: 'resolved' }
  | { readonly kind: 'listed'; readonly tags: readonly string[] }
  | { readonly kind: 'failed'; readonly code: ResolutionFailureCode; readonly message: string };

/** What to ask about an image that is followed. */
export function followedQuestion({ repository, rule }: Followed): FollowedQuestion {
  return rule.strategy === 'digest'
    ? { kind: 'resolve', reference: withTag(repository, rule.constraint ?? 'latest') }
    : { kind: 'tags', repository };
}

/** Equal for images about which the same is asked. */
export function questionKey(question: FollowedQuestion): string {
  return question.kind === 'tags' ? `tags ${canonicalName(question.repository)}` : `resolve ${question.reference.text}`;
}

/** A tag that is not there, or a rule that no tag fits; null where something is there, or nobody can say. */
export function notFound({ repository, rule, where }: Followed, answer: FollowedAnswer): ObjectFinding | null {
  const finding = (message: string): ObjectFinding => ({ code: 'NotFound', where, message });
  switch (answer.kind) {
    case 'resolved':
      return null;
    case 'failed':
      return answer.code === 'NotFound'
        ? finding(`${answer.message}: nothing is ever found by it: correct the name`)
        : null;
    case 'listed': {
      const fits = selectTag(answer.tags, rule).candidates.some(({ accepted }) => accepted);
      // What was built when is in the images, and of such a rule only the filters are known here.
      if (fits || rule.strategy === 'newest-build') return null;
      const what = answer.tags.length === 0 ? 'has no tags' : `has tags (${answer.tags.length}), and none fits`;
      return finding(`${repository.text} ${what}: see tagpin select ${repository.text}`);
    }
  }
}
