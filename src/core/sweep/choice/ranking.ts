import { type ImageFacts, type SelectionRule, selectTag } from '../../version/select.ts';

/** The tags of a list that fit a rule. */
export interface Ranking {
  /** How many were held against the rule: all, but those of which it is not known what the rule compares. */
  readonly judged: number;
  /** The best first. */
  readonly best: Iterable<string>;
}

/** Holds tags against a rule. */
export function rankTags(
  tags: readonly string[],
  rule: SelectionRule,
  facts?: ImageFacts,
): Ranking & { readonly best: readonly string[] } {
  const { candidates } = selectTag(tags, rule, facts);
  return { judged: candidates.length, best: candidates.filter(({ accepted }) => accepted).map(({ tag }) => tag) };
}

/** Of one list of tags, by rule: each answer has its rules begin anew, and a list may have tens of thousands. */
const RANKINGS = new WeakMap<readonly string[], Map<string, Ranking>>();
/** Seldom more are looked at, and a thousand rules may be held against one list. */
const MOST_KEPT = 100;

/**
 * As `rankTags`, and remembered for as long as the list is.
 *
 * @param tags the same object for the same list.
 * @param rule one that takes nothing but the tags themselves.
 */
export function rankTagsOnce(tags: readonly string[], rule: SelectionRule): Ranking {
  const known = RANKINGS.get(tags) ?? new Map<string, Ranking>();
  RANKINGS.set(tags, known);
  const key = JSON.stringify([rule.text, rule.versionParts]);
  const remembered = known.get(key);
  if (remembered !== undefined) return remembered;
  const { judged, best } = rankTags(tags, rule);
  const first = best.slice(0, MOST_KEPT);
  const ranking = { judged, best: best.length > MOST_KEPT ? withRest(first, tags, rule) : first };
  known.set(key, ranking);
  return ranking;
}

/** The first are remembered, and what comes after them is found when it is wanted. */
function withRest(first: readonly string[], tags: readonly string[], rule: SelectionRule): Iterable<string> {
  return {
    *[Symbol.iterator]() {
      yield* first;
      yield* rankTags(tags, rule).best.slice(first.length);
    },
  };
}
