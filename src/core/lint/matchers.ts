import { canonicalName, type ImageReference } from '../image/reference.ts';
import { compileGlobs } from '../policy/grammar/glob.ts';
import { type Condition, compileConditions, type Subject } from '../policy/match.ts';
import type { Policy } from '../policy/schema.ts';
import { type GitPlace, heldByProtection, type KnownLabels, type ProtectedSubject } from '../sweep/guard/protection.ts';
import type { PolicyFinding } from './finding.ts';

/** Something that a policy names, until something in the cluster turns out to be that. */
interface Unmatched<Seen> {
  readonly finding: PolicyFinding;
  readonly matches: (seen: Seen) => boolean;
}

/** What could not be looked at: nothing is said of what would have been found there. */
export type Unlisted = 'images' | 'targets';

/** A target, as `sweep.protect` sees it. */
export interface SeenTarget {
  readonly subject: ProtectedSubject;
  readonly places: readonly GitPlace[];
}

/**
 * Finds out which rules, `verify` and `protect` entries of a policy match nothing at all of a cluster: it is shown everything there
 * is, piece by piece. A rule that denies or warns is meant to match nothing; of it only the place where it looks has to be there.
 */
export class Matchers {
  #rules: readonly Unmatched<Subject>[];
  #verify: readonly Unmatched<ImageReference>[];
  #protect: readonly Unmatched<SeenTarget>[];
  readonly #unlisted = new Set<Unlisted>();
  readonly #seen = new Set<Unlisted>();

  /** @param labels of the cluster's namespaces. */
  constructor(policy: Policy, labels: KnownLabels) {
    this.#rules = policy.rules.map((rule, index) => {
      const isGuard = rule.action === 'deny' || rule.action === 'warn';
      const conditions = compileConditions(rule.match).filter(({ field }) => !isGuard || OF_PLACES.has(field));
      const what = isGuard ? 'no workload of an opted-in namespace is where it looks' : 'it matches no image here';
      return {
        finding: nothing(['rules', index], `${what}: mend what it matches, or remove it`),
        matches: (subject) => conditions.every(({ holds }) => holds(subject)),
      };
    });
    this.#verify = policy.verify.map(({ images }, index) => {
      const covers = compileGlobs(images);
      return {
        finding: nothing(
          ['verify', index],
          'it matches no image here, so it verifies nothing: mend its images, or remove it',
        ),
        matches: (image) => covers(canonicalName(image)),
      };
    });
    this.#protect = policy.sweep.protect.map((entry, index) => ({
      finding: nothing(['sweep', 'protect', index], 'it protects nothing here: mend what it names, or remove it'),
      matches: ({ subject, places }) => heldByProtection(subject, places, [entry], labels) !== null,
    }));
  }

  /** An image of a workload in a namespace that has opted in. */
  sawImage(subject: Subject): void {
    this.#seen.add('images');
    this.#rules = left(this.#rules, subject);
    this.sawFollowed(subject.reference);
  }

  /** An image that something follows. */
  sawFollowed(image: ImageReference): void {
    this.#verify = left(this.#verify, image);
  }

  /** Anything of a kind that the sweeper writes, whether it follows something or not. */
  sawTarget(target: SeenTarget): void {
    this.#seen.add('targets');
    this.#protect = left(this.#protect, target);
  }

  /** Something could not be read. */
  missed(what: Unlisted): void {
    this.#unlisted.add(what);
  }

  /** What matched nothing of what was shown; where nothing was, that says nothing. */
  findings(): readonly PolicyFinding[] {
    const isKnown = (what: Unlisted): boolean => this.#seen.has(what) && !this.#unlisted.has(what);
    const images = isKnown('images') ? [...this.#rules, ...this.#verify] : [];
    const targets = isKnown('targets') ? this.#protect : [];
    return [...images, ...targets].map(({ finding }) => finding);
  }
}

const OF_PLACES: ReadonlySet<Condition['field']> = new Set(['namespaces', 'namespaceLabels', 'kinds']);

function left<Seen>(unmatched: readonly Unmatched<Seen>[], seen: Seen): readonly Unmatched<Seen>[] {
  return unmatched.some(({ matches }) => matches(seen)) ? unmatched.filter(({ matches }) => !matches(seen)) : unmatched;
}

function nothing(path: PolicyFinding['path'], message: string): PolicyFinding {
  return { code: 'NothingThere', path, message };
}
